/**
 * RE2 text to tree, accepting and refusing what Go's `regexp.Compile` does (package regexp/syntax
 * with the flags `Perl`), with the same error texts. Source of the rules:
 * https://github.com/google/re2/wiki/Syntax and the package's documentation.
 */
import { type CodePoints, anyButNewline, anyCodePoint } from "./code-points.ts";
import { codePointAt, parseClass, parseEscape, parseSetEscape } from "./parse-class.ts";
import { type Assertion, type Expression, type Node, type Repeat } from "./syntax.ts";
import { RegexSyntaxError, alternate, concat } from "./syntax.ts";
import { foldSet } from "./unicode.ts";

/**
 * A repetition may ask for this many copies at most, also when nested: Go's limit, with Go's
 * error.
 */
export const repeatMax = 1000;
/** Deepest tree; Go's limit. It also bounds the recursion of everything that walks a tree. */
export const depthMax = 1000;
/** Instructions a program may have: Go's limit of 128 MiB at 40 bytes each. */
export const sizeMax = 3_355_443;

/**
 * Instructions × group ends: what the own matcher keeps for one position, 128 MiB. Ours; Go has no
 * such limit.
 */
export const cellsMax = 33_554_432;

interface Flags {
  readonly isFolded: boolean;
  readonly isMultiLine: boolean;
  readonly isDotAll: boolean;
  readonly isSwapped: boolean;
}

/** A finished node and the numbers its limits are checked by. */
interface Item {
  readonly node: Node;
  readonly depth: number;
  readonly size: number;
  /** The largest product of nested counted repetitions. */
  readonly copies: number;
}

/** An open parenthesis, or the expression itself. */
interface Frame {
  readonly outerFlags: Flags;
  readonly capture: number;
  readonly branches: Item[];
  items: Item[];
}

export interface ParseOptions {
  readonly isDotAll: boolean;
}

/** Throws RegexSyntaxError. */
export function parse(source: string, { isDotAll }: ParseOptions): Expression {
  return new Parser(source, isDotAll).parse();
}

class Parser {
  readonly #source: string;
  readonly #groupNames: (string | undefined)[] = [];
  readonly #frames: Frame[];
  #flags: Flags;
  #offset = 0;

  constructor(source: string, isDotAll: boolean) {
    this.#source = source;
    this.#flags = { isFolded: false, isMultiLine: false, isDotAll, isSwapped: false };
    this.#frames = [{ outerFlags: this.#flags, capture: 0, branches: [], items: [] }];
  }

  parse(): Expression {
    // Where the repetition operator that was just read began; two in a row are refused.
    let lastRepeatAt: number | undefined;
    while (this.#offset < this.#source.length) {
      const start = this.#offset;
      const isRepeat = this.#step(lastRepeatAt);
      lastRepeatAt = isRepeat ? start : undefined;
    }
    if (this.#frames.length > 1) throw new RegexSyntaxError("missing closing )", this.#source);
    const root = this.#close(this.#frames[0]!);
    const cells = root.size * 2 * (this.#groupNames.length + 1);
    if (cells > cellsMax) throw new RegexSyntaxError("expression too large", this.#source);
    return { root: root.node, groupNames: this.#groupNames };
  }

  /** Reads one element; true when it was a repetition operator. */
  #step(lastRepeatAt: number | undefined): boolean {
    const char = this.#source[this.#offset]!;
    switch (char) {
      case "(":
        this.#openGroup();
        return false;
      case ")":
        this.#closeGroup();
        return false;
      case "|":
        this.#endBranch();
        this.#offset++;
        return false;
      case "^":
        this.#assert(this.#flags.isMultiLine ? "line-start" : "text-start", 1);
        return false;
      case "$":
        this.#assert(this.#flags.isMultiLine ? "line-end" : "text-end", 1);
        return false;
      case ".":
        this.#pushSet(this.#flags.isDotAll ? anyCodePoint : anyButNewline);
        this.#offset++;
        return false;
      case "[": {
        const at = { offset: this.#offset, isFolded: this.#flags.isFolded };
        const { value, next } = parseClass(this.#source, at);
        this.#pushSet(value);
        this.#offset = next;
        return false;
      }
      case "*":
        this.#repeat({ min: 0, max: Infinity, end: this.#offset + 1, lastRepeatAt });
        return true;
      case "+":
        this.#repeat({ min: 1, max: Infinity, end: this.#offset + 1, lastRepeatAt });
        return true;
      case "?":
        this.#repeat({ min: 0, max: 1, end: this.#offset + 1, lastRepeatAt });
        return true;
      case "{":
        return this.#counted(lastRepeatAt);
      case "\\":
        this.#escape();
        return false;
      default: {
        const { value, next } = codePointAt(this.#source, this.#offset)!;
        this.#pushLiteral(value);
        this.#offset = next;
        return false;
      }
    }
  }

  #top(): Frame {
    return this.#frames[this.#frames.length - 1]!;
  }

  #push(item: Item): void {
    if (item.depth > depthMax) {
      throw new RegexSyntaxError("expression nests too deeply", this.#source);
    }
    if (item.size > sizeMax) throw new RegexSyntaxError("expression too large", this.#source);
    this.#top().items.push(item);
  }

  #pushSet(set: CodePoints): void {
    this.#push({ node: { kind: "class", set }, depth: 1, size: 1, copies: 1 });
  }

  #pushLiteral(codePoint: number): void {
    if (this.#flags.isFolded) {
      const set = foldSet([codePoint, codePoint]);
      if (set.length > 2 || set[0] !== set[1]) {
        this.#pushSet(set);
        return;
      }
    }
    this.#push({ node: { kind: "literal", codePoint }, depth: 1, size: 1, copies: 1 });
  }

  #assert(what: Assertion, length: number): void {
    this.#push({ node: { kind: "assert", what }, depth: 1, size: 1, copies: 1 });
    this.#offset += length;
  }

  #endBranch(): void {
    const frame = this.#top();
    const { items } = frame;
    const size = items.reduce((sum, item) => sum + item.size, 0);
    const depth = items.reduce((deepest, item) => Math.max(deepest, item.depth), 0);
    frame.branches.push({
      node: concat(items.map((item) => item.node)),
      // Neighbouring literals are one node in Go, so a row of them does not make the tree deeper.
      depth: items.length > 1 && depth > 1 ? depth + 1 : Math.max(depth, 1),
      size: Math.max(size, 1),
      copies: items.reduce((most, item) => Math.max(most, item.copies), 1),
    });
    frame.items = [];
    if (size > sizeMax) throw new RegexSyntaxError("expression too large", this.#source);
  }

  #close(frame: Frame): Item {
    this.#endBranch();
    const { branches } = frame;
    if (branches.length === 1) return branches[0]!;
    return {
      node: alternate(branches.map((branch) => branch.node)),
      depth: 1 + branches.reduce((deepest, branch) => Math.max(deepest, branch.depth), 0),
      size: branches.reduce((sum, branch) => sum + branch.size, branches.length - 1),
      copies: branches.reduce((most, branch) => Math.max(most, branch.copies), 1),
    };
  }

  #closeGroup(): void {
    if (this.#frames.length === 1) throw new RegexSyntaxError("unexpected )", this.#source);
    const frame = this.#top();
    const body = this.#close(frame);
    this.#frames.pop();
    this.#flags = frame.outerFlags;
    this.#offset++;
    if (frame.capture === 0) {
      this.#push(body);
      return;
    }
    const node: Node = { kind: "capture", index: frame.capture, body: body.node };
    this.#push({ node, depth: body.depth + 1, size: body.size + 2, copies: body.copies });
  }

  #openGroup(): void {
    const source = this.#source;
    const start = this.#offset;
    if (source[start + 1] !== "?") {
      this.#openCapture(undefined);
      this.#offset++;
      return;
    }
    const isNamed = source[start + 2] === "<" && source.length - start > 3;
    const isPythonNamed = source.startsWith("P<", start + 2) && source.length - start > 4;
    if (!isNamed && !isPythonNamed) {
      this.#flagGroup();
      return;
    }
    const end = source.indexOf(">", start);
    if (end < 0) throw new RegexSyntaxError("invalid named capture", source.slice(start));
    const name = source.slice(start + (isNamed ? 3 : 4), end);
    if (!/^[0-9A-Za-z_]+$/.test(name)) {
      throw new RegexSyntaxError("invalid named capture", source.slice(start, end + 1));
    }
    this.#openCapture(name);
    this.#offset = end + 1;
  }

  #openCapture(name: string | undefined): void {
    this.#groupNames.push(name);
    this.#openFrame(this.#groupNames.length);
  }

  #openFrame(capture: number): void {
    this.#frames.push({ outerFlags: this.#flags, capture, branches: [], items: [] });
  }

  /** `(?flags)` and `(?flags:`. */
  #flagGroup(): void {
    const start = this.#offset;
    const flags = { ...this.#flags };
    let isOn = true;
    let hasFlag = false;
    let next = start + 2;
    while (next < this.#source.length) {
      const at = codePointAt(this.#source, next)!;
      next = at.next;
      const char = String.fromCodePoint(at.value);
      if (char === "i") flags.isFolded = isOn;
      else if (char === "m") flags.isMultiLine = isOn;
      else if (char === "s") flags.isDotAll = isOn;
      else if (char === "U") flags.isSwapped = isOn;
      else if (char === "-" && isOn) {
        isOn = false;
        hasFlag = false;
        continue;
      } else if ((char === ":" || char === ")") && (isOn || hasFlag)) {
        if (char === ":") this.#openFrame(0);
        this.#flags = flags;
        this.#offset = next;
        return;
      } else break;
      hasFlag = true;
    }
    const at = this.#source.slice(start, next);
    throw new RegexSyntaxError("invalid or unsupported Perl syntax", at);
  }

  #counted(lastRepeatAt: number | undefined): boolean {
    const pattern = /\{(0|[1-9][0-9]*)(,(?:(0|[1-9][0-9]*))?)?\}/y;
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#source);
    if (match === null) {
      this.#pushLiteral(0x7b);
      this.#offset++;
      return false;
    }
    const min = Number(match[1]);
    let max = min;
    if (match[2] !== undefined) max = match[3] === undefined ? Infinity : Number(match[3]);
    if (min > repeatMax || (max !== Infinity && max > repeatMax) || min > max) {
      throw new RegexSyntaxError("invalid repeat count", match[0]);
    }
    this.#repeat({ min, max, end: this.#offset + match[0].length, lastRepeatAt });
    return true;
  }

  #repeat({
    min,
    max,
    end,
    lastRepeatAt,
  }: {
    min: number;
    max: number;
    end: number;
    lastRepeatAt: number | undefined;
  }): void {
    const start = this.#offset;
    let next = end;
    let isGreedy = !this.#flags.isSwapped;
    if (this.#source[next] === "?") {
      next++;
      isGreedy = !isGreedy;
    }
    if (lastRepeatAt !== undefined) {
      const at = this.#source.slice(lastRepeatAt, next);
      throw new RegexSyntaxError("invalid nested repetition operator", at);
    }
    const { items } = this.#top();
    const body = items.pop();
    const at = this.#source.slice(start, next);
    if (body === undefined) {
      throw new RegexSyntaxError("missing argument to repetition operator", at);
    }
    const isCounted = this.#source[start] === "{";
    const count = max === Infinity ? min : max;
    const copies = isCounted && max !== 0 ? Math.max(count, 1) * body.copies : body.copies;
    if (isCounted && (min >= 2 || (max >= 2 && max !== Infinity)) && copies > repeatMax) {
      throw new RegexSyntaxError("invalid repeat count", at);
    }
    this.#offset = next;
    this.#push({
      node: squash({ kind: "repeat", body: body.node, min, max, isGreedy }),
      depth: body.depth + 1,
      size: sizeOfRepeat(body.size, { min, max }),
      copies: isCounted && max === 0 ? 1 : copies,
    });
  }

  #escape(): void {
    const source = this.#source;
    const letter = source[this.#offset + 1];
    if (letter === "A") return this.#assert("text-start", 2);
    if (letter === "z") return this.#assert("text-end", 2);
    if (letter === "b") return this.#assert("word-boundary", 2);
    if (letter === "B") return this.#assert("no-word-boundary", 2);
    if (letter === "Q") return this.#quoted();
    const at = { offset: this.#offset, isFolded: this.#flags.isFolded };
    const set = parseSetEscape(source, at);
    if (set !== undefined) {
      this.#pushSet(set.value);
      this.#offset = set.next;
      return;
    }
    const { value, next } = parseEscape(source, this.#offset);
    this.#pushLiteral(value);
    this.#offset = next;
  }

  /** `\Q…\E`: everything between is literal; without `\E` up to the end. */
  #quoted(): void {
    const close = this.#source.indexOf("\\E", this.#offset + 2);
    const end = close < 0 ? this.#source.length : close;
    for (let next = this.#offset + 2; next < end; ) {
      const at = codePointAt(this.#source, next)!;
      this.#pushLiteral(at.value);
      next = at.next;
    }
    this.#offset = close < 0 ? end : end + 2;
  }
}

function sizeOfRepeat(size: number, { min, max }: { min: number; max: number }): number {
  if (max === Infinity) return min === 0 ? 2 + size : 1 + min * size;
  return Math.max(1, max * size + (max - min));
}

/**
 * `(?:x*)+` and the like are `x*`, as in Go: that keeps them out of the special care for loops
 * that match nothing.
 */
function squash(node: Repeat): Node {
  const { body } = node;
  const isPlain = (repeat: Repeat): boolean =>
    repeat.min <= 1 && (repeat.max === Infinity || (repeat.min === 0 && repeat.max === 1));
  if (body.kind !== "repeat" || body.isGreedy !== node.isGreedy) return node;
  if (!isPlain(node) || !isPlain(body)) return node;
  const isSame = body.min === node.min && body.max === node.max;
  return isSame ? body : { ...node, body: body.body, min: 0, max: Infinity };
}

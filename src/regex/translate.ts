/**
 * Tree to JavaScript source. The source needs no flags and uses only what V8's linear engine
 * understands (no `i`, `u`, look-ahead, modifiers or large counts), so that a run that backtracks
 * too much can be finished in linear time. Therefore:
 * - case folding has become classes in the parser;
 * - strings are matched by UTF-16 unit: a code point above U+FFFF is a pair of units, and a class
 *   never takes half a pair;
 * - counted repetitions are written out.
 * What cannot be said this way is not translated (undefined); `pike.ts` then does the work.
 */
import { type CodePoints, anyCodePoint, includesAll, intersect } from "./code-points.ts";
import { type Assertion, type Capture, type Node, type Repeat, emptiness } from "./syntax.ts";

/**
 * - "text": exact matches with all groups in a text without newline or without `(?m)` anchors.
 * - "line-block": many ASCII lines, each ended by a newline; `^` and `$` are ends of a line. A
 *   match starts in the line that matches and may take in the newline that ends it.
 */
export type Target = "text" | "line-block";

export interface TranslateOptions {
  readonly target: Target;
  /** Without groups the first and last positions are the same, and less is undefined. */
  readonly hasGroups: boolean;
}

/** Longer translations are slow to compile and to run; the own matcher takes over. */
const lengthMax = 50_000;
/** Optional copies nest, and the engine's parser recurses into them. */
const nestedOptionalMax = 200;

const asciiNoNewline: CodePoints = [0, 9, 11, 127];
const wholeBmp = [0, 0xd7ff, 0xe000, 0xffff];

class Untranslatable extends Error {}

export function translate(root: Node, options: TranslateOptions): string | undefined {
  try {
    const source = new Translator(options).node(root, true);
    return source.length > lengthMax ? undefined : source;
  } catch (error) {
    if (error instanceof Untranslatable) return undefined;
    throw error;
  }
}

class Translator {
  readonly #target: Target;
  readonly #hasGroups: boolean;

  constructor({ target, hasGroups }: TranslateOptions) {
    this.#target = target;
    this.#hasGroups = hasGroups;
  }

  /** `isLast` is true where nothing that consumes can follow. */
  node(node: Node, isLast: boolean): string {
    switch (node.kind) {
      case "empty":
        return "(?:)";
      case "literal":
        return this.#set([node.codePoint, node.codePoint]);
      case "class":
        return this.#set(node.set);
      case "assert":
        return this.#assertion(node.what, isLast);
      case "capture":
        return this.#capture(node, isLast);
      case "repeat":
        return this.#repeat(node, isLast);
      case "concat": {
        const last = node.parts.length - 1;
        return node.parts.map((part, i) => this.#part(part, isLast && i === last)).join("");
      }
      case "alternate":
        return node.branches.map((branch) => this.node(branch, isLast)).join("|");
      default:
        return node satisfies never;
    }
  }

  #part(node: Node, isLast: boolean): string {
    const source = this.node(node, isLast);
    return node.kind === "alternate" ? `(?:${source})` : source;
  }

  #capture(node: Capture, isLast: boolean): string {
    const body = this.node(node.body, isLast);
    return this.#hasGroups ? `(${body})` : `(?:${body})`;
  }

  #assertion(what: Assertion, isLast: boolean): string {
    if (what === "word-boundary") return "\\b";
    if (this.#target === "text") {
      // Between the halves of a pair there is no place to match.
      if (what === "no-word-boundary") return "\\B(?<![\\ud800-\\udbff])";
      return what === "text-start" || what === "line-start" ? "^" : "$";
    }
    if (what === "no-word-boundary") return "\\B";
    if (what === "text-start" || what === "line-start") return "(?<![^\\n])";
    // The linear engine has no look-ahead, but where nothing follows the newline itself can be
    // taken.
    if (isLast) return "\\n";
    throw new Untranslatable();
  }

  #set(set: CodePoints): string {
    return this.#target === "text" ? setSource(set) : unitClass(intersect(set, asciiNoNewline));
  }

  #repeat(node: Repeat, isLast: boolean): string {
    const { min, max, isGreedy } = node;
    if (max === 0) return this.#hasGroups && hasCapture(node.body) ? fail() : "(?:)";
    const isOnce = min === 1 && max === 1;
    if (isOnce) return this.#part(node.body, isLast);
    this.#checkLoop(node);
    const lazy = isGreedy ? "" : "?";
    if (min === 0 && max === Infinity) return `${this.#looped(node.body)}*${lazy}`;
    const one = this.#unit(node.body);
    if (one.length * (max === Infinity ? min : max) > lengthMax) return fail();
    if (min === 1 && max === Infinity) return `${one}+${lazy}`;
    const copies = one.repeat(min);
    if (max === Infinity) return `${copies}${this.#looped(node.body)}*${lazy}`;
    const optional = max - min;
    if (optional > nestedOptionalMax) return fail();
    if (optional === 1) return `${copies}${one}?${lazy}`;
    return `${copies}${`(?:${one}`.repeat(optional)}${`)?${lazy}`.repeat(optional)}`;
  }

  /**
   * JavaScript forgets groups at each turn of a loop and refuses turns that match nothing; Go does
   * neither. Where that could be seen in positions or groups, the loop is not translated.
   */
  #checkLoop({ body, min, max }: Repeat): void {
    if (!this.#hasGroups) return;
    if (min !== max && emptiness(body) !== "never") fail();
    if (max <= 1 || !hasCapture(body)) return;
    // Written-out copies would be groups of their own; a plain loop has only one copy.
    if (max !== Infinity || min > 1 || !setsEveryGroup(body)) fail();
  }

  /** One copy, bracketed so that an operator may follow. */
  #unit(body: Node): string {
    const source = this.node(body, false);
    const isSingle =
      body.kind === "capture" ||
      ((body.kind === "class" || body.kind === "literal") && isOneUnit(source));
    return isSingle ? source : `(?:${source})`;
  }

  /**
   * The body of a loop that may run any number of times, also none. If it takes every code point
   * above U+FFFF, it may as well take the halves of a pair one by one: no other part of a
   * translation can begin or end between them, so the outcome is the same.
   */
  #looped(body: Node): string {
    if (this.#target === "text" && body.kind === "class" && includesAll(body.set, astral)) {
      return unitClass(intersect(body.set, wholeBmp), true);
    }
    return this.#unit(body);
  }
}

const astral: CodePoints = [0x10000, 0x10ffff];

function fail(): never {
  throw new Untranslatable();
}

const isOneUnit = (source: string): boolean =>
  source.length === 1 || source.startsWith("[") || source.startsWith("\\");

function hasCapture(node: Node): boolean {
  switch (node.kind) {
    case "capture":
      return true;
    case "repeat":
      return hasCapture(node.body);
    case "concat":
      return node.parts.some(hasCapture);
    case "alternate":
      return node.branches.some(hasCapture);
    case "empty":
    case "literal":
    case "class":
    case "assert":
      return false;
    default:
      return node satisfies never;
  }
}

/** Does every way through the node set every group in it? */
function setsEveryGroup(node: Node): boolean {
  switch (node.kind) {
    case "capture":
      return setsEveryGroup(node.body);
    case "repeat":
      return node.min > 0 ? setsEveryGroup(node.body) : !hasCapture(node.body);
    case "concat":
      return node.parts.every(setsEveryGroup);
    case "alternate":
      return !node.branches.some(hasCapture);
    case "empty":
    case "literal":
    case "class":
    case "assert":
      return true;
    default:
      return node satisfies never;
  }
}

const escapeUnit = (unit: number): string => {
  const char = String.fromCharCode(unit);
  if (/[0-9A-Za-z_ "'=:,;<>@#%&~`!]/.test(char)) return char;
  return unit < 0x100
    ? `\\x${unit.toString(16).padStart(2, "0")}`
    : `\\u${unit.toString(16).padStart(4, "0")}`;
};

/** A class of UTF-16 units. */
function unitClass(units: CodePoints, takesHalves = false): string {
  const parts: string[] = [];
  for (let i = 0; i < units.length; i += 2) {
    const from = units[i]!;
    const to = units[i + 1]!;
    parts.push(from === to ? escapeUnit(from) : `${escapeUnit(from)}-${escapeUnit(to)}`);
  }
  if (takesHalves) parts.push("\\ud800-\\udfff");
  if (units.length === 2 && units[0] === units[1] && !takesHalves) return parts[0]!;
  return `[${parts.join("")}]`;
}

/** A set of code points as a class of units, or as a choice of one and pairs. */
function setSource(set: CodePoints): string {
  const basic = intersect(set, wholeBmp);
  const high = intersect(set, astral);
  if (high.length === 0) return unitClass(basic);
  const choices = pairs(high);
  if (basic.length > 0) choices.unshift(unitClass(basic));
  return `(?:${choices.join("|")})`;
}

/**
 * Pairs of units for code points above U+FFFF: first units that allow the same second units are
 * put together.
 */
function pairs(high: CodePoints): string[] {
  const seconds = new Map<number, number[]>();
  for (let i = 0; i < high.length; i += 2) {
    const from = high[i]! - 0x10000;
    const to = high[i + 1]! - 0x10000;
    for (let first = from >> 10; first <= to >> 10; first++) {
      const low = first === from >> 10 ? from & 0x3ff : 0;
      const top = first === to >> 10 ? to & 0x3ff : 0x3ff;
      const list = seconds.get(first) ?? [];
      list.push(0xdc00 + low, 0xdc00 + top);
      seconds.set(first, list);
    }
  }
  const firsts = new Map<string, number[]>();
  for (const [first, list] of seconds) {
    const second = unitClass(list);
    const group = firsts.get(second) ?? [];
    const unit = 0xd800 + first;
    const last = group.length - 1;
    if (last > 0 && group[last] === unit - 1) group[last] = unit;
    else group.push(unit, unit);
    firsts.set(second, group);
  }
  return [...firsts].map(([second, group]) => unitClass(group) + second);
}

/**
 * Whether `set` is all there is in the target: then a loop over it can be left out at the ends of
 * a search.
 */
export function isEverything(set: CodePoints, target: Target): boolean {
  return includesAll(set, target === "text" ? anyCodePoint : asciiNoNewline);
}

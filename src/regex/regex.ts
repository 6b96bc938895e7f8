/**
 * An RE2 expression, matched by the engine's own regular expressions where they agree, by
 * `pike.ts` where they do not.
 */
import { type BlockEngines, type Engines } from "./linear-engine.ts";
import { compileBlockEngines, compileEngines } from "./linear-engine.ts";
import { type Expression, type Node, concat, emptiness, hasAssertion } from "./syntax.ts";
import { type Pike, compilePike } from "./pike.ts";
import { literalsOf, requiredLiteralsOf } from "./literals.ts";
import { expandTemplate } from "./expand.ts";
import { parse } from "./parse.ts";
import { simplifyForTest } from "./simplify.ts";
import { translate } from "./translate.ts";

export { RegexSyntaxError } from "./syntax.ts";

/** A compiled RE2 expression. Stateless for callers; matching takes time linear in the input. */
export interface Regex {
  /** The expression as given. */
  readonly source: string;
  /** Does it match anywhere (or, when compiled anchored, the whole text)? */
  test(text: string): boolean;
  /** First match anywhere: start, end and texts of the groups, or undefined. */
  find(text: string): RegexMatch | undefined;
  /** Names of groups 1…n; undefined for unnamed ones. */
  readonly groupNames: readonly (string | undefined)[];
  /**
   * All non-overlapping matches replaced by Go's Expand template (`$1`, `${name}`, `$$`) or by the
   * literal text.
   */
  replaceAll(text: string, replacement: string, options: { literal: boolean }): string;
  /** Number of non-overlapping matches. */
  count(text: string): number;
  /**
   * Set when the expression, apart from being anchored, is nothing but a choice of literals (as in
   * `a|b|c` or `a[bc]`), case-sensitive: it matches a text that is (anchored) or contains (not
   * anchored) one of them, and no other.
   */
  readonly literals: readonly string[] | undefined;
  /**
   * Literals that every match must contain: all of the terms, of each at least one alternative.
   * Empty when nothing is known. Never wrong: a text without them does not match. Literals are of
   * two UTF-16 units or more and never have U+FFFD in them.
   */
  readonly requiredLiterals: readonly (readonly string[])[];
  /**
   * Finds lines in a latin1 view of ASCII lines, each ended by a newline and without one inside;
   * flag `g`, so set `lastIndex`. A match starts in a line that matches and does not go past that
   * line's newline; go on searching behind that newline. It says which lines match, not where:
   * position, length and groups are not those of `find`. Undefined when it cannot be said. Linear
   * in time as long as lines are short: see `blockEngines`.
   */
  readonly blockRegExp: RegExp | undefined;
  /**
   * `blockRegExp` as `fast`, and the one to take for blocks with a line longer than
   * `fastLengthMax` as `linear`.
   */
  readonly blockEngines: BlockEngines | undefined;
}

export interface RegexMatch {
  readonly from: number;
  readonly to: number;
  /** Group 0 is the match; a group that took no part is undefined. */
  readonly groups: readonly (string | undefined)[];
}

export interface RegexOptions {
  /** Must match the whole text (`^(?s:…)$`: `.` matches newlines), as label matchers do. */
  readonly anchored: boolean;
}

/** Throws RegexSyntaxError. Results are cached by callers, not here. */
export function compileRegex(source: string, { anchored }: RegexOptions): Regex {
  return new CompiledRegex(source, anchored);
}

/** Made at first use; null when there is none. */
type Lazy = Engines | null | undefined;

class CompiledRegex implements Regex {
  readonly source: string;
  readonly literals: readonly string[] | undefined;
  readonly requiredLiterals: readonly (readonly string[])[];
  readonly #expression: Expression;
  readonly #root: Node;
  readonly #literalSet: ReadonlySet<string> | undefined;
  readonly #literal: string | undefined;
  readonly #hasLineAnchor: boolean;
  #tester: Lazy;
  #finder: Lazy;
  #block: BlockEngines | null | undefined;
  #pike: Pike | undefined;

  constructor(source: string, anchored: boolean) {
    this.source = source;
    this.#expression = parse(source, { isDotAll: anchored });
    const { root } = this.#expression;
    this.#root = anchored ? concat([textStart, root, textEnd]) : root;
    this.#hasLineAnchor = hasAssertion(root, ["line-start", "line-end"]);
    this.literals = literalsOf(root);
    this.requiredLiterals = requiredLiteralsOf(root);
    this.#literalSet = anchored && this.literals !== undefined ? new Set(this.literals) : undefined;
    this.#literal = !anchored && this.literals?.length === 1 ? this.literals[0] : undefined;
  }

  get groupNames(): readonly (string | undefined)[] {
    return this.#expression.groupNames;
  }

  get blockRegExp(): RegExp | undefined {
    const engines = this.blockEngines;
    // Loops within loops could cost every line of a block the engine's bound.
    const isNested = engines !== undefined && engines.fastLengthMax < blockLineLength;
    return isNested ? engines.linear : engines?.fast;
  }

  get blockEngines(): BlockEngines | undefined {
    this.#block ??= compileBlock(this.#root) ?? null;
    return this.#block ?? undefined;
  }

  test(text: string): boolean {
    if (this.#literalSet !== undefined) return this.#literalSet.has(text);
    if (this.#literal !== undefined) return text.includes(this.#literal);
    if (this.#tester === undefined) {
      const simple = simplifyForTest(this.#root, "text");
      this.#tester = compile(simple, { hasGroups: false }) ?? null;
    }
    const engine = this.#engineFor(this.#tester, text);
    // A search for literals is a hundred times faster than the linear engines.
    if (engine !== this.#tester?.fast && !this.#hasRequired(text)) return false;
    if (engine !== undefined) {
      try {
        engine.lastIndex = 0;
        return engine.test(text);
      } catch (error) {
        throwUnlessOverflow(error);
      }
    }
    return this.#own().match(text, 0) !== undefined;
  }

  find(text: string): RegexMatch | undefined {
    return this.#findFrom(text, 0);
  }

  count(text: string): number {
    let matches = 0;
    let lastEnd = -1;
    for (let at = 0; at <= text.length; ) {
      const match = this.#findFrom(text, at);
      if (match === undefined) break;
      // An empty match right behind another one does not count.
      if (match.to > at || match.from !== lastEnd) matches++;
      lastEnd = match.to;
      at = match.to > at ? match.to : at + widthAt(text, at);
    }
    return matches;
  }

  replaceAll(text: string, replacement: string, { literal }: { literal: boolean }): string {
    let out = "";
    let lastEnd = 0;
    for (let at = 0; at <= text.length; ) {
      const match = this.#findFrom(text, at);
      if (match === undefined) break;
      const { from, to, groups } = match;
      out += text.slice(lastEnd, from);
      if (to > lastEnd || from === 0) {
        const { groupNames } = this;
        out += literal ? replacement : expandTemplate(replacement, { groupNames, groups });
      }
      lastEnd = to;
      at = Math.max(to, at + widthAt(text, at));
    }
    return out + text.slice(lastEnd);
  }

  #findFrom(text: string, at: number): RegexMatch | undefined {
    this.#finder ??= compile(this.#root, { hasGroups: true }) ?? null;
    const engine = this.#engineFor(this.#finder, text);
    if (engine !== undefined) {
      try {
        engine.lastIndex = at;
        const match = engine.exec(text);
        if (match === null) return undefined;
        return { from: match.index, to: match.index + match[0].length, groups: [...match] };
      } catch (error) {
        throwUnlessOverflow(error);
      }
    }
    const ends = this.#own().match(text, at);
    if (ends === undefined) return undefined;
    const groups: (string | undefined)[] = [];
    for (let i = 0; i < ends.length; i += 2) {
      groups.push(ends[i]! < 0 || ends[i + 1]! < 0 ? undefined : text.slice(ends[i], ends[i + 1]));
    }
    return { from: ends[0]!, to: ends[1]!, groups };
  }

  /**
   * JavaScript's line anchors know more line ends than Go's: translations of them hold for texts
   * of one line.
   */
  #engineFor(engines: Engines | null, text: string): RegExp | undefined {
    if (engines === null || (this.#hasLineAnchor && text.includes("\n"))) return undefined;
    return text.length > engines.fastLengthMax ? engines.linear : engines.fast;
  }

  #hasRequired(text: string): boolean {
    return this.requiredLiterals.every((term) => term.some((literal) => text.includes(literal)));
  }

  #own(): Pike {
    this.#pike ??= compilePike(this.#root, this.groupNames.length);
    return this.#pike;
  }
}

/** What a line of a log has at least, when nothing else is known of a block. */
const blockLineLength = 64;
const textStart: Node = { kind: "assert", what: "text-start" };
const textEnd: Node = { kind: "assert", what: "text-end" };

/**
 * The fast engine gives up when its backtrack stack (64 MiB) is full, which takes a text of many
 * megabytes.
 */
function throwUnlessOverflow(error: unknown): void {
  if (!(error instanceof RangeError)) throw error;
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function compile(node: Node, { hasGroups }: { hasGroups: boolean }): Engines | undefined {
  const source = translate(node, { target: "text", hasGroups });
  return source === undefined ? undefined : compileEngines(source, node);
}

function compileBlock(root: Node): BlockEngines | undefined {
  const simple = simplifyForTest(root, "line-block");
  const source = translate(simple, { target: "line-block", hasGroups: false });
  if (source === undefined) return undefined;
  if (takesSomething(simple, true)) return compileBlockEngines(source, simple);
  if (hasAssertion(simple, ["text-end", "line-end"])) return undefined;
  // An empty match behind the last newline would be in no line: take the rest of the line in.
  return compileBlockEngines(`(?:${source})[^\\n]*\\n`, simple);
}

/**
 * Like emptiness "never", but an end of line in the last place has been translated to the newline.
 */
function takesSomething(node: Node, isLast: boolean): boolean {
  switch (node.kind) {
    case "assert":
      return isLast && (node.what === "text-end" || node.what === "line-end");
    case "capture":
      return takesSomething(node.body, isLast);
    case "concat":
      return node.parts.some((part, i) => {
        return takesSomething(part, isLast && i === node.parts.length - 1);
      });
    case "alternate":
      return node.branches.every((branch) => takesSomething(branch, isLast));
    case "empty":
    case "literal":
    case "class":
    case "repeat":
      return emptiness(node) === "never";
    default:
      return node satisfies never;
  }
}

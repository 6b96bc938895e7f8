/** A syntax error, in RE2's (Go regexp/syntax) words: ``error parsing regexp: missing closing ): `(a` ``. */
export class RegexSyntaxError extends Error {}

/** A compiled RE2 expression. Stateless for callers; matching takes time linear in the input. */
export interface Regex {
  /** The expression as given. */
  readonly source: string;
  /** Does it match anywhere (or, when compiled anchored, the whole text)? */
  test(text: string): boolean;
  /** First match anywhere: start, end and groups as [name | undefined, text | undefined], or undefined. */
  find(text: string): RegexMatch | undefined;
  /** Names of groups 1…n; undefined for unnamed ones. */
  readonly groupNames: readonly (string | undefined)[];
  /** All non-overlapping matches replaced by Go's Expand template (`$1`, `${name}`, `$$`) or by the literal text. */
  replaceAll(text: string, replacement: string, options: { literal: boolean }): string;
  /** Number of non-overlapping matches. */
  count(text: string): number;
  /** Set when the expression is an alternation of plain literals (as in `a|b|c`), case-sensitive: for fast paths. */
  readonly literals: readonly string[] | undefined;
  /**
   * Literals that every match must contain: all of the terms, of each at least one alternative. Empty when nothing is known.
   * Never wrong: a text without them does not match.
   */
  readonly requiredLiterals: readonly (readonly string[])[];
  /**
   * The JavaScript RegExp that finds matches inside a latin1 view of ASCII lines separated by newlines, flags `gm`-safe: it never
   * matches across a newline unless the expression itself asks for one (then undefined).
   */
  readonly blockRegExp: RegExp | undefined;
}

export interface RegexMatch {
  readonly from: number;
  readonly to: number;
  /** Group 0 is the match; a group that took no part is undefined. */
  readonly groups: readonly (string | undefined)[];
}

export interface RegexOptions {
  /** Must match the whole text (`^(?:…)$`, with `.` matching newlines), as label matchers do. */
  readonly anchored: boolean;
}

/** Throws RegexSyntaxError. Results are cached by callers, not here. */
export function compileRegex(source: string, options: RegexOptions): Regex {
  const js = source.replace(/\(\?P</g, "(?<").replace(/^\(\?([ims]+)\)/, "");
  const flags = /^\(\?([ims]+)\)/.exec(source)?.[1] ?? "";
  let program: RegExp;
  let all: RegExp;
  try {
    const wrapped = options.anchored ? `^(?:${js})$` : js;
    program = new RegExp(wrapped, options.anchored ? `${flags.replace("s", "")}s` : flags);
    all = new RegExp(program.source, `${program.flags}g`);
  } catch {
    throw new RegexSyntaxError(`error parsing regexp: invalid or unsupported: \`${source}\``);
  }
  const names = [...source.matchAll(/\((?!\?(?!P?<\w))(?:\?P?<(\w+)>)?/g)].map((m) => m[1]);
  return {
    source,
    groupNames: names,
    literals: undefined,
    requiredLiterals: [],
    blockRegExp: undefined,
    test: (text) => program.test(text),
    count: (text) => text.match(all)?.length ?? 0,
    find(text) {
      const match = program.exec(text);
      if (match === null) return undefined;
      return { from: match.index, to: match.index + match[0].length, groups: [...match] };
    },
    replaceAll: (text, replacement, { literal }) =>
      literal
        ? text.replace(all, () => replacement)
        : text.replace(all, replacement.replace(/\$\{(\w+)\}/g, "$<$1>")),
  };
}

/** Escapes and character classes: everything that stands for one code point or a set of them. */
import { type CodePoints, negate, normalize } from "./code-points.ts";
import { RegexSyntaxError } from "./syntax.ts";
import { foldSet, unicodeProperty } from "./unicode.ts";

const perlClasses: Readonly<Record<string, CodePoints>> = {
  d: [0x30, 0x39],
  s: [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20],
  w: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
};

const posixClasses: Readonly<Record<string, CodePoints>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0x00, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: [0x30, 0x39],
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

const controlEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

export interface At<T> {
  readonly value: T;
  /** Offset of what follows. */
  readonly next: number;
}

/**
 * The code point at an offset; undefined at the end. A lone surrogate is what invalid UTF-8 looks
 * like in a string.
 */
export function codePointAt(source: string, offset: number): At<number> | undefined {
  const value = source.codePointAt(offset);
  if (value === undefined) return undefined;
  if (value >= 0xd800 && value <= 0xdfff) {
    throw new RegexSyntaxError("invalid UTF-8", source.slice(offset));
  }
  return { value, next: offset + (value > 0xffff ? 2 : 1) };
}

const isOctal = (char: string | undefined): boolean =>
  char !== undefined && char >= "0" && char <= "7";

/** An escape that stands for one code point; `offset` is that of the backslash. */
export function parseEscape(source: string, offset: number): At<number> {
  const first = codePointAt(source, offset + 1);
  if (first === undefined) {
    throw new RegexSyntaxError("trailing backslash at end of expression", "");
  }
  const char = String.fromCodePoint(first.value);
  const control = controlEscapes[char];
  if (control !== undefined) return { value: control, next: first.next };
  // One digit alone would be a back-reference, which RE2 does not have.
  if (char === "0" || (isOctal(char) && isOctal(source[first.next]))) {
    return parseOctal(source, first.next - 1);
  }
  if (char === "x") return parseHexadecimal(source, offset);
  if (first.value < 0x80 && !/[0-9A-Za-z]/.test(char)) return first;
  throw new RegexSyntaxError("invalid escape sequence", source.slice(offset, first.next));
}

function parseOctal(source: string, offset: number): At<number> {
  let next = offset;
  let value = 0;
  while (next < offset + 3 && isOctal(source[next])) value = value * 8 + Number(source[next++]);
  return { value, next };
}

const digitOf = (codePoint: number): number => {
  const digit = "0123456789abcdef".indexOf(String.fromCodePoint(codePoint).toLowerCase());
  return codePoint < 0x80 ? digit : -1;
};

function parseHexadecimal(source: string, offset: number): At<number> {
  const fail = (end: number): never => {
    throw new RegexSyntaxError("invalid escape sequence", source.slice(offset, end));
  };
  const first = codePointAt(source, offset + 2);
  if (first === undefined) return fail(offset + 2);
  if (source[offset + 2] !== "{") {
    const second = codePointAt(source, first.next);
    const high = digitOf(first.value);
    const low = second === undefined ? -1 : digitOf(second.value);
    if (high < 0 || low < 0) return fail(second?.next ?? first.next);
    return { value: high * 16 + low, next: second!.next };
  }
  let value = 0;
  for (let next = first.next; ; ) {
    const at = codePointAt(source, next);
    if (at === undefined) return fail(next);
    if (source[next] === "}") return next === first.next ? fail(at.next) : { value, next: at.next };
    const digit = digitOf(at.value);
    value = value * 16 + digit;
    if (digit < 0 || value > 0x10ffff) return fail(at.next);
    next = at.next;
  }
}

const withFolding = (set: CodePoints, isFolded: boolean): CodePoints =>
  isFolded ? foldSet(set) : set;

/** `\d`, `\pL` and their like at an offset, or undefined when something else stands there. */
export function parseSetEscape(
  source: string,
  { offset, isFolded }: { offset: number; isFolded: boolean },
): At<CodePoints> | undefined {
  if (source[offset] !== "\\") return undefined;
  const letter = source[offset + 1] ?? "";
  if (letter === "p" || letter === "P") return parseProperty(source, offset, isFolded);
  const set = perlClasses[letter.toLowerCase()];
  if (set === undefined) return undefined;
  const folded = withFolding(set, isFolded);
  const isNegated = letter !== letter.toLowerCase();
  return { value: isNegated ? negate(folded) : folded, next: offset + 2 };
}

function parseProperty(source: string, offset: number, isFolded: boolean): At<CodePoints> {
  let end = codePointAt(source, offset + 2)?.next ?? source.length;
  let name = source.slice(offset + 2, end);
  if (name === "{") {
    const close = source.indexOf("}", offset);
    if (close < 0) {
      throw new RegexSyntaxError("invalid character class range", source.slice(offset));
    }
    end = close + 1;
    name = source.slice(offset + 3, close);
  }
  const isNegated = (source[offset + 1] === "P") !== name.startsWith("^");
  const set = unicodeProperty(name.startsWith("^") ? name.slice(1) : name);
  if (set === undefined) {
    throw new RegexSyntaxError("invalid character class range", source.slice(offset, end));
  }
  const folded = withFolding(set, isFolded);
  return { value: isNegated ? negate(folded) : folded, next: end };
}

function parsePosixClass(
  source: string,
  { offset, isFolded }: { offset: number; isFolded: boolean },
): At<CodePoints> | undefined {
  if (!source.startsWith("[:", offset)) return undefined;
  const end = source.indexOf(":]", offset + 2);
  if (end < 0) return undefined;
  const text = source.slice(offset + 2, end);
  const isNegated = text.startsWith("^");
  const name = isNegated ? text.slice(1) : text;
  if (!Object.hasOwn(posixClasses, name)) {
    const at = source.slice(offset, end + 2);
    throw new RegexSyntaxError("invalid character class range", at);
  }
  const folded = withFolding(posixClasses[name]!, isFolded);
  return { value: isNegated ? negate(folded) : folded, next: end + 2 };
}

/** A bracketed class; `offset` is that of `[`. */
export function parseClass(
  source: string,
  { offset, isFolded }: { offset: number; isFolded: boolean },
): At<CodePoints> {
  const isNegated = source[offset + 1] === "^";
  let next = offset + (isNegated ? 2 : 1);
  const ranges: number[] = [];
  const one = (): number => {
    if (next >= source.length) {
      throw new RegexSyntaxError("missing closing ]", source.slice(offset));
    }
    const at = source[next] === "\\" ? parseEscape(source, next) : codePointAt(source, next)!;
    next = at.next;
    return at.value;
  };
  // A closing bracket in the first place is a member.
  for (let isFirst = true; isFirst || source[next] !== "]"; isFirst = false) {
    const set =
      parsePosixClass(source, { offset: next, isFolded }) ??
      parseSetEscape(source, { offset: next, isFolded });
    if (set !== undefined) {
      for (const bound of set.value) ranges.push(bound);
      next = set.next;
      continue;
    }
    const start = next;
    const from = one();
    let to = from;
    if (source[next] === "-" && next + 1 < source.length && source[next + 1] !== "]") {
      next++;
      to = one();
      if (to < from) {
        throw new RegexSyntaxError("invalid character class range", source.slice(start, next));
      }
    }
    for (const bound of withFolding([from, to], isFolded)) ranges.push(bound);
  }
  const set = normalize(ranges);
  return { value: isNegated ? negate(set) : set, next: next + 1 };
}

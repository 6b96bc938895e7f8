// Which parts of a line the line filters of a query found. Regular expressions are RE2's; what cannot
// be said in JavaScript, or could run away there, marks nothing: the line is shown all the same.
import { isLogQuery } from "../logql/query-text.ts";
import { meaning, type Token } from "../logql/tokens.ts";

/** Half-open, in characters. */
export interface Mark {
  readonly from: number;
  readonly to: number;
}

/** Longer lines are searched up to here: it is about what can be seen. */
const searchedCharsMax = 20_000;
/** More marks than this in one line say nothing. */
const marksMax = 500;

/** The expressions that find what the query's line filters ask for: `|=`, `|~`, `|>` and `or`. */
export function markersOf(query: string): readonly RegExp[] {
  if (!isLogQuery(query)) return [];
  const tokens = meaning(query);
  const found: RegExp[] = [];
  for (const [index, { text: operator }] of tokens.entries()) {
    if (operator !== "|=" && operator !== "|~" && operator !== "|>") continue;
    for (const value of alternativesAt(tokens, index + 1)) {
      const expression = expressionOf(operator, value);
      if (expression !== undefined) found.push(expression);
    }
  }
  return found;
}

/** `"a" or "b"`, also in parentheses as `ip(…)`, which marks nothing. */
function alternativesAt(tokens: readonly Token[], at: number): string[] {
  const values: string[] = [];
  for (let index = at; tokens[index]?.kind === "string"; index += 2) {
    values.push(unquoted(tokens[index]!.text));
    if (tokens[index + 1]?.text !== "or") break;
  }
  return values;
}

function unquoted(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

function expressionOf(operator: string, value: string): RegExp | undefined {
  if (value === "") return undefined;
  if (operator === "|=") return new RegExp(escaped(value), "g");
  if (operator === "|>") {
    const parts = value.split(/<(?:_|[A-Za-z_]\w*)>/).filter((part) => part.trim() !== "");
    return parts.length === 0 ? undefined : new RegExp(parts.map(escaped).join("|"), "g");
  }
  const { flags, source } = withoutLeadingFlags(value);
  if (mayRunAway(source)) return undefined;
  try {
    return new RegExp(namedAsJavaScript(source), flags);
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** `(?i)` at the beginning, as RE2 has it, becomes a flag. */
function withoutLeadingFlags(expression: string): { flags: string; source: string } {
  const match = /^\(\?([imsU]+)\)/.exec(expression);
  if (match === null) return { flags: "gu", source: expression };
  const flags = [...new Set(match[1]!.replace("U", ""))].join("");
  return { flags: `gu${flags}`, source: expression.slice(match[0].length) };
}

function namedAsJavaScript(source: string): string {
  return source.replaceAll("(?P<", "(?<").replaceAll("\\z", "$").replaceAll("\\A", "^");
}

/** A repeated group that itself repeats or chooses could take exponential time in JavaScript. */
function mayRunAway(source: string): boolean {
  const inner: boolean[] = [];
  let isVaried = false;
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    if (char === "\\") at++;
    else if (char === "[") at = endOfClass(source, at);
    else if (char === "(") {
      inner.push(isVaried);
      isVaried = false;
    } else if (char === ")") {
      if (isVaried && /^[*+{]/.test(source.slice(at + 1))) return true;
      isVaried = isVaried || (inner.pop() ?? false);
    } else if (/[*+{|]/.test(char)) isVaried = true;
  }
  return false;
}

function endOfClass(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "]" && at > open + 1) return at;
  }
  return source.length;
}

/** Where any of the expressions is found, in order and not overlapping. */
export function marksIn(text: string, markers: readonly RegExp[]): Mark[] {
  if (markers.length === 0) return [];
  const searched = text.length > searchedCharsMax ? text.slice(0, searchedCharsMax) : text;
  const found: Mark[] = [];
  for (const marker of markers) {
    marker.lastIndex = 0;
    for (const match of searched.matchAll(marker)) {
      if (match[0] !== "") found.push({ from: match.index, to: match.index + match[0].length });
      if (found.length >= marksMax) break;
    }
  }
  return joined(found.sort((a, b) => a.from - b.from || a.to - b.to));
}

function joined(sorted: readonly Mark[]): Mark[] {
  const result: Mark[] = [];
  for (const mark of sorted) {
    const last = result.at(-1);
    if (last === undefined || mark.from > last.to) result.push(mark);
    else if (mark.to > last.to) result[result.length - 1] = { from: last.from, to: mark.to };
  }
  return result;
}

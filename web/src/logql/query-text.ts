// What the page has to know of a query's text: is it a log query, its selector, and how to change it.
// The server judges; this only has to be right for what the server accepts. Works on tokens, so that
// braces and pipes inside strings and comments do not mislead.
import { meaning } from "./tokens.ts";

/** True when the answer is lines: the text begins with a selector. */
export function isLogQuery(text: string): boolean {
  return meaning(text).find((token) => token.text !== "(")?.text === "{";
}

/** The first selector with its braces; undefined when there is none or it is not closed. */
export function selectorOf(text: string): { from: number; to: number } | undefined {
  const tokens = meaning(text);
  const open = tokens.find((token) => token.text === "{");
  const close = tokens.find((token) => token.text === "}");
  if (open === undefined || close === undefined || close.from < open.from) return undefined;
  return { from: open.from, to: close.from + 1 };
}

/** Where stages on the whole answer begin: `| sort by`, `| limit`, `| distinct by`. */
function answerStagesFrom(text: string): number {
  const tokens = meaning(text);
  const at = tokens.findIndex(({ text: sign }, index) => {
    if (sign !== "|") return false;
    const [name, next] = [tokens[index + 1]?.text, tokens[index + 2]?.text];
    if (name === "limit") return /^\d+$/.test(next ?? "");
    return (name === "sort" || name === "distinct") && next === "by";
  });
  return at < 0 ? text.length : tokens[at]!.from;
}

/** True when the answer cannot come page by page. */
export function hasAnswerStages(text: string): boolean {
  return answerStagesFrom(text) < text.length;
}

const parsers = new Set(["json", "logfmt", "regexp", "pattern", "unpack"]);

/** Counts by level what a log query finds: the bars above the lines. */
export function histogramOf(logQuery: string, stepSeconds: number): string {
  return `sum by (detected_level) (${countOf(logQuery, stepSeconds)})`;
}

/** Counts what a log query finds, before stages on the whole answer. */
export function countOf(logQuery: string, rangeSeconds: number): string {
  const inner = withoutParentheses(logQuery.slice(0, answerStagesFrom(logQuery)));
  const tokens = meaning(inner);
  const hasParser = tokens.some(
    ({ text }, index) => text === "|" && parsers.has(tokens[index + 1]?.text ?? ""),
  );
  // A line that a parser cannot read is counted too, it would be an error otherwise.
  const drop = hasParser ? " | drop __error__, __error_details__" : "";
  // The line break ends a comment.
  return `count_over_time(${inner.trim()}\n${drop} [${rangeSeconds}s])`;
}

function withoutParentheses(text: string): string {
  const tokens = meaning(text);
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first?.text !== "(") return text;
  if (last?.text !== ")") return withoutParentheses(text.slice(first.from + 1));
  return withoutParentheses(text.slice(first.from + 1, last.from));
}

export interface Filter {
  readonly name: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** A string of LogQL. */
export function quote(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

/**
 * Adds a matcher to the first selector. A matcher of the same name that says `=` or `!=` to the same
 * value is replaced, one that says `=` to another value is replaced by a new `=`.
 */
export function withMatcher(text: string, filter: Filter): string {
  const range = selectorOf(text);
  const matcher = `${filter.name}${filter.operator}${quote(filter.value)}`;
  if (range === undefined) return text.trim() === "" ? `{${matcher}}` : text;
  const kept = matchersIn(text.slice(range.from, range.to)).filter(
    (one) => !isReplaced(one, filter),
  );
  const inner = [...kept.map((one) => one.text), matcher].join(", ");
  return `${text.slice(0, range.from)}{${inner}}${text.slice(range.to)}`;
}

/**
 * Values that a selector asks of a label: one by `=`, several by `=~"a|b"`. Other matchers and regular
 * expressions that are more than a choice of texts ask for none in particular.
 */
export function chosenValues(matchers: readonly Matcher[], name: string): readonly string[] {
  return matchers
    .filter((one) => one.name === name)
    .flatMap(({ operator, value }) => {
      if (operator === "=") return [value];
      return operator === "=~" ? (alternatives(value) ?? []) : [];
    });
}

/** Undefined when it is not a choice of texts. */
function alternatives(expression: string): string[] | undefined {
  const parts: string[] = [];
  let part = "";
  for (let at = 0; at < expression.length; at++) {
    const char = expression[at]!;
    if (char === "|") {
      parts.push(part);
      part = "";
    } else if (char === "\\" && /[^\w]/.test(expression[at + 1] ?? "")) {
      part += expression[++at]!;
    } else if (/[\\^$.*+?()[\]{}]/.test(char)) {
      return undefined;
    } else {
      part += char;
    }
  }
  return [...parts, part];
}

/** Adds a value to those that the first selector asks of a label, or takes it away. */
export function withToggledValue(text: string, name: string, value: string): string {
  const range = selectorOf(text);
  const before = range === undefined ? [] : matchersIn(text.slice(range.from, range.to));
  const chosen = chosenValues(before, name);
  const next = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
  const kept = before.filter((one) => one.name !== name || chosenValues([one], name).length === 0);
  const inner = [...kept.map((one) => one.text), ...choiceOf(name, next)].join(", ");
  if (range === undefined) return text.trim() === "" ? `{${inner}}` : text;
  return `${text.slice(0, range.from)}{${inner}}${text.slice(range.to)}`;
}

function choiceOf(name: string, values: readonly string[]): string[] {
  if (values.length === 0) return [];
  if (values.length === 1) return [`${name}=${quote(values[0]!)}`];
  const escaped = values.map(escapeRegex);
  return [`${name}=~${quote(escaped.join("|"))}`];
}

export interface Matcher {
  readonly name: string;
  readonly operator: string;
  readonly value: string;
  readonly text: string;
}

/** The matchers of a selector, `{a="b"}`; what is not a matcher is left out. */
export function matchersIn(selector: string): Matcher[] {
  const tokens = meaning(selector);
  const found: Matcher[] = [];
  for (const [index, { kind, text: name }] of tokens.entries()) {
    const [operator, value] = [tokens[index + 1], tokens[index + 2]];
    if (kind !== "word" || operator === undefined || value?.kind !== "string") continue;
    if (!/^(?:=|!=|=~|!~)$/.test(operator.text)) continue;
    const text = `${name}${operator.text}${value.text}`;
    found.push({ name, operator: operator.text, value: unquote(value.text), text });
  }
  return found;
}

function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

function isReplaced(one: Matcher, filter: Filter): boolean {
  if (one.name !== filter.name) return false;
  if (one.value === filter.value && /^!?=$/.test(one.operator)) return true;
  return filter.operator === "=" && one.operator === "=";
}

/**
 * Adds `| name="value"` to a log query, before stages on the whole answer; in a metric query before
 * the range of its first selector. A stage that says the opposite, and nothing else, is replaced.
 */
export function withLabelFilter(text: string, filter: Filter): string {
  const stage = `| ${filter.name}${filter.operator}${quote(filter.value)}`;
  if (filterStage(text, filter) !== undefined) return text;
  const operator = filter.operator === "=" ? "!=" : "=";
  const opposite = filterStage(text, { ...filter, operator });
  if (opposite === undefined) return withStage(text, stage);
  return `${text.slice(0, opposite.from)}${stage}${text.slice(opposite.to)}`;
}

/** Where a stage stands that is just this filter. */
function filterStage(text: string, filter: Filter): { from: number; to: number } | undefined {
  const tokens = meaning(text);
  const at = tokens.findIndex(({ text: sign }, index) => {
    if (sign !== "|" || tokens[index + 1]?.text !== filter.name) return false;
    const [operator, value, next] = tokens.slice(index + 2, index + 5);
    if (operator?.text !== filter.operator || value?.kind !== "string") return false;
    if (next !== undefined && !/^(?:\||\[|\)|!)/.test(next.text)) return false;
    return unquote(value.text) === filter.value;
  });
  const value = tokens[at + 3];
  if (at < 0 || value === undefined) return undefined;
  return { from: tokens[at]!.from, to: value.from + value.text.length };
}

/** Adds a stage behind those of a log query, or of the first one in a metric query. */
export function withStage(text: string, stage: string): string {
  const at = stagesTo(text);
  const after = text.slice(at).trimEnd();
  return `${text.slice(0, at)} ${stage}${after.startsWith("[") ? " " : ""}${after}`;
}

/**
 * Where another stage goes: behind the last one that works on single lines, before a comment, the
 * parentheses around a query, the range.
 */
function stagesTo(text: string): number {
  const limit = isLogQuery(text) ? answerStagesFrom(text) : rangeFrom(text);
  const tokens = meaning(text.slice(0, limit));
  const around = isLogQuery(text) ? tokens.findIndex((token) => token.text !== "(") : 0;
  let depth = 0;
  const close = tokens.findIndex(({ text: sign }) => {
    if (sign === "(") depth++;
    else if (sign === ")") depth--;
    return sign === ")" && depth < around;
  });
  const last = close < 0 ? tokens.at(-1) : tokens[close - 1];
  return last === undefined ? 0 : last.from + last.text.length;
}

/** The parsers that a query runs, by name. */
export function parsersIn(text: string): readonly string[] {
  const tokens = meaning(text);
  return tokens.flatMap(({ text: name }, index) =>
    parsers.has(name) && tokens[index - 1]?.text === "|" ? [name] : [],
  );
}

function rangeFrom(text: string): number {
  return meaning(text).find((token) => token.text === "[")?.from ?? text.length;
}

/** A log query for entries of these levels alone; takes the place of such a choice of before. */
export function withLevels(text: string, levels: readonly string[]): string {
  const before = text.replace(/\s*\| detected_level=~"[^"]*"/, "");
  return withStage(before, `| detected_level=~${quote(levels.map(escapeRegex).join("|"))}`);
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

export interface ErrorPosition {
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
}

/** Where the server says that a query is wrong. */
export function errorPosition(message: string): ErrorPosition | undefined {
  const match = /\bline (\d+), col(?:umn)? (\d+)/.exec(message);
  if (match === null) return undefined;
  return { line: Number(match[1]), column: Number(match[2]) };
}

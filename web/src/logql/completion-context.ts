// What could come next at a place of a query that is being typed, judged by the tokens before it.
import { meaning, type Token, tokensOf } from "./tokens.ts";

export interface CompletionContext {
  readonly kind:
    | "start"
    | "label name"
    | "matcher operator"
    | "label value"
    | "stage"
    | "after stage"
    | "field"
    | "field value"
    | "grouping"
    | "range"
    | "nothing";
  /** Where the text that is completed begins. */
  readonly from: number;
  /** Matchers that are complete, as a selector; "" when there are none. */
  readonly selector: string;
  /** Of a label value or field value. */
  readonly name: string;
  /** The selector and stages before the one that is being typed, for asking which fields there are. */
  readonly pipeline: string;
}

const operators = new Set(["=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="]);
const fieldStages = new Set(["unwrap", "drop", "keep", "by", "label_format"]);

export function completionContext(text: string, position: number): CompletionContext {
  const before = text.slice(0, position);
  const all = tokensOf(before);
  const last = all.at(-1);
  const nothing = {
    kind: "nothing",
    from: position,
    selector: "",
    name: "",
    pipeline: "",
  } as const;
  if (last?.kind === "comment") return nothing;
  const isOpenString = last?.kind === "string" && !isClosed(last.text);
  const isWord = last?.kind === "word";
  const typed = isOpenString || isWord ? last : undefined;
  const tokens = meaning(before).filter((token) => token.from !== typed?.from);
  const from = typed?.from ?? position;
  const base = { from, selector: "", name: "", pipeline: "" };
  const braces = openBrace(tokens);
  if (braces !== undefined) {
    return inSelector({ tokens, brace: braces, base, after: text.slice(position), isOpenString });
  }
  if (isOpenString) return inFieldValue(tokens, base, before);
  return outside({ tokens, base, before, isWord });
}

function isClosed(text: string): boolean {
  return text.length > 1 && text.endsWith(text[0]!) && !/(?:^|[^\\])(?:\\\\)*\\"$/.test(text);
}

/** Index of a `{` that is not closed. */
function openBrace(tokens: readonly Token[]): number | undefined {
  const open = tokens.findLastIndex(({ text }) => text === "{");
  const close = tokens.findLastIndex(({ text }) => text === "}");
  return open > close ? open : undefined;
}

type Base = Pick<CompletionContext, "from" | "selector" | "name" | "pipeline">;

interface InSelector {
  readonly tokens: readonly Token[];
  readonly brace: number;
  readonly base: Base;
  /** What follows the place: its matchers count, too. */
  readonly after: string;
  readonly isOpenString: boolean;
}

function inSelector({ tokens, brace, base, after, isOpenString }: InSelector): CompletionContext {
  const inside = tokens.slice(brace + 1);
  const last = inside.at(-1);
  const beforeLast = inside.at(-2);
  const complete = matchersOf(inside);
  const outside = isOpenString ? after.replace(/^[^"`}]*["`]/, "") : after;
  const rest = /^[^{}]*\}/.exec(outside)?.[0];
  if (rest !== undefined) complete.push(...matchersOf(meaning(rest)));
  const selector = complete.length === 0 ? "" : `{${complete.join(", ")}}`;
  if (last === undefined || last.text === ",") {
    return isOpenString ? { ...base, kind: "nothing" } : { ...base, kind: "label name", selector };
  }
  if (last.kind === "word") return { ...base, kind: "matcher operator", selector };
  if (operators.has(last.text) && beforeLast?.kind === "word") {
    return { ...base, kind: "label value", name: beforeLast.text, selector };
  }
  return { ...base, kind: "nothing" };
}

function matchersOf(tokens: readonly Token[]): string[] {
  const found: string[] = [];
  for (const [index, token] of tokens.entries()) {
    const [operator, value] = [tokens[index + 1], tokens[index + 2]];
    if (token.kind !== "word" || value?.kind !== "string" || !isClosed(value.text)) continue;
    if (operators.has(operator?.text ?? ""))
      found.push(`${token.text}${operator!.text}${value.text}`);
  }
  return found;
}

/** In a string outside of a selector: the value of a label filter, or a text we know nothing of. */
function inFieldValue(tokens: readonly Token[], base: Base, before: string): CompletionContext {
  const [name, operator] = [tokens.at(-2), tokens.at(-1)];
  if (name?.kind !== "word" || !operators.has(operator?.text ?? "")) {
    return { ...base, kind: "nothing" };
  }
  const pipe = tokens.findLastIndex(({ text }) => text === "|");
  if (pipe < 0) return { ...base, kind: "nothing" };
  const pipeline = pipelineBefore(tokens, pipe, before);
  return { ...base, kind: "field value", name: name.text, pipeline };
}

/** From the selector on, up to the pipe: a log query of its own. */
function pipelineBefore(tokens: readonly Token[], pipe: number, before: string): string {
  const open = tokens.findLastIndex(({ text }, index) => index < pipe && text === "{");
  if (open < 0) return "";
  return before.slice(tokens[open]!.from, tokens[pipe]?.from ?? before.length).trim();
}

interface Outside {
  readonly tokens: readonly Token[];
  readonly base: Base;
  readonly before: string;
  readonly isWord: boolean;
}

function outside({ tokens, base, before, isWord }: Outside): CompletionContext {
  const last = tokens.at(-1);
  if (last === undefined) return { ...base, kind: "start" };
  const pipe = tokens.findLastIndex(({ text }) => text === "|");
  if (last.text === "[" || /\[\s*\w*$/.test(before)) return { ...base, kind: "range" };
  const grouping = openGrouping(tokens);
  if (grouping !== undefined) {
    const pipeline = pipelineBefore(tokens, tokens.length, before);
    return { ...base, kind: "grouping", pipeline };
  }
  if (last.text === "|") {
    return { ...base, kind: "stage", pipeline: pipelineBefore(tokens, pipe, before) };
  }
  if (pipe >= 0 && isFieldPlace(tokens.slice(pipe + 1))) {
    return { ...base, kind: "field", pipeline: pipelineBefore(tokens, pipe, before) };
  }
  if (last.text === "(" || /^[-+*/%^,]$/.test(last.text) || /^(?:and|or|unless)$/.test(last.text)) {
    return { ...base, kind: "start" };
  }
  if (last.text === "}" || last.kind === "string" || last.kind === "word") {
    return { ...base, kind: isWord ? "nothing" : "after stage" };
  }
  return { ...base, kind: "nothing" };
}

/** Inside the parentheses of `by (…)`, `without (…)`, `on (…)`. */
function openGrouping(tokens: readonly Token[]): number | undefined {
  const open = tokens.findLastIndex(({ text }) => text === "(");
  if (open < 1 || tokens.slice(open).some(({ text }) => text === ")")) return undefined;
  return /^(?:by|without|on|ignoring)$/.test(tokens[open - 1]!.text) ? open : undefined;
}

/** Where a stage wants a name: `| unwrap `, `| keep a, `, `| a="b" or `. */
function isFieldPlace(stage: readonly Token[]): boolean {
  const last = stage.at(-1);
  if (last === undefined) return false;
  if (stage.length === 1 && fieldStages.has(last.text)) return true;
  if (/^(?:and|or)$/.test(last.text)) return true;
  return last.text === "," && /^(?:drop|keep|by|distinct|sort)$/.test(stage[0]!.text);
}

/**
 * `sort`, `limit` and `distinct` look at the answer as a whole, so they stand behind all stages that
 * look at one entry, in any order and number. Not in Loki's LogQL: what begins like them there is
 * a label filter, which needs an operator where these have a word or a number.
 */
import type { AnswerStage, LogExpr, Stage } from "./ast.ts";
import { ParseError } from "./parse-error.ts";
import { printStage } from "./print-stage.ts";
import type { TokenStream } from "./token-stream.ts";

/** More entries than this are not an answer but an export. */
export const limitStageMax = 1_000_000_000;

export function isAnswerStage(stage: Stage): stage is AnswerStage {
  return stage.kind === "sort" || stage.kind === "limit" || stage.kind === "distinct";
}

/** A log expression as what is done to each entry and what is done to the answer. */
export function splitStages(log: LogExpr): { rows: LogExpr; answer: readonly AnswerStage[] } {
  const answer = log.stages.filter(isAnswerStage);
  if (answer.length === 0) return { rows: log, answer };
  return { rows: { ...log, stages: log.stages.filter((stage) => !isAnswerStage(stage)) }, answer };
}

/** The current token is the word after `|` at `from`. Undefined when it begins a label filter. */
export function parseAnswerStage(stream: TokenStream, from: number): AnswerStage | undefined {
  if (!stream.is("IDENTIFIER")) return undefined;
  const next = stream.nextKind;
  switch (stream.current.text.toLowerCase()) {
    case "sort":
      return next === "by" ? parseSort(stream, from) : undefined;
    case "limit":
      return next === "NUMBER" ? parseLimit(stream, from) : undefined;
    case "distinct":
      return next === "by" ? parseDistinct(stream, from) : undefined;
    default:
      return undefined;
  }
}

function parseSort(stream: TokenStream, from: number): AnswerStage {
  stream.take();
  stream.take();
  const by = stream.expect("IDENTIFIER").text;
  const direction = stream.is("IDENTIFIER") ? stream.current.text.toLowerCase() : "";
  if (direction === "asc" || direction === "desc") stream.take();
  return { kind: "sort", by, descending: direction === "desc", span: stream.spanFrom(from) };
}

function parseLimit(stream: TokenStream, from: number): AnswerStage {
  stream.take();
  const { text, line, column } = stream.take();
  const count = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > limitStageMax) {
    const message = `invalid limit ${text}: a whole number from 1 to ${limitStageMax}`;
    throw new ParseError(message, { line, column });
  }
  return { kind: "limit", count, span: stream.spanFrom(from) };
}

function parseDistinct(stream: TokenStream, from: number): AnswerStage {
  stream.take();
  stream.take();
  const names: string[] = [];
  do names.push(stream.expect("IDENTIFIER").text);
  while (stream.accept(",") !== undefined);
  return { kind: "distinct", names, span: stream.spanFrom(from) };
}

/** Throws ParseError when a stage on single entries follows one on the answer. */
export function checkStageOrder({ stages }: LogExpr): void {
  const first = stages.findIndex(isAnswerStage);
  if (first < 0) return;
  const late = stages.slice(first).find((stage) => !isAnswerStage(stage));
  if (late === undefined) return;
  throw new ParseError(
    `stage '${printStage(late)}' cannot follow '${printStage(stages[first]!)}': ` +
      "sort, limit and distinct come after all other stages",
  );
}

/** Throws ParseError when a metric is to be made of an answer. */
export function refuseAnswerStages(log: LogExpr): void {
  const stage = log.stages.find(isAnswerStage);
  if (stage === undefined) return;
  throw new ParseError(
    `stage '${printStage(stage)}' is for log queries only: a range function takes all entries` +
      (stage.kind === "distinct"
        ? "; count_distinct_over_time(label, {…}[range]) counts distinct values"
        : ""),
  );
}

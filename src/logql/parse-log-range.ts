import type { LabelFilterStage, LogExpr, Stage, Unwrap } from "./ast.ts";
import { parseLabelFilter, startsLabelFilter } from "./parse-label-filter.ts";
import { parseSelector } from "./parse-selector.ts";
import { parseStages } from "./parse-stages.ts";
import type { TokenStream } from "./token-stream.ts";

/** What a range function reads: a log expression, the unwrapped label, a window. */
export interface LogRange {
  readonly log: LogExpr;
  readonly unwrap: Unwrap | undefined;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
}

const conversions: ReadonlyMap<string, Unwrap["conversion"]> = new Map([
  ["BYTES_CONV", "bytes"],
  ["DURATION_CONV", "duration"],
  ["DURATION_SECONDS_CONV", "duration_seconds"],
]);

/** Selector, stages and `unwrap`, before or after a range. */
interface Body {
  readonly log: LogExpr;
  readonly unwrap: Unwrap | undefined;
}

/**
 * The window may follow the selector or any of its stages, and parentheses may stand around the
 * whole or around what comes before the window.
 */
export function parseLogRange(stream: TokenStream): LogRange {
  if (stream.is("{")) {
    const body = parseBody(stream);
    if (stream.is("RANGE")) return parseWindow(stream, body, { stagesMayFollow: true });
    return body.unwrap === undefined ? stream.unexpected() : stream.unexpected("RANGE", "|");
  }
  stream.expect("(", "{", "(");
  stream.deepen();
  const range = stream.is("{") ? parseParenthesised(stream) : parseNested(stream);
  stream.depth--;
  return range;
}

function parseNested(stream: TokenStream): LogRange {
  if (!stream.is("(")) stream.unexpected("{", "(");
  const range = parseLogRange(stream);
  stream.expect(")");
  return range;
}

/** After `(` and before `{`. */
function parseParenthesised(stream: TokenStream): LogRange {
  const body = parseBody(stream);
  if (stream.is("RANGE")) {
    const range = parseWindow(stream, body, { stagesMayFollow: true });
    stream.expect(")");
    return range;
  }
  if (!stream.is(")")) {
    return body.unwrap === undefined ? stream.unexpected() : stream.unexpected("RANGE", ")", "|");
  }
  stream.take();
  if (!stream.is("RANGE")) stream.unexpected("RANGE");
  return parseWindow(stream, body, { stagesMayFollow: false });
}

function parseBody(stream: TokenStream): Body {
  const from = stream.current.from;
  const matchers = parseSelector(stream);
  const stages = parseStages(stream, { stopAtUnwrap: true });
  const log: LogExpr = { kind: "log", matchers, stages, span: stream.spanFrom(from) };
  return { log, unwrap: stream.is("|") ? parseUnwrap(stream) : undefined };
}

/** The range, its offset, and what may stand after them. The current token is the range. */
function parseWindow(
  stream: TokenStream,
  body: Body,
  { stagesMayFollow }: { stagesMayFollow: boolean },
): LogRange {
  const rangeNs = stream.take().ns;
  const offsetNs = stream.accept("offset") === undefined ? 0n : stream.expect("DURATION").ns;
  const isBare = body.unwrap === undefined;
  let { log, unwrap } = body;
  if (isBare && stagesMayFollow && log.stages.length === 0) {
    const stages: readonly Stage[] = parseStages(stream, { stopAtUnwrap: true });
    log = { ...log, stages, span: stream.spanFrom(log.span.from) };
  }
  if (isBare && stream.is("|")) unwrap = parseUnwrap(stream);
  return { log, unwrap, rangeNs, offsetNs };
}

/** `| unwrap label` or `| unwrap conversion(label)`, then label filters only. */
function parseUnwrap(stream: TokenStream): Unwrap {
  stream.take();
  if (!stream.is("unwrap")) stream.unexpected("unwrap");
  stream.take();
  let label: string;
  const conversion = conversions.get(stream.kind);
  if (conversion === undefined) {
    label = stream.expect("IDENTIFIER", "IDENTIFIER", ...conversions.keys()).text;
  } else {
    stream.take();
    stream.expect("(");
    label = stream.expect("IDENTIFIER").text;
    stream.expect(")");
  }
  const filters: LabelFilterStage[] = [];
  for (let pipe = stream.accept("|"); pipe !== undefined; pipe = stream.accept("|")) {
    if (!startsLabelFilter(stream.kind)) stream.unexpected("IDENTIFIER", "(");
    const filter = parseLabelFilter(stream);
    filters.push({ kind: "labelFilter", filter, span: stream.spanFrom(pipe.from) });
  }
  return { label, conversion: conversion ?? "number", filters };
}

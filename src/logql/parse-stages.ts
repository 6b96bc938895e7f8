import { parseAnswerStage } from "./answer-stages.ts";
import type {
  LabelChoice,
  LabelFormat,
  LineFilterOp,
  LineFilterStage,
  ParserParameter,
  Stage,
} from "./ast.ts";
import { parseIpCall, parseLabelFilter, startsLabelFilter } from "./parse-label-filter.ts";
import { isMatchOp, parseMatcherRest } from "./parse-selector.ts";
import type { TokenStream } from "./token-stream.ts";

const lineFilterOps: readonly string[] = ["|=", "!=", "|~", "!~", "|>", "!>"];

/**
 * One parse function per stage, by the keyword after `|`. It is called after the keyword; `from` is
 * the offset of the `|`.
 */
const stageParsers: ReadonlyMap<string, (stream: TokenStream, from: number) => Stage> = new Map([
  ["json", parseJson],
  ["logfmt", parseLogfmt],
  ["pattern", parsePatternStage],
  ["regexp", parseRegexp],
  ["unpack", parseUnpack],
  ["line_format", parseLineFormat],
  ["label_format", parseLabelFormat],
  ["decolorize", parseDecolorize],
  ["drop", parseDrop],
  ["keep", parseKeep],
]);

/**
 * Stages as long as there are any. Stops at anything else, and before `| unwrap` where
 * `stopAtUnwrap` says that the caller takes one; elsewhere `unwrap` is unexpected.
 */
export function parseStages(
  stream: TokenStream,
  { stopAtUnwrap }: { stopAtUnwrap: boolean },
): readonly Stage[] {
  const stages: Stage[] = [];
  for (;;) {
    if (lineFilterOps.includes(stream.kind)) stages.push(parseLineFilter(stream));
    else if (!stream.is("|")) return stages;
    else if (stopAtUnwrap && stream.nextKind === "unwrap") return stages;
    else stages.push(parsePipeStage(stream));
  }
}

function parsePipeStage(stream: TokenStream): Stage {
  const from = stream.take().from;
  const parse = stageParsers.get(stream.kind);
  if (parse !== undefined) {
    stream.take();
    return parse(stream, from);
  }
  const answerStage = parseAnswerStage(stream, from);
  if (answerStage !== undefined) return answerStage;
  if (!startsLabelFilter(stream.kind)) stream.unexpected();
  const filter = parseLabelFilter(stream);
  return { kind: "labelFilter", filter, span: stream.spanFrom(from) };
}

function parseLineFilter(stream: TokenStream): LineFilterStage {
  const token = stream.take();
  const alternatives: { text: string; isIp: boolean }[] = [];
  do {
    if (stream.is("ip")) alternatives.push({ text: parseIpCall(stream), isIp: true });
    else alternatives.push({ text: stream.expect("STRING", "STRING", "ip").text, isIp: false });
  } while (stream.accept("or") !== undefined);
  return {
    kind: "lineFilter",
    op: token.kind as LineFilterOp,
    alternatives,
    span: stream.spanFrom(token.from),
  };
}

function parseJson(stream: TokenStream, from: number): Stage {
  const parameters = parseParameters(stream);
  return { kind: "json", parameters, span: stream.spanFrom(from) };
}

function parseLogfmt(stream: TokenStream, from: number): Stage {
  let strict = false;
  let keepEmpty = false;
  for (let flag = stream.accept("FUNCTION_FLAG"); flag !== undefined; ) {
    if (flag.text === "--strict") strict = true;
    else keepEmpty = true;
    flag = stream.accept("FUNCTION_FLAG");
  }
  const parameters = parseParameters(stream);
  return { kind: "logfmt", strict, keepEmpty, parameters, span: stream.spanFrom(from) };
}

/** name [ `=` string ], … or nothing */
function parseParameters(stream: TokenStream): readonly ParserParameter[] {
  if (!stream.is("IDENTIFIER")) return [];
  return parseList(stream, (name) => {
    const path = stream.accept("=") === undefined ? name : stream.expect("STRING").text;
    return { name, path };
  });
}

function parsePatternStage(stream: TokenStream, from: number): Stage {
  const pattern = stream.expect("STRING").text;
  return { kind: "pattern", pattern, span: stream.spanFrom(from) };
}

function parseRegexp(stream: TokenStream, from: number): Stage {
  const pattern = stream.expect("STRING").text;
  return { kind: "regexp", pattern, span: stream.spanFrom(from) };
}

function parseUnpack(stream: TokenStream, from: number): Stage {
  return { kind: "unpack", span: stream.spanFrom(from) };
}

function parseDecolorize(stream: TokenStream, from: number): Stage {
  return { kind: "decolorize", span: stream.spanFrom(from) };
}

function parseLineFormat(stream: TokenStream, from: number): Stage {
  const template = stream.expect("STRING").text;
  return { kind: "lineFormat", template, span: stream.spanFrom(from) };
}

function parseLabelFormat(stream: TokenStream, from: number): Stage {
  const formats = parseList(stream, (to): LabelFormat => {
    stream.expect("=");
    if (stream.is("STRING")) return { kind: "template", to, template: stream.take().text };
    return { kind: "rename", to, from: stream.expect("IDENTIFIER", "IDENTIFIER", "STRING").text };
  });
  return { kind: "labelFormat", formats, span: stream.spanFrom(from) };
}

function parseDrop(stream: TokenStream, from: number): Stage {
  return { kind: "drop", choices: parseChoices(stream), span: stream.spanFrom(from) };
}

function parseKeep(stream: TokenStream, from: number): Stage {
  return { kind: "keep", choices: parseChoices(stream), span: stream.spanFrom(from) };
}

function parseChoices(stream: TokenStream): readonly LabelChoice[] {
  return parseList(stream, (name) =>
    isMatchOp(stream.kind)
      ? { kind: "matcher", matcher: parseMatcherRest(stream, name) }
      : { kind: "name", name },
  );
}

/** One or more items that begin with a name, separated by commas. */
function parseList<T>(stream: TokenStream, parseRest: (name: string) => T): readonly T[] {
  const items: T[] = [];
  do items.push(parseRest(stream.expect("IDENTIFIER").text));
  while (stream.accept(",") !== undefined);
  return items;
}

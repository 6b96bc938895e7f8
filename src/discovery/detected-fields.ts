/**
 * Fields of the newest lines of a query. They come from structured metadata, from the parsers of the
 * query itself, and from the lines, which are tried as JSON and as logfmt.
 */
import { RequestError } from "#base";
import { parseQuery } from "#logql";
import { type LabelPair, Labels } from "#model";
import type { QueryEngine, QueryRequest, StreamResult } from "#query";
import { type FieldType, fieldTypeOf } from "./field-type.ts";
import { jsonPathsOf } from "./json-paths.ts";
import { type LineFields, readLineFields } from "./line-fields.ts";

/** The lines to look at: the newest `lineLimit` of a log query. */
export interface SampleRequest
  extends Pick<
    QueryRequest,
    "tenants" | "text" | "fromNs" | "toNs" | "stepNs" | "limits" | "signal"
  > {
  readonly lineLimit: number;
}

export interface DetectedField {
  readonly label: string;
  /** Of the value seen last, which is the oldest of its stream. */
  readonly type: FieldType;
  /** Distinct values among the lines looked at, exactly. */
  readonly cardinality: number;
  /** Empty for structured metadata. */
  readonly parsers: readonly string[];
  /** Keys from the outermost to the innermost; undefined for what is not of a JSON line. */
  readonly jsonPath: readonly string[] | undefined;
}

const errorNames: ReadonlySet<string> = new Set([
  "__error__",
  "__error_details__",
  "__preserve_error__",
]);

/** At most `fieldLimit` fields, in the order they were met. */
export async function detectFields(
  engine: QueryEngine,
  request: SampleRequest & { readonly fieldLimit: number },
): Promise<DetectedField[]> {
  const fields = new Map<string, FieldSum>();
  const fieldOf = (name: string): FieldSum | undefined => {
    let field = fields.get(name);
    if (field === undefined && fields.size < request.fieldLimit) {
      fields.set(name, (field = new FieldSum()));
    }
    return field;
  };
  for (const entry of await sampleEntries(engine, request)) {
    for (const [name, value] of entry.metadata) fieldOf(name)?.add(value);
    const { parser } = entry.ofLine;
    const paths = parser === "json" ? jsonPathsOf(entry.line) : undefined;
    for (const [name, values] of parsedValues(entry)) {
      const field = fieldOf(name);
      if (field === undefined) continue;
      for (const value of values) field.add(value);
      field.parsers.add(parser);
      const path = paths?.get(name) ?? paths?.get(withoutSuffix(name));
      if (path !== undefined && entry.isOfLine(name)) field.jsonPath = path;
    }
  }
  return [...fields].map(([label, field]) => ({
    label,
    type: fieldTypeOf(field.last),
    cardinality: field.values.size,
    parsers: [...field.parsers],
    jsonPath: field.jsonPath,
  }));
}

/** At most `valueLimit` distinct values of one field, in the order they were met. */
export async function detectFieldValues(
  engine: QueryEngine,
  request: SampleRequest & { readonly name: string; readonly valueLimit: number },
): Promise<string[]> {
  const { name, valueLimit } = request;
  const values = new Set<string>();
  for (const entry of await sampleEntries(engine, request)) {
    for (const [other, value] of entry.metadata) if (other === name) values.add(value);
    for (const value of parsedValues(entry).get(name) ?? []) values.add(value);
    if (values.size >= valueLimit) break;
  }
  return [...values].slice(0, valueLimit);
}

class FieldSum {
  readonly values: Set<string> = new Set();
  readonly parsers: Set<string> = new Set();
  jsonPath: readonly string[] | undefined;
  last = "";

  add(value: string): void {
    this.values.add(value);
    this.last = value;
  }
}

/** One entry of the sample with everything that may be a field of it. */
interface SampleEntry {
  readonly line: string;
  readonly metadata: readonly LabelPair[];
  /** By the parsers of the query. */
  readonly parsed: readonly LabelPair[];
  readonly ofLine: LineFields;
  isOfLine(name: string): boolean;
}

async function sampleEntries(engine: QueryEngine, request: SampleRequest): Promise<SampleEntry[]> {
  if (parseQuery(request.text).kind !== "log") {
    throw new RequestError(400, "only log selector is supported");
  }
  const { tenants, text, fromNs, toNs, stepNs, limits, signal, lineLimit } = request;
  const { data } = await engine.run({
    tenants,
    text,
    fromNs,
    toNs,
    stepNs,
    limits,
    signal,
    kind: "range",
    intervalNs: 0n,
    limit: lineLimit,
    direction: "backward",
    categorizeLabels: true,
  });
  return data.kind === "streams" ? entriesByStream(data.streams) : [];
}

/** Streams in order of their newest entry, the entries of each from new to old. */
function entriesByStream(results: readonly StreamResult[]): SampleEntry[] {
  const rows = results
    .flatMap((result) => result.entries.map(({ line, position }) => ({ result, line, position })))
    .sort((a, b) => a.position - b.position);
  const entries: SampleEntry[] = [];
  for (const group of Map.groupBy(rows, keyOfStream).values()) {
    const stream = Labels.of(group[0]!.result.streamLabels);
    const fields = readLineFields(
      stream,
      group.map(({ line }) => line),
    );
    for (const [i, { result, line }] of group.entries()) {
      const ofLine = fields[i]!;
      entries.push({
        line,
        metadata: result.structuredMetadata.filter(isField),
        parsed: result.parsed.filter(isField),
        ofLine,
        isOfLine: (name) => ofLine.pairs.some(([other]) => other === name),
      });
    }
  }
  return entries;
}

function keyOfStream({ result }: { result: StreamResult }): string {
  return Labels.of(result.streamLabels).key;
}

function isField([name]: LabelPair): boolean {
  return !errorNames.has(name);
}

/** Values by name that a parser found: one of the query's own, then those of the line. */
function parsedValues({ parsed, ofLine }: SampleEntry): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of parsed) values.set(name, [value]);
  for (const [name, value] of ofLine.pairs) {
    if (errorNames.has(name)) continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else if (!known.includes(value)) known.push(value);
  }
  return values;
}

const extracted = "_extracted";

function withoutSuffix(name: string): string {
  return name.endsWith(extracted) ? name.slice(0, -extracted.length) : name;
}

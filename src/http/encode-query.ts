import { formatSampleValue } from "#gofmt";
import type { LabelPair } from "#model";
import type { MatrixSeries, QueryResult, StreamResult, VectorSample } from "#query";
import { statsJson } from "./encode-stats.ts";
import type { EncodingFlags } from "./encoding-flags.ts";
import { labelsJson, listJson, secondsJson } from "./json-text.ts";

/**
 * The answer of `query` and `query_range` in pieces: Loki's JSON, with `warnings` only when there
 * are some.
 */
export function* queryJson(result: QueryResult, flags: EncodingFlags): Generator<string> {
  const { data, warnings } = result;
  yield `{"status":"success"`;
  if (warnings.length > 0) yield `,"warnings":${JSON.stringify(warnings)}`;
  yield `,"data":{"resultType":"${data.kind}"`;
  if (data.kind === "streams" && flags.names.length > 0) {
    yield `,"encodingFlags":${JSON.stringify(flags.names)}`;
  }
  yield `,"result":`;
  yield* resultJson(data, flags);
  if (result.nextCursor !== undefined) yield `,"nextCursor":"${result.nextCursor}"`;
  yield `,"stats":${statsJson(result.stats)}}}`;
}

function resultJson(data: QueryResult["data"], flags: EncodingFlags): Iterable<string> {
  switch (data.kind) {
    case "streams":
      return listJson(flags.categorize ? categorizedJson(data.streams) : streamsJson(data.streams));
    case "matrix":
      return listJson(matrixJson(data.series));
    case "vector":
      return listJson(data.samples.map(sampleJson));
    case "scalar":
      return [`[${secondsJson(data.timeMs)},"${formatSampleValue(data.value)}"]`];
    default:
      return data satisfies never;
  }
}

/** Series of one answer share their times: each is written once. */
class MatrixWriter {
  readonly #timeTexts = new Map<number, string>();

  json({ labels, timesMs, values }: MatrixSeries): string {
    let points = "";
    for (let i = 0; i < timesMs.length; i++) {
      if (i > 0) points += ",";
      points += `${this.#opening(timesMs[i]!)}${formatSampleValue(values[i]!)}"]`;
    }
    return `{"metric":${labelsJson(labels)},"values":[${points}]}`;
  }

  #opening(timeMs: number): string {
    let text = this.#timeTexts.get(timeMs);
    if (text === undefined) {
      text = `[${secondsJson(timeMs)},"`;
      this.#timeTexts.set(timeMs, text);
    }
    return text;
  }
}

function* matrixJson(series: readonly MatrixSeries[]): Generator<string> {
  const writer = new MatrixWriter();
  for (const one of series) yield writer.json(one);
}

function sampleJson(sample: VectorSample): string {
  const value = `[${secondsJson(sample.timeMs)},"${formatSampleValue(sample.value)}"]`;
  return `{"metric":${labelsJson(sample.labels)},"value":${value}}`;
}

function* streamsJson(streams: readonly StreamResult[]): Generator<string> {
  for (const { labels, entries } of streams) {
    let values = "";
    for (const { timeNs, line } of entries) {
      if (values !== "") values += ",";
      values += `["${timeNs}",${JSON.stringify(line)}]`;
    }
    yield `{"stream":${labelsJson(labels)},"values":[${values}]}`;
  }
}

interface CategorizedValue {
  readonly position: number;
  readonly json: string;
}

/**
 * With the flag `categorize-labels` streams are grouped by stream labels alone, and every entry has
 * a third member that says which labels are structured metadata and which were parsed.
 */
function* categorizedJson(streams: readonly StreamResult[]): Generator<string> {
  const groups = new Map<string, CategorizedValue[]>();
  for (const stream of streams) {
    const key = labelsJson(stream.streamLabels);
    const values = groups.get(key) ?? [];
    groups.set(key, values);
    const categories = categoriesJson(stream);
    for (const { timeNs, line, position } of stream.entries) {
      values.push({ position, json: `["${timeNs}",${JSON.stringify(line)},${categories}]` });
    }
  }
  for (const [labels, values] of groups) {
    values.sort((a, b) => a.position - b.position);
    yield `{"stream":${labels},"values":[${values.map(({ json }) => json).join(",")}]}`;
  }
}

/** The third member of an entry; empty categories are left out. */
export function categoriesJson(entry: {
  readonly structuredMetadata: readonly LabelPair[];
  readonly parsed: readonly LabelPair[];
}): string {
  const parts: string[] = [];
  if (entry.structuredMetadata.length > 0) {
    parts.push(`"structuredMetadata":${labelsJson(entry.structuredMetadata)}`);
  }
  if (entry.parsed.length > 0) parts.push(`"parsed":${labelsJson(entry.parsed)}`);
  return `{${parts.join(",")}}`;
}

import { formatSampleValue } from "#gofmt";
import type { LabelPair } from "#model";
import type { MatrixSeries, QueryResult, StreamResult, VectorSample } from "#query";
import { labelsJson, secondsJson } from "./json-text.ts";
import { statsJson } from "./encode-stats.ts";

/** The answer of `query` and `query_range`: Loki's JSON, with `warnings` only when there are some. */
export function queryJson(result: QueryResult, options: { categorize: boolean }): string {
  const { data } = result;
  const stats = statsJson(result.stats);
  const warnings =
    result.warnings.length > 0 ? `,"warnings":${JSON.stringify(result.warnings)}` : "";
  const flags =
    options.categorize && data.kind === "streams" ? `,"encodingFlags":["categorize-labels"]` : "";
  const body = `"resultType":"${data.kind}","result":${resultJson(data, options)}${flags},"stats":${stats}`;
  return `{"status":"success"${warnings},"data":{${body}}}`;
}

function resultJson(data: QueryResult["data"], options: { categorize: boolean }): string {
  switch (data.kind) {
    case "streams":
      return options.categorize ? categorizedJson(data.streams) : streamsJson(data.streams);
    case "matrix":
      return `[${data.series.map(seriesJson).join(",")}]`;
    case "vector":
      return `[${data.samples.map(sampleJson).join(",")}]`;
    case "scalar":
      return `[${secondsJson(data.timeMs)},"${formatSampleValue(data.value)}"]`;
    default:
      return data satisfies never;
  }
}

function seriesJson(series: MatrixSeries): string {
  let points = "";
  for (let i = 0; i < series.timesMs.length; i++) {
    if (i > 0) points += ",";
    points += `[${secondsJson(series.timesMs[i]!)},"${formatSampleValue(series.values[i]!)}"]`;
  }
  return `{"metric":${labelsJson(series.labels)},"values":[${points}]}`;
}

function sampleJson(sample: VectorSample): string {
  const value = `[${secondsJson(sample.timeMs)},"${formatSampleValue(sample.value)}"]`;
  return `{"metric":${labelsJson(sample.labels)},"value":${value}}`;
}

function streamsJson(streams: readonly StreamResult[]): string {
  const parts = streams.map(({ labels, entries }) => {
    const values = entries.map(({ timeNs, line }) => `["${timeNs}",${JSON.stringify(line)}]`);
    return `{"stream":${labelsJson(labels)},"values":[${values.join(",")}]}`;
  });
  return `[${parts.join(",")}]`;
}

/**
 * With the flag `categorize-labels` streams are grouped by stream labels alone, and every entry has a third member that says
 * which labels are structured metadata and which were parsed.
 */
function categorizedJson(streams: readonly StreamResult[]): string {
  interface Group {
    readonly labels: readonly LabelPair[];
    readonly values: { readonly timeNs: bigint; readonly json: string }[];
  }
  const groups = new Map<string, Group>();
  for (const stream of streams) {
    const key = labelsJson(stream.streamLabels);
    const group = groups.get(key) ?? { labels: stream.streamLabels, values: [] };
    groups.set(key, group);
    const categories = categoriesJson(stream);
    for (const { timeNs, line } of stream.entries) {
      group.values.push({ timeNs, json: `["${timeNs}",${JSON.stringify(line)},${categories}]` });
    }
  }
  const isForward = isAscending(streams);
  const parts = [...groups.values()].map(({ labels, values }) => {
    values.sort((a, b) => Number(isForward ? a.timeNs - b.timeNs : b.timeNs - a.timeNs));
    return `{"stream":${labelsJson(labels)},"values":[${values.map(({ json }) => json).join(",")}]}`;
  });
  return `[${parts.join(",")}]`;
}

function categoriesJson(stream: StreamResult): string {
  const parts: string[] = [];
  if (stream.structuredMetadata.length > 0) {
    parts.push(`"structuredMetadata":${labelsJson(stream.structuredMetadata)}`);
  }
  if (stream.parsed.length > 0) parts.push(`"parsed":${labelsJson(stream.parsed)}`);
  return `{${parts.join(",")}}`;
}

function isAscending(streams: readonly StreamResult[]): boolean {
  for (const { entries } of streams) {
    const first = entries[0];
    const last = entries.at(-1);
    if (first !== undefined && last !== undefined && first.timeNs !== last.timeNs) {
      return first.timeNs < last.timeNs;
    }
  }
  return false;
}

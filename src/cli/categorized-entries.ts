/** Entries whose labels are told apart: those of the stream, structured metadata, parsed fields. */
import { type LabelPair, Labels } from "#model";
import { labelsOf, listOf, type LogEntry, objectOf, textOf, timeNsOf } from "./answers.ts";

export interface CategorizedEntry {
  readonly timeNs: bigint;
  readonly line: string;
  readonly stream: Labels;
  readonly metadata: Labels;
  readonly parsed: Labels;
}

/** Asks Loki and Skald for `values` with a third member: metadata and parsed labels apart. */
export const categorizeHeaders: Readonly<Record<string, string>> = {
  "X-Loki-Response-Encoding-Flags": "categorize-labels",
};

/** `result` of an answer that was asked for with `categorizeHeaders`. */
export function readCategorizedStreams(streams: unknown): CategorizedEntry[] {
  const entries: CategorizedEntry[] = [];
  for (const one of listOf(streams, "result")) {
    const object = objectOf(one, "a stream");
    const stream = labelsOf(object["stream"], "stream");
    for (const value of listOf(object["values"], "values")) {
      const [time, line, more] = listOf(value, "an entry");
      const categories = objectOf(more ?? {}, "labels of an entry");
      entries.push({
        timeNs: timeNsOf(time),
        line: textOf(line, "a line"),
        stream,
        metadata: labelsOf(categories["structuredMetadata"] ?? {}, "structuredMetadata"),
        parsed: labelsOf(categories["parsed"] ?? {}, "parsed"),
      });
    }
  }
  return entries;
}

/** An object of `/skald/api/v1/context` and `/skald/api/v1/export`. */
export function readEntryObject(value: unknown): CategorizedEntry {
  const entry = objectOf(value, "an entry");
  return {
    timeNs: timeNsOf(entry["timestamp"]),
    line: textOf(entry["line"], "line"),
    stream: labelsOf(entry["stream"], "stream"),
    metadata: labelsOf(entry["structuredMetadata"] ?? {}, "structuredMetadata"),
    parsed: labelsOf(entry["parsed"] ?? {}, "parsed"),
  };
}

/** As Loki joins them: what is parsed wins over metadata, that over the stream's own. */
export function joinedEntry({
  timeNs,
  line,
  stream,
  metadata,
  parsed,
}: CategorizedEntry): LogEntry {
  const pairs = new Map<string, string>();
  for (const labels of [stream, metadata, parsed]) {
    for (const [name, value] of labels.pairs) pairs.set(name, value);
  }
  return { timeNs, line, labels: Labels.of([...pairs] satisfies LabelPair[]) };
}

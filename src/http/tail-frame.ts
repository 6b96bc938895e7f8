import type { LabelPair, Labels } from "#model";
import type { EncodingFlags } from "./encoding-flags.ts";
import { categoriesJson } from "./encode-query.ts";
import { labelsJson } from "./json-text.ts";
import { legacyEntryJson, legacyLabelsJson } from "./legacy-routes.ts";

/** An entry on its way to whoever tails. */
export interface TailEntry {
  readonly timeNs: bigint;
  readonly line: string;
  /** What the client is to see as its stream. */
  readonly labels: Labels;
  readonly structuredMetadata: readonly LabelPair[];
  readonly parsed: readonly LabelPair[];
}

/** An entry that had no room. */
export interface DroppedEntry {
  readonly timeNs: bigint;
  readonly labels: Labels;
}

/** The text frame: consecutive entries of one stream stand together. */
export type FrameWriter = (
  entries: readonly TailEntry[],
  dropped: readonly DroppedEntry[],
) => string;

export function frameWriter(flags: EncodingFlags): FrameWriter {
  const encodingFlags =
    flags.names.length === 0 ? "" : `,"encodingFlags":${JSON.stringify(flags.names)}`;
  return (entries, dropped) => {
    const streams = runsOf(entries).map((run) => {
      const values = run.map((entry) => {
        const categories = flags.categorize ? `,${categoriesJson(entry)}` : "";
        return `["${entry.timeNs}",${JSON.stringify(entry.line)}${categories}]`;
      });
      return `{"stream":${labelsJson(run[0]!.labels.pairs)},"values":[${values.join(",")}]}`;
    });
    const lost = dropped.map(
      ({ timeNs, labels }) => `{"timestamp":"${timeNs}","labels":${labelsJson(labels.pairs)}}`,
    );
    const droppedEntries = lost.length === 0 ? "" : `,"dropped_entries":[${lost.join(",")}]`;
    return `{"streams":[${streams.join(",")}]${droppedEntries}${encodingFlags}}`;
  };
}

/** As `/api/prom/tail` has it. */
export const legacyFrame: FrameWriter = (entries, dropped) => {
  const streams = runsOf(entries).map((run) => {
    const labels = legacyLabelsJson(run[0]!.labels);
    return `{"labels":${labels},"entries":[${run.map(legacyEntryJson).join(",")}]}`;
  });
  const lost = dropped.map(
    ({ timeNs, labels }) => `{"Timestamp":"${timeNs}","Labels":${legacyLabelsJson(labels)}}`,
  );
  const droppedEntries = lost.length === 0 ? "null" : `[${lost.join(",")}]`;
  return `{"streams":[${streams.join(",")}],"dropped_entries":${droppedEntries}}`;
};

function runsOf(entries: readonly TailEntry[]): TailEntry[][] {
  const runs: TailEntry[][] = [];
  let key: string | undefined;
  for (const entry of entries) {
    if (entry.labels.key === key) runs.at(-1)!.push(entry);
    else runs.push([entry]);
    key = entry.labels.key;
  }
  return runs;
}

/** Batches for the tests of this room. */
import { type EntryBatch, Labels, packSet } from "#model";

export interface TestStream {
  readonly labels: Readonly<Record<string, string>>;
  /** Lines a second apart, the first at `fromSeconds`. */
  readonly lines: readonly string[];
  readonly fromSeconds?: number;
  readonly level?: string;
}

/** 2026-01-10T00:00:00Z. */
export const testSeconds = 1_768_003_200;
export const testDay: number = testSeconds / 86_400;

export function batchOf(streams: readonly TestStream[]): EntryBatch {
  const lines: Buffer[] = [];
  const sets: Buffer[] = [Buffer.alloc(0)];
  const seconds: number[] = [];
  const setOfRow: number[] = [];
  const batchStreams = streams.map((stream) => {
    const fromRow = lines.length;
    if (stream.level !== undefined) sets.push(packSet([["detected_level", stream.level]]));
    for (const [i, line] of stream.lines.entries()) {
      lines.push(Buffer.from(line));
      seconds.push((stream.fromSeconds ?? testSeconds) + i);
      setOfRow.push(stream.level === undefined ? 0 : sets.length - 1);
    }
    return { labels: Labels.from(stream.labels), fromRow, toRow: lines.length };
  });
  const starts = startsOf(lines);
  return {
    rowCount: lines.length,
    streams: batchStreams,
    bytes: Buffer.concat(lines),
    lineStarts: starts.subarray(0, lines.length),
    lineEnds: starts.subarray(1),
    epochSeconds: Float64Array.from(seconds),
    nanos: new Uint32Array(lines.length),
    metadataOfRow: Uint32Array.from(setOfRow),
    metadata: { bytes: Buffer.concat(sets), starts: startsOf(sets), count: sets.length },
  };
}

function startsOf(parts: readonly Buffer[]): Uint32Array {
  const starts = new Uint32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) starts[i + 1] = starts[i]! + part.length;
  return starts;
}

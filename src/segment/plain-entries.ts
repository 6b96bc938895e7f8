/** Entries as tests write them down, as the batches a segment is built from. For tests only. */
import { type BatchStream, dayOfNs, type EntryBatch, Labels, packSet } from "#model";

/** One entry as a test writes it down. */
export interface TestEntry {
  readonly timeNs: bigint;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A batch of the entries of some streams, in the order given; equal metadata sets are shared. */
export function batchOf(
  streams: readonly { labels: Labels; entries: readonly TestEntry[] }[],
): EntryBatch {
  const all = streams.flatMap((stream) => stream.entries);
  const lines = all.map((entry) => Buffer.from(entry.line));
  const rowCount = all.length;
  const lineStarts = new Uint32Array(rowCount);
  const lineEnds = new Uint32Array(rowCount);
  const epochSeconds = new Float64Array(rowCount);
  const nanos = new Uint32Array(rowCount);
  const metadataOfRow = new Uint32Array(rowCount);
  const sets = new MetadataSets();
  let at = 0;
  for (const [row, entry] of all.entries()) {
    lineStarts[row] = at;
    at += lines[row]!.length;
    lineEnds[row] = at;
    const nanosOfRow = ((entry.timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    nanos[row] = Number(nanosOfRow);
    epochSeconds[row] = Number((entry.timeNs - nanosOfRow) / 1_000_000_000n);
    metadataOfRow[row] = sets.idOf(entry.metadata ?? {});
  }
  return {
    rowCount,
    streams: boundsOf(streams),
    bytes: Buffer.concat(lines),
    lineStarts,
    lineEnds,
    epochSeconds,
    nanos,
    metadataOfRow,
    metadata: sets.packed(),
  };
}

function boundsOf(
  streams: readonly { labels: Labels; entries: readonly TestEntry[] }[],
): BatchStream[] {
  let row = 0;
  return streams.map(({ labels, entries }) => {
    const fromRow = row;
    row += entries.length;
    return { labels, fromRow, toRow: row };
  });
}

class MetadataSets {
  readonly #sets: Buffer[] = [Buffer.alloc(0)];
  readonly #ids = new Map<string, number>([["", 0]]);

  idOf(metadata: Readonly<Record<string, string>>): number {
    const packed = packSet(Object.entries(metadata));
    const key = packed.toString("latin1");
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#sets.push(packed) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  packed(): EntryBatch["metadata"] {
    const starts = new Uint32Array(this.#sets.length + 1);
    for (const [i, set] of this.#sets.entries()) starts[i + 1] = starts[i]! + set.length;
    return { bytes: Buffer.concat(this.#sets), starts, count: this.#sets.length };
  }
}

/** Streams of one day as `buildSegment` takes them, one batch per stream. */
export function segmentStreamsOf(
  streams: readonly {
    labels: Readonly<Record<string, string>>;
    entries: readonly TestEntry[];
  }[],
): {
  labels: Labels;
  rows: { batch: EntryBatch; fromRow: number; toRow: number }[];
}[] {
  return streams.map(({ labels: record, entries }) => {
    const labels = Labels.from(record);
    const batch = batchOf([{ labels, entries }]);
    return { labels, rows: [{ batch, fromRow: 0, toRow: batch.rowCount }] };
  });
}

/** The day of the first entry, or of 2026-03-01 when there is none. */
export function dayOfEntries(entries: readonly TestEntry[]): number {
  return entries[0] === undefined ? 20_513 : dayOfNs(entries[0].timeNs);
}

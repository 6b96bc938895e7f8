import { isAscii } from "node:buffer";
import { ByteStrings } from "#columns";
import { type EntryBatch, type Matcher, secondsPerDay, unpackSet } from "#model";
import type { Block, BlockFacts, BlockStream, MetadataColumn } from "#storage";

/** Rows [fromRow, toRow) of a batch: one stream's, of one UTC day. */
interface Run {
  readonly stream: number;
  readonly fromRow: number;
  readonly toRow: number;
}

const newline = 0x0a;

/**
 * The entries of the batch whose streams pass all matchers, as blocks a pipeline can run over: in
 * order of arrival, one block per run of entries of one UTC day, so that offsets stay exact.
 */
export function* tailBlocks(batch: EntryBatch, matchers: readonly Matcher[]): Generator<Block> {
  let runs: Run[] = [];
  let day: number | undefined;
  for (const [stream, { labels, fromRow, toRow }] of batch.streams.entries()) {
    if (!matchers.every(({ name, test }) => test(labels.get(name) ?? ""))) continue;
    let from = fromRow;
    while (from < toRow) {
      const ofRun = dayOf(batch, from);
      let to = from + 1;
      while (to < toRow && dayOf(batch, to) === ofRun) to++;
      if (ofRun !== day && runs.length > 0) {
        yield build(batch, runs, day!);
        runs = [];
      }
      day = ofRun;
      runs.push({ stream, fromRow: from, toRow: to });
      from = to;
    }
  }
  if (runs.length > 0) yield build(batch, runs, day!);
}

function dayOf(batch: EntryBatch, row: number): number {
  return Math.floor(batch.epochSeconds[row]! / secondsPerDay);
}

function build(batch: EntryBatch, runs: readonly Run[], day: number): Block {
  const rowCount = runs.reduce((count, run) => count + run.toRow - run.fromRow, 0);
  const offsets = new Float64Array(rowCount);
  const streamOfRow = new Uint32Array(rowCount);
  const rows = new Uint32Array(rowCount);
  const base = day * secondsPerDay;
  const streams: BlockStream[] = [];
  let at = 0;
  let known = -1;
  for (const { stream, fromRow, toRow } of runs) {
    if (stream !== known) streams.push(blockStream(batch, stream));
    known = stream;
    for (let row = fromRow; row < toRow; row++, at++) {
      rows[at] = row;
      streamOfRow[at] = streams.length - 1;
      offsets[at] = (batch.epochSeconds[row]! - base) * 1e9 + batch.nanos[row]!;
    }
  }
  const lines = linesOf(batch, rows);
  const baseNs = BigInt(base) * 1_000_000_000n;
  return {
    ref: { facts: factsOf(lines, { baseNs, offsets, streams }) },
    rowCount,
    baseNs,
    offsets,
    streamOfRow: streams.length === 1 ? undefined : streamOfRow,
    lines,
    lengths: Uint32Array.from(rows, (row) => batch.lineEnds[row]! - batch.lineStarts[row]!),
    metadata: metadataOf(batch, rows),
  };
}

/** The stream's counts are of the batch; nothing reads them of a block that is tailed. */
function blockStream(batch: EntryBatch, stream: number): BlockStream {
  const { labels, fromRow, toRow } = batch.streams[stream]!;
  return { labels, entryCount: toRow - fromRow, lineBytes: 0, minNs: 0n, maxNs: 0n };
}

function linesOf(batch: EntryBatch, rows: Uint32Array): ByteStrings {
  const starts = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    starts[i + 1] = starts[i]! + batch.lineEnds[row]! - batch.lineStarts[row]! + 1;
  }
  const bytes = Buffer.allocUnsafe(starts[rows.length]!);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    batch.bytes.copy(bytes, starts[i]!, batch.lineStarts[row]!, batch.lineEnds[row]!);
    bytes[starts[i + 1]! - 1] = newline;
  }
  return new ByteStrings(bytes, starts, 1);
}

function factsOf(
  lines: ByteStrings,
  block: { baseNs: bigint; offsets: Float64Array; streams: readonly BlockStream[] },
): BlockFacts {
  const { baseNs, offsets, streams } = block;
  let newlineCount = 0;
  for (let at = lines.bytes.indexOf(newline); at >= 0; at = lines.bytes.indexOf(newline, at + 1)) {
    newlineCount++;
  }
  return {
    entryCount: lines.count,
    lineBytes: lines.bytes.length - lines.count,
    minNs: baseNs + BigInt(offsets.reduce((a, b) => Math.min(a, b))),
    maxNs: baseNs + BigInt(offsets.reduce((a, b) => Math.max(a, b))),
    isAscii: isAscii(lines.bytes),
    hasInnerNewline: newlineCount > lines.count,
    streams,
    levelCounts: new Map(),
    source: "tail",
    sourceOrder: 0,
  };
}

function metadataOf(batch: EntryBatch, rows: Uint32Array): MetadataColumn[] {
  const columns = new Map<string, { ids: Uint32Array; idOfValue: Map<string, number> }>();
  const { metadata, metadataOfRow } = batch;
  const pairsOfSet = new Map<number, ReturnType<typeof unpackSet>>();
  for (let i = 0; i < rows.length; i++) {
    const set = metadataOfRow[rows[i]!]!;
    if (set === 0) continue;
    let pairs = pairsOfSet.get(set);
    if (pairs === undefined) {
      pairs = unpackSet(metadata.bytes, metadata.starts[set]!, metadata.starts[set + 1]!);
      pairsOfSet.set(set, pairs);
    }
    for (const [name, value] of pairs) {
      let column = columns.get(name);
      if (column === undefined) {
        column = { ids: new Uint32Array(rows.length), idOfValue: new Map() };
        columns.set(name, column);
      }
      const id = column.idOfValue.get(value) ?? column.idOfValue.size + 1;
      column.idOfValue.set(value, id);
      column.ids[i] = id;
    }
  }
  return [...columns].map(([name, { ids, idOfValue }]) => ({
    name,
    ids,
    values: ByteStrings.ofTexts([...idOfValue.keys()], 0),
  }));
}

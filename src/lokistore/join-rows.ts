/**
 * The rows of a chunk's blocks as one. Blocks usually follow one another in time and are put
 * together as they are; where they overlap (some writers leave them so) rows are sorted, and an
 * entry that is in two blocks stays once.
 */
import { ByteStrings, hashBytes, sameBytes, stableOrder } from "#columns";
import type { ChunkMetadataColumn, ChunkRows } from "#lokichunk";
import { ByteDictionary } from "./byte-dictionary.ts";

export type JoinedRows = Omit<ChunkRows, "droppedPairCount">;

/** Whether lines and all metadata are needed to tell which rows are in two blocks. */
export function needsComparing(parts: readonly JoinedRows[]): boolean {
  let previous: JoinedRows | undefined;
  for (const part of parts) {
    if (part.rowCount === 0) continue;
    if (previous !== undefined && part.baseNs <= lastNsOf(previous)) return true;
    previous = part;
  }
  return false;
}

function lastNsOf({ baseNs, offsets, rowCount }: JoinedRows): bigint {
  return baseNs + BigInt(offsets[rowCount - 1]!);
}

/**
 * Parts are sorted each, in order of the file; together they span less than 2^53 ns. If they need
 * comparing, they must come with lines and all metadata. The result may share memory with a part.
 */
export function joinRows(parts: readonly JoinedRows[], seed: number): JoinedRows {
  const filled = parts.filter(({ rowCount }) => rowCount > 0);
  if (filled.length === 1) return filled[0]!;
  const rows = concatRows(filled, seed);
  if (!needsComparing(filled)) return rows;
  const order = stableOrder(rows.offsets, rows.rowCount);
  return pickRows(rows, withoutRepeats(rows, order));
}

function concatRows(parts: readonly JoinedRows[], seed: number): JoinedRows {
  const first = parts[0];
  const baseNs = parts.reduce(
    (min, one) => (one.baseNs < min ? one.baseNs : min),
    first?.baseNs ?? 0n,
  );
  const rowCount = parts.reduce((sum, part) => sum + part.rowCount, 0);
  const offsets = new Float64Array(rowCount);
  let at = 0;
  for (const part of parts) {
    const shift = Number(part.baseNs - baseNs);
    for (let row = 0; row < part.rowCount; row++) offsets[at++] = part.offsets[row]! + shift;
  }
  return {
    rowCount,
    baseNs,
    offsets,
    lines: first?.lines === undefined ? undefined : concatLines(parts.map((part) => part.lines!)),
    lengths: first?.lengths === undefined ? undefined : concatLengths(parts, rowCount),
    metadata: concatMetadata(parts, rowCount, seed),
  };
}

function concatLines(all: readonly ByteStrings[]): ByteStrings {
  const count = all.reduce((sum, { count: lines }) => sum + lines, 0);
  const starts = new Uint32Array(count + 1);
  let at = 0;
  let shift = 0;
  for (const lines of all) {
    const begin = lines.starts[0]!;
    for (let i = 1; i <= lines.count; i++) starts[++at] = lines.starts[i]! - begin + shift;
    shift = starts[at]!;
  }
  const bytes = all.map((lines) =>
    lines.bytes.subarray(lines.starts[0], lines.starts[lines.count]),
  );
  return new ByteStrings(Buffer.concat(bytes), starts, 1);
}

function concatLengths(parts: readonly JoinedRows[], rowCount: number): Uint32Array {
  const lengths = new Uint32Array(rowCount);
  let at = 0;
  for (const part of parts) {
    lengths.set(part.lengths!.subarray(0, part.rowCount), at);
    at += part.rowCount;
  }
  return lengths;
}

function concatMetadata(
  parts: readonly JoinedRows[],
  rowCount: number,
  seed: number,
): ChunkMetadataColumn[] {
  const names = new Set(parts.flatMap(({ metadata }) => metadata.map(({ name }) => name)));
  return [...names].map((name) => {
    const dictionary = new ByteDictionary(seed);
    const ids = new Uint32Array(rowCount);
    let at = 0;
    for (const part of parts) {
      const column = part.metadata.find((one) => one.name === name);
      if (column !== undefined) {
        const numbers = dictionary.addAll(column.values);
        for (let row = 0; row < part.rowCount; row++) {
          const id = column.ids[row]!;
          if (id !== 0) ids[at + row] = numbers[id - 1]!;
        }
      }
      at += part.rowCount;
    }
    return { name, ids, values: dictionary.values() };
  });
}

/** Rows of one time up to this many are compared pair by pair; more of them by hash first. */
const pairwiseMax = 8;

/** `order` without rows that equal one before them at the same time. */
function withoutRepeats(rows: JoinedRows, order: Uint32Array): Uint32Array {
  const { offsets } = rows;
  let kept = 0;
  let from = 0;
  while (from < order.length) {
    let to = from + 1;
    while (to < order.length && offsets[order[to]!] === offsets[order[from]!]) to++;
    if (to - from === 1) order[kept++] = order[from]!;
    else kept += keepDistinct(rows, order.subarray(from, to), order.subarray(kept));
    from = to;
  }
  return order.subarray(0, kept);
}

/** Moves the distinct ones of `run` to the front of `target`, which may begin before it. */
function keepDistinct(rows: JoinedRows, run: Uint32Array, target: Uint32Array): number {
  const byHash = run.length > pairwiseMax ? new Map<number, number[]>() : undefined;
  let kept = 0;
  for (const row of run) {
    const seen = byHash === undefined ? target.subarray(0, kept) : rowsAlike(rows, row, byHash);
    if (seen.some((other: number) => isSameRow(rows, other, row))) continue;
    if (Array.isArray(seen)) seen.push(row);
    target[kept++] = row;
  }
  return kept;
}

function rowsAlike({ lines }: JoinedRows, row: number, byHash: Map<number, number[]>): number[] {
  const hash = hashBytes(lines!.bytes, lines!.from(row), lines!.to(row), 0);
  let alike = byHash.get(hash);
  if (alike === undefined) byHash.set(hash, (alike = []));
  return alike;
}

function isSameRow({ lines, metadata }: JoinedRows, a: number, b: number): boolean {
  const length = lines!.to(a) - lines!.from(a);
  if (lines!.to(b) - lines!.from(b) !== length) return false;
  if (!sameBytes(lines!.bytes, lines!.from(a), lines!.bytes, lines!.from(b), length)) return false;
  return metadata.every(({ ids }) => ids[a] === ids[b]);
}

/** These rows, in this order; the result owns its columns but for dictionaries. */
export function pickRows(rows: JoinedRows, picked: Uint32Array): JoinedRows {
  const { offsets, lengths, lines } = rows;
  return {
    rowCount: picked.length,
    baseNs: rows.baseNs,
    offsets: Float64Array.from(picked, (row) => offsets[row]!),
    lines: lines && pickLines(lines, picked),
    lengths: lengths && Uint32Array.from(picked, (row) => lengths[row]!),
    metadata: rows.metadata.map(({ name, ids, values }) => ({
      name,
      ids: Uint32Array.from(picked, (row) => ids[row]!),
      values,
    })),
  };
}

function pickLines(lines: ByteStrings, picked: Uint32Array): ByteStrings {
  const starts = new Uint32Array(picked.length + 1);
  for (let i = 0; i < picked.length; i++) {
    starts[i + 1] = starts[i]! + lines.starts[picked[i]! + 1]! - lines.starts[picked[i]!]!;
  }
  const bytes = Buffer.allocUnsafe(starts[picked.length]!);
  for (let i = 0; i < picked.length; i++) {
    const row = picked[i]!;
    lines.bytes.copy(bytes, starts[i], lines.starts[row], lines.starts[row + 1]);
  }
  return new ByteStrings(bytes, starts, 1);
}

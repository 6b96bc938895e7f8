import assert from "node:assert/strict";
import type { EntryBatch, PackedSets } from "#model";
import { behindVarint, varintAt } from "./push-packed.ts";

/**
 * Entries of a batch as Loki's PushRequest, for the journal (docs/formats/push-record.md). Labels are
 * left out: the record's header has them.
 *
 * Written into one buffer that serves again and again, since memory fresh from the system costs more
 * than the writing; so the result is a view that is valid until the next call. Kernels: bounds are
 * computed beforehand, and nothing is made per row.
 */
export function encodeEntries(batch: EntryBatch): Buffer {
  const sets = encodeSets(batch.metadata);
  const { rowCount, lineStarts, lineEnds, metadataOfRow } = batch;
  let bytesMax = batch.streams.length * fieldBytesMax;
  for (let row = 0; row < rowCount; row++) {
    const set = metadataOfRow[row]!;
    bytesMax += lineEnds[row]! - lineStarts[row]! + sets.starts[set + 1]! - sets.starts[set]!;
  }
  const out = scratch(bytesMax + rowCount * entryBytesMax);
  let at = 0;
  for (const { fromRow, toRow } of batch.streams) {
    const contentFrom = at + fieldBytesMax;
    const contentTo = writeRows(out, contentFrom, { batch, sets, fromRow, toRow });
    out[at++] = streamTag;
    at = writeVarint(out, at, contentTo - contentFrom);
    out.copy(out, at, contentFrom, contentTo);
    at += contentTo - contentFrom;
  }
  assert(at <= out.length);
  return out.subarray(0, at);
}

/** Tag and length of a field. */
const fieldBytesMax = 6;
/** Of an entry all but line and metadata: three fields and a timestamp of two. */
const entryBytesMax = 40;
const streamTag = 0x0a;
const entryTag = 0x12;
const timeTag = 0x0a;
const lineTag = 0x12;
const pairTag = 0x1a;
const secondsTag = 0x08;
const nanosTag = 0x10;
const nameTag = 0x0a;
const valueTag = 0x12;
/** Up to here a loop is faster than a call of Buffer's. */
const copiedByLoopMax = 40;

/** Larger requests are rare; their memory is given back. */
const keptBytesMax = 4 * 1024 * 1024;
let kept: Buffer = Buffer.alloc(0);

function scratch(bytes: number): Buffer {
  if (bytes <= kept.length) return kept;
  if (bytes > keptBytesMax) return Buffer.allocUnsafeSlow(bytes);
  kept = Buffer.allocUnsafeSlow(Math.min(keptBytesMax, bytes * 2));
  return kept;
}

interface Rows {
  readonly batch: EntryBatch;
  readonly sets: PackedSets;
  readonly fromRow: number;
  readonly toRow: number;
}

/** Returns where the last one ends. */
function writeRows(out: Buffer, from: number, { batch, sets, fromRow, toRow }: Rows): number {
  const { bytes, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = batch;
  let at = from;
  for (let row = fromRow; row < toRow; row++) {
    const seconds = epochSeconds[row]!;
    const nano = nanos[row]!;
    const lineFrom = lineStarts[row]!;
    const lineBytes = lineEnds[row]! - lineFrom;
    const setFrom = sets.starts[metadataOfRow[row]!]!;
    const setTo = sets.starts[metadataOfRow[row]! + 1]!;
    const timeBytes = 2 + varintBytes(seconds) + varintBytes(nano);
    out[at++] = entryTag;
    const rest = 3 + timeBytes + varintBytes(lineBytes) + lineBytes + setTo - setFrom;
    at = writeVarint(out, at, rest);
    out[at++] = timeTag;
    out[at++] = timeBytes;
    out[at++] = secondsTag;
    at = writeVarint(out, at, seconds);
    out[at++] = nanosTag;
    at = writeVarint(out, at, nano);
    out[at++] = lineTag;
    at = writeVarint(out, at, lineBytes);
    at = copyInto(out, at, bytes, lineFrom, lineFrom + lineBytes);
    at = copyInto(out, at, sets.bytes, setFrom, setTo);
  }
  return at;
}

/** Each metadata set as the fields of an entry: what is packed is copied pair by pair. */
function encodeSets({ bytes, starts, count }: PackedSets): PackedSets {
  const ends = new Uint32Array(count + 1);
  // The shortest pair, a name of one letter with its value, has 4 bytes and gets a field and 2 tags.
  const out = Buffer.allocUnsafe(bytes.length * 3 + 64);
  let at = 0;
  for (let set = 0; set < count; set++) {
    ends[set] = at;
    let from = starts[set]!;
    const end = starts[set + 1]!;
    while (from < end) {
      const nameTo = behindVarint(bytes, from) + varintAt(bytes, from);
      const to = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
      out[at++] = pairTag;
      at = writeVarint(out, at, 2 + to - from);
      out[at++] = nameTag;
      at = copyInto(out, at, bytes, from, nameTo);
      out[at++] = valueTag;
      at = copyInto(out, at, bytes, nameTo, to);
      from = to;
    }
  }
  ends[count] = at;

  return { bytes: out.subarray(0, at), starts: ends, count };
}

function copyInto(out: Buffer, at: number, from: Buffer, start: number, end: number): number {
  if (end - start > copiedByLoopMax) {
    from.copy(out, at, start, end);
    return at + end - start;
  }
  let to = at;
  for (let i = start; i < end; i++) out[to++] = from[i]!;
  return to;
}

/** Bytes `writeVarint` takes. */
function varintBytes(value: number): number {
  if (value < 0) return 10;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  return value < 0x800000000 ? 5 : 6;
}

/**
 * Whole numbers below 2^42, which all times and lengths are; negative ones as the ten bytes of their
 * two's complement. Returns where it ends.
 */
function writeVarint(out: Buffer, from: number, value: number): number {
  let at = from;
  if (value < 0) {
    let bits = BigInt.asUintN(64, BigInt(value));
    for (; bits >= 0x80n; bits >>= 7n) out[at++] = Number(bits & 0x7fn) | 0x80;
    out[at++] = Number(bits);
    return at;
  }
  let rest = value;
  if (rest >= 0x10000000) {
    // Below, 32 bits suffice.
    const low = rest % 0x10000000;
    rest = (rest - low) / 0x10000000;
    out[at++] = (low & 0x7f) | 0x80;
    out[at++] = ((low >>> 7) & 0x7f) | 0x80;
    out[at++] = ((low >>> 14) & 0x7f) | 0x80;
    out[at++] = (low >>> 21) | 0x80;
  }
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

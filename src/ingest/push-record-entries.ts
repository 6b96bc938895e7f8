import assert from "node:assert/strict";
import type { BatchStream, EntryBatch, PackedSets } from "#model";
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
  const sets = new EncodedSets(batch.metadata);
  const contentBytes = batch.streams.map((stream) => rowsBytes(batch, stream, sets.lengths));
  const out = scratch(contentBytes.reduce((sum, bytes) => sum + 1 + varintBytes(bytes) + bytes, 0));
  let at = 0;
  batch.streams.forEach((stream, index) => {
    out[at++] = streamTag;
    at = writeVarint(out, at, contentBytes[index]!);
    const to = at + contentBytes[index]!;
    at = writeRows(out, at, { batch, stream, sets });
    assert.equal(at, to);
  });
  return out.subarray(0, at);
}

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
const keptBytesMax = 8 * 1024 * 1024;
let kept: Buffer = Buffer.alloc(0);

function scratch(bytes: number): Buffer {
  if (bytes <= kept.length) return kept;
  if (bytes > keptBytesMax) return Buffer.allocUnsafeSlow(bytes);
  kept = Buffer.allocUnsafeSlow(Math.min(keptBytesMax, bytes * 2));
  return kept;
}

/** Metadata sets as the fields of an entry: how long each is, and where it was written first. */
class EncodedSets {
  readonly lengths: Uint32Array;
  readonly #sets: PackedSets;
  /** In the output, + 1; 0 when it was not written yet. */
  readonly #writtenAt: Uint32Array;

  constructor(sets: PackedSets) {
    const { bytes, starts, count } = sets;
    this.#sets = sets;
    this.lengths = new Uint32Array(count);
    this.#writtenAt = new Uint32Array(count);
    for (let set = 0; set < count; set++) {
      let length = 0;
      let from = starts[set]!;
      const end = starts[set + 1]!;
      while (from < end) {
        const nameTo = behindVarint(bytes, from) + varintAt(bytes, from);
        const to = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
        const pairBytes = 2 + to - from;
        length += 1 + varintBytes(pairBytes) + pairBytes;
        from = to;
      }
      this.lengths[set] = length;
    }
  }

  /** Returns where it ends. */
  write(out: Buffer, at: number, set: number): number {
    const known = this.#writtenAt[set]!;
    if (known !== 0) return copyInto(out, at, out, known - 1, known - 1 + this.lengths[set]!);
    this.#writtenAt[set] = at + 1;
    const { bytes, starts } = this.#sets;
    let to = at;
    let from = starts[set]!;
    const end = starts[set + 1]!;
    while (from < end) {
      const nameTo = behindVarint(bytes, from) + varintAt(bytes, from);
      const valueTo = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
      out[to++] = pairTag;
      to = writeVarint(out, to, 2 + valueTo - from);
      out[to++] = nameTag;
      to = copyInto(out, to, bytes, from, nameTo);
      out[to++] = valueTag;
      to = copyInto(out, to, bytes, nameTo, valueTo);
      from = valueTo;
    }
    return to;
  }
}

/** Bytes of the entries of a stream, tags and lengths included. */
function rowsBytes(batch: EntryBatch, { fromRow, toRow }: BatchStream, sets: Uint32Array): number {
  const { lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = batch;
  let sum = 0;
  for (let row = fromRow; row < toRow; row++) {
    const lineBytes = lineEnds[row]! - lineStarts[row]!;
    const timeBytes = 2 + varintBytes(epochSeconds[row]!) + varintBytes(nanos[row]!);
    const entry = 3 + timeBytes + varintBytes(lineBytes) + lineBytes + sets[metadataOfRow[row]!]!;
    sum += 1 + varintBytes(entry) + entry;
  }
  return sum;
}

interface Rows {
  readonly batch: EntryBatch;
  readonly stream: BatchStream;
  readonly sets: EncodedSets;
}

/** Returns where the last one ends. */
function writeRows(out: Buffer, from: number, { batch, stream, sets }: Rows): number {
  const { bytes, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = batch;
  const { lengths } = sets;
  let at = from;
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    const seconds = epochSeconds[row]!;
    const nano = nanos[row]!;
    const lineFrom = lineStarts[row]!;
    const lineBytes = lineEnds[row]! - lineFrom;
    const set = metadataOfRow[row]!;
    const timeBytes = 2 + varintBytes(seconds) + varintBytes(nano);
    out[at++] = entryTag;
    at = writeVarint(out, at, 3 + timeBytes + varintBytes(lineBytes) + lineBytes + lengths[set]!);
    out[at++] = timeTag;
    out[at++] = timeBytes;
    out[at++] = secondsTag;
    at = writeVarint(out, at, seconds);
    out[at++] = nanosTag;
    at = writeVarint(out, at, nano);
    out[at++] = lineTag;
    at = writeVarint(out, at, lineBytes);
    at = copyInto(out, at, bytes, lineFrom, lineFrom + lineBytes);
    if (set !== 0) at = sets.write(out, at, set);
  }
  return at;
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

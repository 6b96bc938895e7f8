/**
 * A remembered piece of an answer as bytes, the same in memory and on disk. Layout:
 * docs/formats/results-cache.md.
 */
import { crc32 } from "node:zlib";
import { StoreError } from "#base";
import type { LabelPair } from "#model";
import { stepCount, type StepRange } from "./split-range.ts";
import type { StepColumns, StepSeries } from "./step-columns.ts";

const magic = "SKRC";
const version = 1;
const headerBytes = 12;

/** What is known of a piece before its values are read. */
export interface PieceFacts extends StepRange {
  /** Which interval of which query it is, in full: file names are only hashes. */
  readonly key: string;
  /** Version of the data it was computed from. */
  readonly dataVersion: string;
  readonly stepNs: bigint;
}

/** Series without a value in these steps are left out. */
export function encodePiece(facts: PieceFacts, columns: StepColumns): Buffer {
  const fromStep = columns.indexOf(facts.firstNs);
  const count = stepCount(facts, facts.stepNs);
  const toStep = fromStep + count;
  const parts: Buffer[] = [];
  putText(parts, facts.key);
  putText(parts, facts.dataVersion);
  const numbers = Buffer.alloc(28);
  numbers.writeBigInt64LE(facts.firstNs, 0);
  numbers.writeBigInt64LE(facts.lastNs, 8);
  numbers.writeBigInt64LE(facts.stepNs, 16);
  parts.push(numbers);
  let seriesCount = 0;
  for (const series of columns.all()) {
    if (!series.present.subarray(fromStep, toStep).includes(1)) continue;
    putSeries(parts, series, { fromStep, toStep });
    seriesCount++;
  }
  numbers.writeUInt32LE(seriesCount, 24);
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(headerBytes);
  header.write(magic, "latin1");
  header.writeUInt32LE(version, 4);
  header.writeUInt32LE(crc32(body), 8);
  return Buffer.concat([header, body]);
}

function putSeries(
  parts: Buffer[],
  { labels, values, present }: StepSeries,
  { fromStep, toStep }: { fromStep: number; toStep: number },
): void {
  putNumber(parts, labels.pairs.length);
  for (const [name, value] of labels.pairs) {
    putText(parts, name);
    putText(parts, value);
  }
  const bits = Buffer.alloc((toStep - fromStep + 7) >>> 3);
  const numbers = Buffer.alloc((toStep - fromStep) * 8);
  let at = 0;
  for (let step = fromStep; step < toStep; step++) {
    if (present[step] !== 1) continue;
    const i = step - fromStep;
    bits[i >>> 3]! |= 1 << (i & 7);
    at = numbers.writeDoubleLE(values[step]!, at);
  }
  parts.push(bits, numbers.subarray(0, at));
}

function putNumber(parts: Buffer[], value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  parts.push(bytes);
}

function putText(parts: Buffer[], text: string): void {
  const bytes = Buffer.from(text);
  putNumber(parts, bytes.length);
  parts.push(bytes);
}

/** Throws StoreError `corrupt` when the bytes are not those of a piece. `where` names them. */
export function checkPiece(bytes: Buffer, where: string): void {
  if (bytes.length < headerBytes || bytes.toString("latin1", 0, 4) !== magic) {
    throw new StoreError("corrupt", `${where}: ${bytes.length} bytes without ${magic} at byte 0`);
  }
  const found = bytes.readUInt32LE(4);
  if (found !== version) {
    throw new StoreError("corrupt", `${where} at byte 4: version ${found}, expected ${version}`);
  }
  const expected = bytes.readUInt32LE(8);
  const actual = crc32(bytes.subarray(headerBytes));
  if (expected !== actual) {
    throw new StoreError("corrupt", `${where} at byte 8: crc ${expected} but computed ${actual}`);
  }
}

/** The facts of a piece that passed `checkPiece`. StoreError `corrupt` when it has none. */
export function readFacts(bytes: Buffer): PieceFacts {
  return factsOf(new PieceReader(bytes));
}

function factsOf(reader: PieceReader): PieceFacts {
  const key = reader.text();
  const dataVersion = reader.text();
  const [firstNs, lastNs, stepNs] = [reader.int64(), reader.int64(), reader.int64()];
  if (stepNs <= 0n || lastNs < firstNs) throw reader.corrupt(`steps of ${stepNs} ns`);
  return { key, dataVersion, firstNs, lastNs, stepNs };
}

/**
 * Adds the values of a checked piece at the steps `wanted`, which lie in both. StoreError `corrupt`
 * when it ends too soon, with some of them added.
 */
export function addPiece(bytes: Buffer, columns: StepColumns, wanted: StepRange): void {
  const reader = new PieceReader(bytes);
  const facts = factsOf(reader);
  const count = stepCount(facts, facts.stepNs);
  const skipped = Number((wanted.firstNs - facts.firstNs) / facts.stepNs);
  const end = skipped + stepCount(wanted, facts.stepNs);
  const target = columns.indexOf(wanted.firstNs) - skipped;
  for (let left = reader.uint32(); left > 0; left--) {
    const pairs = reader.pairs();
    const bits = reader.bytes((count + 7) >>> 3);
    let series: StepSeries | undefined;
    for (let i = 0; i < count; i++) {
      if ((bits[i >>> 3]! & (1 << (i & 7))) === 0) continue;
      const value = reader.double();
      if (i < skipped || i >= end) continue;
      series ??= columns.seriesOf(pairs);
      series.values[target + i] = value;
      series.present[target + i] = 1;
    }
  }
}

class PieceReader {
  readonly #bytes: Buffer;
  #at = headerBytes;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  corrupt(what: string): StoreError {
    return new StoreError("corrupt", `remembered result at byte ${this.#at}: ${what}`);
  }

  /** Where the next `count` bytes are, which then are behind. */
  #take(count: number): number {
    const from = this.#at;
    const left = this.#bytes.length - from;
    if (count > left) throw this.corrupt(`${count} bytes expected but ${left} left`);
    this.#at = from + count;
    return from;
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  bytes(count: number): Buffer {
    const from = this.#take(count);
    return this.#bytes.subarray(from, from + count);
  }

  text(): string {
    return this.bytes(this.uint32()).toString();
  }

  pairs(): LabelPair[] {
    const pairs: LabelPair[] = [];
    for (let left = this.uint32(); left > 0; left--) pairs.push([this.text(), this.text()]);
    return pairs;
  }
}

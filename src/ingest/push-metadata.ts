import { compareText, type LabelPair, packSet } from "#model";
import { type ArrivedSets, grown32 } from "./push-columns.ts";
import { isPlainName, labelNameOf } from "./push-metadata-name.ts";

/** Sets longer than this are hardly ever repeated, so looking them up would only cost. */
const internBytesMax = 512;
/** After so many look-ups, a table that found too little is given up. */
const internTrialCount = 1024;

/**
 * Collects the metadata sets of one request: names normalised, empty values dropped, of several
 * pairs of one name the last kept, sorted, packed (see EntryBatch). Equal sets get one id as far as
 * that is cheap to find out.
 *
 * For each row: `pair` for every name and value, then `finish` for the id.
 */
export class MetadataSets {
  readonly #source: Buffer;
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #length = 0;
  #starts: Uint32Array = new Uint32Array(64);
  #pairCounts: Uint32Array = new Uint32Array(64);
  #pairBytes: Uint32Array = new Uint32Array(64);
  #count = 1;
  /** Four numbers a pair: name from, to, value from, to. */
  #spans = new Int32Array(64);
  #pairs = 0;
  #plain = true;
  #arrivedBytes = 0;
  #known: Map<string, number> | undefined = new Map();
  #lookups = 0;
  #hits = 0;

  /** `source` is where the spans given to `pair` lie. */
  constructor(source: Buffer) {
    this.#source = source;
  }

  pair(nameFrom: number, nameTo: number, valueFrom: number, valueTo: number): void {
    const at = this.#pairs * 4;
    if (at === this.#spans.length) {
      const larger = new Int32Array(at * 2);
      larger.set(this.#spans);
      this.#spans = larger;
    }
    this.#spans[at] = nameFrom;
    this.#spans[at + 1] = nameTo;
    this.#spans[at + 2] = valueFrom;
    this.#spans[at + 3] = valueTo;
    this.#pairs++;
    this.#arrivedBytes += nameTo - nameFrom + (valueTo - valueFrom);
    if (this.#plain) this.#plain = isPlainName(this.#source, nameFrom, nameTo);
  }

  /** Ends the set begun by the first `pair` since the last call; 0 when there was none. */
  finish(): number {
    if (this.#pairs === 0) return 0;
    const arrived = { count: this.#pairs, bytes: this.#arrivedBytes };
    const from = this.#length;
    if (this.#plain) this.#packSpans();
    else this.#packTexts();
    this.#pairs = 0;
    this.#arrivedBytes = 0;
    this.#plain = true;
    return this.#intern(from, arrived);
  }

  /** A set of names already normalised; later pairs of one name win. */
  ofPairs(pairs: readonly LabelPair[]): number {
    if (pairs.length === 0) return 0;
    const from = this.#length;
    let bytes = 0;
    for (const [name, value] of pairs) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    this.#append(packSet(lastOfEach(pairs)));
    return this.#intern(from, { count: pairs.length, bytes });
  }

  build(): ArrivedSets {
    this.#starts = grown32(this.#starts.subarray(0, this.#count), this.#count + 1);
    this.#starts[this.#count] = this.#length;
    return {
      bytes: this.#bytes.subarray(0, this.#length),
      starts: this.#starts,
      count: this.#count,
      pairCounts: this.#pairCounts.subarray(0, this.#count),
      pairBytes: this.#pairBytes.subarray(0, this.#count),
    };
  }

  /** The bytes from `from` on become a set, unless they are one already. */
  #intern(from: number, arrived: { readonly count: number; readonly bytes: number }): number {
    const size = this.#length - from;
    if (size === 0) return 0;
    let key: string | undefined;
    if (this.#known !== undefined && size <= internBytesMax) {
      const packed = this.#bytes.toString("latin1", from, this.#length);
      key = `${arrived.count} ${arrived.bytes} ${packed}`;
      const id = this.#known.get(key);
      this.#lookups++;
      if (id !== undefined) {
        this.#hits++;
        this.#length = from;
        return id;
      }
      if (this.#lookups >= internTrialCount && this.#hits * 8 < this.#lookups) {
        this.#known = undefined;
      }
    }
    const id = this.#count++;
    if (id >= this.#starts.length) {
      this.#starts = grown32(this.#starts, id * 2);
      this.#pairCounts = grown32(this.#pairCounts, id * 2);
      this.#pairBytes = grown32(this.#pairBytes, id * 2);
    }
    this.#starts[id] = from;
    this.#pairCounts[id] = arrived.count;
    this.#pairBytes[id] = arrived.bytes;
    if (key !== undefined) this.#known?.set(key, id);
    return id;
  }

  /** All names are plain: bytes are compared and copied where they are. */
  #packSpans(): void {
    const kept = this.#sortSpans();
    const spans = this.#spans;
    const source = this.#source;
    for (let i = 0; i < kept; i++) {
      const at = i * 4;
      const nameBytes = spans[at + 1]! - spans[at]!;
      const valueBytes = spans[at + 3]! - spans[at + 2]!;
      this.#reserve(nameBytes + valueBytes + 10);
      this.#varint(nameBytes);
      source.copy(this.#bytes, this.#length, spans[at]!, spans[at + 1]);
      this.#length += nameBytes;
      this.#varint(valueBytes);
      source.copy(this.#bytes, this.#length, spans[at + 2]!, spans[at + 3]);
      this.#length += valueBytes;
    }
  }

  /**
   * Insertion sort by name (sets are small), dropping empty values; the later of two equal names
   * stays.
   */
  #sortSpans(): number {
    if (this.#pairs > sortedByInsertionMax) return this.#sortManySpans();
    const spans = this.#spans;
    let kept = 0;
    for (let i = 0; i < this.#pairs; i++) {
      const a = spans[i * 4]!;
      const b = spans[i * 4 + 1]!;
      const c = spans[i * 4 + 2]!;
      const d = spans[i * 4 + 3]!;
      if (c === d) continue;
      let at = kept;
      let order = -1;
      while (at > 0) {
        order = compareSpans(this.#source, spans[at * 4 - 4]!, spans[at * 4 - 3]!, a, b);
        if (order <= 0) break;
        at--;
      }
      if (at > 0 && order === 0) {
        at--;
      } else {
        spans.copyWithin(at * 4 + 4, at * 4, kept * 4);
        kept++;
      }
      spans[at * 4] = a;
      spans[at * 4 + 1] = b;
      spans[at * 4 + 2] = c;
      spans[at * 4 + 3] = d;
    }
    return kept;
  }

  /** A hostile number of pairs must not cost its square. */
  #sortManySpans(): number {
    const spans = this.#spans;
    const source = this.#source;
    const order = Array.from({ length: this.#pairs }, (_, i) => i)
      .filter((i) => spans[i * 4 + 2] !== spans[i * 4 + 3])
      .sort(
        (x, y) =>
          compareSpans(
            source,
            spans[x * 4]!,
            spans[x * 4 + 1]!,
            spans[y * 4]!,
            spans[y * 4 + 1]!,
          ) || x - y,
      );
    const sorted = new Int32Array(spans.length);
    let kept = 0;
    for (const i of order) {
      const from = spans[i * 4]!;
      const to = spans[i * 4 + 1]!;
      const last = kept * 4 - 4;
      if (kept > 0 && compareSpans(source, sorted[last]!, sorted[last + 1]!, from, to) === 0)
        kept--;
      sorted.set(spans.subarray(i * 4, i * 4 + 4), kept * 4);
      kept++;
    }
    this.#spans = sorted;
    return kept;
  }

  #packTexts(): void {
    const pairs: LabelPair[] = [];
    for (let i = 0; i < this.#pairs; i++) {
      const at = i * 4;
      const name = this.#source.toString("utf8", this.#spans[at], this.#spans[at + 1]);
      const value = this.#source.toString("utf8", this.#spans[at + 2], this.#spans[at + 3]);
      pairs.push([labelNameOf(name), value]);
    }
    this.#append(packSet(lastOfEach(pairs)));
  }

  #append(packed: Buffer): void {
    this.#reserve(packed.length);
    packed.copy(this.#bytes, this.#length);
    this.#length += packed.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Above this many pairs a set is sorted by an algorithm that does not take the square of time. */
const sortedByInsertionMax = 64;

function compareSpans(
  bytes: Buffer,
  aFrom: number,
  aTo: number,
  bFrom: number,
  bTo: number,
): number {
  const length = Math.min(aTo - aFrom, bTo - bFrom);
  for (let i = 0; i < length; i++) {
    const difference = bytes[aFrom + i]! - bytes[bFrom + i]!;
    if (difference !== 0) return difference;
  }
  return aTo - aFrom - (bTo - bFrom);
}

function lastOfEach(pairs: readonly LabelPair[]): LabelPair[] {
  const byName = new Map<string, string>();
  for (const [name, value] of pairs) if (value !== "") byName.set(name, value);
  return [...byName].sort((a, b) => compareText(a[0], b[0]));
}

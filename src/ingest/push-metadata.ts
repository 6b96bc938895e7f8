import { hashBytes, sameBytes } from "#columns";
import { compareText, type LabelPair, packSet } from "#model";
import { type ArrivedSets, grown32 } from "./push-columns.ts";
import { isPlainName, labelNameOf } from "./push-metadata-name.ts";

/** Sets longer than this are hardly ever repeated, so looking them up would only cost. */
const internBytesMax = 512;
/** After so many look-ups, a table that found too little is given up. */
const internTrialCount = 1024;
/**
 * Places looked at for a set; a full neighbourhood means it counts as a new one. So sets made to
 * collide gain nothing.
 */
const probesMax = 8;
const tableSizeFirst = 256;
/** Up to here a loop is faster than a call of Buffer's. */
const copiedByLoopMax = 40;
const bytesFirst = 1024;
const guessedFromBytes = 64 * 1024;
const setsFirst = 16;
const spansFirst = 64;

/** The empty set alone. Nobody writes into sets that were built. */
const noSets: ArrivedSets = {
  bytes: Buffer.alloc(0),
  starts: new Uint32Array(2),
  count: 1,
  pairCounts: new Uint32Array(1),
  pairBytes: new Uint32Array(1),
};
const noSpans = new Int32Array(0);

/**
 * Collects the metadata sets of one request: names normalised, empty values dropped, of several
 * pairs of one name the last kept, sorted, packed (see EntryBatch). Equal sets get one id as far as
 * that is cheap to find out.
 *
 * For each row: `pair` for every name and value, then `finish` for the id.
 */
export class MetadataSets {
  readonly #source: Buffer;
  /** Requests without metadata are most, so that nothing is made before the first pair. */
  #bytes: Buffer = noSets.bytes;
  #length = 0;
  #starts: Uint32Array = noSets.starts;
  #pairCounts: Uint32Array = noSets.pairCounts;
  #pairBytes: Uint32Array = noSets.pairBytes;
  #count = 1;
  /** Four numbers a pair: name from, to, value from, to. */
  #spans = noSpans;
  #pairs = 0;
  #plain = true;
  #arrivedBytes = 0;
  /** Sets by hash of their bytes, open addressing, at most half full; 0 is a free place. */
  #table: Uint32Array | undefined;
  #tabled = 0;
  #isGivenUp = false;
  #lookups = 0;
  #hits = 0;

  /** `source` is where the spans given to `pair` lie. */
  constructor(source: Buffer) {
    this.#source = source;
  }

  pair(nameFrom: number, nameTo: number, valueFrom: number, valueTo: number): void {
    const at = this.#pairs * 4;
    if (at === this.#spans.length) {
      const larger = new Int32Array(Math.max(spansFirst, at * 2));
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
    const from = this.#length;
    if (this.#plain) this.#packSpans();
    else this.#packTexts();
    const id = this.#intern(from, this.#pairs, this.#arrivedBytes);
    this.#pairs = 0;
    this.#arrivedBytes = 0;
    this.#plain = true;
    return id;
  }

  /** Adds bytes of a set that the caller packs itself, until `finishPacked`. */
  append(bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from);
    let at = this.#length;
    if (to - from > copiedByLoopMax) bytes.copy(this.#bytes, at, from, to);
    else for (let i = from; i < to; i++) this.#bytes[at++] = bytes[i]!;
    this.#length += to - from;
  }

  /** Ends a set of which `append` wrote everything; how many pairs and bytes it had as it arrived. */
  finishPacked(pairCount: number, pairBytes: number): number {
    const from = this.#starts[this.#count] ?? 0;
    return this.#intern(from, pairCount, pairBytes);
  }

  build(): ArrivedSets {
    if (this.#count === 1) return noSets;
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
  #intern(from: number, pairCount: number, pairBytes: number): number {
    const size = this.#length - from;
    if (size === 0) return 0;
    const place = size <= internBytesMax ? this.#find(from, pairCount, pairBytes) : -1;
    if (place >= 0 && this.#table![place] !== 0) {
      this.#hits++;
      this.#length = from;
      return this.#table![place]!;
    }
    const id = this.#count++;
    if (this.#count >= this.#starts.length) {
      const capacity = Math.max(setsFirst, this.#count * 2);
      this.#starts = grown32(this.#starts, capacity);
      this.#pairCounts = grown32(this.#pairCounts, capacity);
      this.#pairBytes = grown32(this.#pairBytes, capacity);
    }
    this.#starts[id] = from;
    this.#starts[id + 1] = this.#length;
    this.#pairCounts[id] = pairCount;
    this.#pairBytes[id] = pairBytes;
    if (place >= 0) {
      this.#table![place] = id;
      this.#tabled++;
    }
    return id;
  }

  /**
   * The place of the set that ends the bytes: taken by an equal set, or free for it. -1 when there
   * is none, or the table is not worth its time.
   */
  #find(from: number, pairCount: number, pairBytes: number): number {
    if (this.#isGivenUp) return -1;
    if (++this.#lookups > internTrialCount && this.#hits * 8 < this.#lookups) {
      this.#isGivenUp = true;
      this.#table = undefined;
      return -1;
    }
    this.#table ??= new Uint32Array(tableSizeFirst);
    if (this.#tabled * 2 >= this.#table.length) this.#growTable();
    const table = this.#table;
    const size = this.#length - from;
    const mask = table.length - 1;
    let place = hashBytes(this.#bytes, from, this.#length, 0) & mask;
    for (let probe = 0; probe < probesMax; probe++) {
      const id = table[place]!;
      if (id === 0) return place;
      const start = this.#starts[id]!;
      if (
        this.#starts[id + 1]! - start === size &&
        this.#pairCounts[id] === pairCount &&
        this.#pairBytes[id] === pairBytes &&
        sameBytes(this.#bytes, start, this.#bytes, from, size)
      ) {
        return place;
      }
      place = (place + 1) & mask;
    }
    return -1;
  }

  #growTable(): void {
    const old = this.#table!;
    const table = new Uint32Array(old.length * 2);
    const mask = table.length - 1;
    this.#tabled = 0;
    for (const id of old) {
      if (id === 0) continue;
      let place = hashBytes(this.#bytes, this.#starts[id]!, this.#starts[id + 1]!, 0) & mask;
      let probe = 0;
      while (probe < probesMax && table[place] !== 0) {
        place = (place + 1) & mask;
        probe++;
      }
      if (probe === probesMax) continue;
      table[place] = id;
      this.#tabled++;
    }
    this.#table = table;
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
      this.append(source, spans[at]!, spans[at + 1]!);
      this.#varint(valueBytes);
      this.append(source, spans[at + 2]!, spans[at + 3]!);
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
    const packed = packSet(lastOfEach(pairs));
    this.append(packed, 0, packed.length);
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
    // Much metadata is about as long as the request it comes in.
    const guess = this.#length < guessedFromBytes ? bytesFirst : this.#source.length;
    const larger = Buffer.allocUnsafe(Math.max(needed, guess, this.#bytes.length * 2));
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

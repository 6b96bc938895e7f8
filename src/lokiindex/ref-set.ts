import { corrupt } from "./byte-cursor.ts";
import type { PostingsTable } from "./postings-table.ts";

/** The file that lists are read from. */
export interface ListFile {
  readonly key: string;
  readonly bytes: Buffer;
  readonly postings: PostingsTable;
  /** References that records can have: [from, to). */
  readonly refs: { readonly from: number; readonly to: number };
}

/** The references of one entry, ascending; damage when they are not, or point elsewhere. */
export function readList(file: ListFile, entry: number): Uint32Array<ArrayBuffer> {
  const { at, count } = file.postings.listOf(entry);
  const list = new Uint32Array(count);
  const copy = Buffer.from(list.buffer);
  file.bytes.copy(copy, 0, at, at + count * 4);
  copy.swap32();
  let previous = file.refs.from - 1;
  for (let i = 0; i < count; i++) {
    const ref = list[i]!;
    if (ref <= previous) throw badReference(file, at + i * 4, ref);
    previous = ref;
  }
  if (previous >= file.refs.to) throw badReference(file, at, previous);
  return list;
}

function badReference(file: ListFile, at: number, ref: number): Error {
  const { from, to } = file.refs;
  return corrupt(file.key, {
    at,
    expected: `ascending references in ${from} … ${to}`,
    actual: ref,
  });
}

/**
 * A set of references as bits: the union of very many lists costs a bit for each 16 bytes of the
 * file, however many lists there are.
 */
export class RefSet {
  readonly #file: ListFile;
  readonly #words: Uint32Array;
  /** References that may still be added. */
  #room: number;

  /**
   * The lists of one label name are disjoint, so a union over `namesMax` names reads each series
   * that often at most. A file whose lists overlap would keep us busy for ever.
   */
  constructor(file: ListFile, options: { namesMax: number }) {
    this.#file = file;
    this.#room = (file.refs.to - file.refs.from) * options.namesMax;
    this.#words = new Uint32Array(((file.refs.to - file.refs.from) >>> 5) + 1);
  }

  addEntry(entry: number): void {
    const { bytes, refs } = this.#file;
    const { at, count } = this.#file.postings.listOf(entry);
    this.#room -= count;
    if (this.#room < 0) {
      const expected = "lists of one label without a series in common";
      throw corrupt(this.#file.key, { at, expected, actual: `${-this.#room} references more` });
    }
    const words = this.#words;
    const end = at + count * 4;
    for (let i = at; i < end; i += 4) {
      const ref =
        ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0;
      if (ref < refs.from || ref >= refs.to) throw badReference(this.#file, i, ref);
      const bit = ref - refs.from;
      words[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  has(ref: number): boolean {
    const bit = ref - this.#file.refs.from;
    return ((this.#words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }

  /** Ascending. */
  toList(): Uint32Array<ArrayBuffer> {
    let count = 0;
    for (const word of this.#words) count += bitCount(word);
    const list = new Uint32Array(count);
    let out = 0;
    for (let w = 0; w < this.#words.length; w++) {
      let word = this.#words[w]!;
      while (word !== 0) {
        const low = word & -word;
        list[out++] = this.#file.refs.from + w * 32 + (31 - Math.clz32(low));
        word ^= low;
      }
    }
    return list;
  }
}

function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** What both have, in order; both ascending. The shorter is walked, the longer searched. */
export function intersectLists(a: Uint32Array, b: Uint32Array): Uint32Array {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const out = new Uint32Array(short.length);
  let count = 0;
  let at = 0;
  for (const ref of short) {
    at = gallop(long, at, ref);
    if (at === long.length) break;
    if (long[at] === ref) out[count++] = ref;
  }
  return out.subarray(0, count);
}

/** `list` without what the set has. */
export function subtractSet(list: Uint32Array, set: RefSet): Uint32Array {
  const out = new Uint32Array(list.length);
  let count = 0;
  for (const ref of list) if (!set.has(ref)) out[count++] = ref;
  return out.subarray(0, count);
}

/** First position at or after `from` whose value is not below `ref`. */
function gallop(list: Uint32Array, from: number, ref: number): number {
  let step = 1;
  let low = from;
  while (low + step < list.length && list[low + step]! < ref) {
    low += step;
    step *= 2;
  }
  let high = Math.min(list.length, low + step + 1);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < ref) low = middle + 1;
    else high = middle;
  }
  return low;
}

import type { MetadataSets } from "./push-metadata.ts";
import type { OtlpName } from "./push-otlp-names.ts";

/** Up to here a loop is faster than a call of Buffer's. */
const copiedByLoopMax = 40;
const pairsFirstBytes = 1024;
/** Records of more metadata are rare; their memory is given back. */
const pairsKeptBytesMax = 64 * 1024;
const hexDigits: Buffer = Buffer.from("0123456789abcdef");

/**
 * Pairs of structured metadata in the order they arrived, each packed as sets have it:
 * varint(name bytes) name varint(value bytes) value. Pairs without a value do not belong here. Can
 * be cleared and filled again; then no views of its bytes may be left.
 */
export class OtlpPairs {
  bytes: Buffer;
  names: OtlpName[] = [];
  /** Where pair i begins; `length` is where the last one ends. */
  starts: Uint32Array = new Uint32Array(16);
  length = 0;
  count = 0;
  /** Names and values alone. */
  pairBytes = 0;

  static #spare: OtlpPairs | undefined;

  constructor(capacityBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  /** Without pairs, the caller's until `giveBack`: requests use the same one after the other. */
  static take(): OtlpPairs {
    const pairs = OtlpPairs.#spare ?? new OtlpPairs(pairsFirstBytes);
    OtlpPairs.#spare = undefined;
    pairs.clear();
    return pairs;
  }

  giveBack(): void {
    if (this.bytes.length + this.starts.length * 4 <= pairsKeptBytesMax) OtlpPairs.#spare = this;
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
    this.pairBytes = 0;
  }

  endOf(pair: number): number {
    return pair + 1 < this.count ? this.starts[pair + 1]! : this.length;
  }

  /** The value is source[from, to). */
  addSpan(name: OtlpName, source: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length === 0) return;
    this.#begin(name, length);
    const { bytes } = this;
    let at = this.length;
    if (length > copiedByLoopMax) source.copy(bytes, at, from, to);
    else for (let i = from; i < to; i++) bytes[at++] = source[i]!;
    this.length += length;
  }

  addText(name: OtlpName, text: string): void {
    if (text === "") return;
    const length = Buffer.byteLength(text);
    this.#begin(name, length);
    this.bytes.write(text, this.length);
    this.length += length;
  }

  /** source[from, to) in hexadecimal. */
  addHex(name: OtlpName, source: Buffer, from: number, to: number): void {
    this.#begin(name, (to - from) * 2);
    const { bytes } = this;
    let at = this.length;
    for (let i = from; i < to; i++) {
      const byte = source[i]!;
      bytes[at++] = hexDigits[byte >> 4]!;
      bytes[at++] = hexDigits[byte & 15]!;
    }
    this.length = at;
  }

  /** A whole number; above 2^53 as far as a number tells. */
  addNumber(name: OtlpName, value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.addText(name, String(value));
      return;
    }
    const digits = digitsOf(value);
    this.#begin(name, digits);
    writeDigits(this.bytes, this.length, digits, value);
    this.length += digits;
  }

  /** seconds * 1e9 + nanos as one number; `seconds` is not negative. */
  addNanoseconds(name: OtlpName, seconds: number, nanos: number): void {
    if (seconds === 0) {
      this.addNumber(name, nanos);
      return;
    }
    const digits = digitsOf(seconds);
    this.#begin(name, digits + 9);
    writeDigits(this.bytes, this.length, digits, seconds);
    writeDigits(this.bytes, this.length + digits, 9, nanos);
    this.length += digits + 9;
  }

  /** Pair `index` of `other`, as it is. */
  addPair(other: OtlpPairs, index: number): void {
    const from = other.starts[index]!;
    const to = other.endOf(index);
    const name = other.names[index]!;
    this.#reserve(to - from);
    this.#note(name);
    other.bytes.copy(this.bytes, this.length, from, to);
    this.length += to - from;
  }

  /** Room for the whole pair, its name and the length of its value. */
  #begin(name: OtlpName, valueBytes: number): void {
    const { packed } = name;
    this.#reserve(packed.length + 10 + valueBytes);
    this.#note(name);
    this.pairBytes += name.byteLength + valueBytes;
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < packed.length; i++) bytes[at++] = packed[i]!;
    let rest = valueBytes;
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  #note(name: OtlpName): void {
    if (this.count === this.starts.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.starts);
      this.starts = larger;
    }
    this.names[this.count] = name;
    this.starts[this.count] = this.length;
    this.count++;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}

function writeDigits(bytes: Buffer, from: number, digits: number, value: number): void {
  let rest = value;
  for (let at = from + digits - 1; at >= from; at--) {
    const tens = Math.floor(rest / 10);
    bytes[at] = 0x30 + (rest - tens * 10);
    rest = tens;
  }
}

/**
 * `pairs` as a set has them: sorted, of one name the last. What arrived stays counted in `count` and
 * `pairBytes` of the original.
 */
function arranged(pairs: OtlpPairs): OtlpPairs {
  const result = new OtlpPairs(pairs.length);
  for (const index of orderOf(pairs.names.slice(0, pairs.count))) result.addPair(pairs, index);
  return result;
}

/** Indices of `list` in the order of names; of one name only the last. */
function orderOf(list: readonly OtlpName[]): number[] {
  const order = list.map((_, index) => index);
  order.sort((a, b) => compareNames(list[a]!, list[b]!) || a - b);
  return order.filter((index, place) => {
    const next = order[place + 1];
    return next === undefined || list[next]!.text !== list[index]!.text;
  });
}

/** Normalised names are ASCII, so that order of text is order of bytes. */
function compareNames(a: OtlpName, b: OtlpName): number {
  if (a === b || a.text === b.text) return 0;
  return a.text < b.text ? -1 : 1;
}

/** How the pairs of records of one shape make a set. */
interface Shape {
  /** Names of the record's own pairs. */
  readonly names: readonly OtlpName[];
  /**
   * Two numbers a step: an own pair is its index and -1, a run of inherited pairs is where its bytes
   * begin and end.
   */
  readonly steps: Int32Array;
}

/** Records of one scope have few shapes, say with and without a trace. */
const shapesMax = 4;
/** Shapes of more pairs are not remembered: no exporter sends as many, and they would last. */
const shapePairsMax = 256;

/** What the records of one scope have in common. May serve several requests. */
export class Inherited {
  /** Arranged. */
  readonly pairs: OtlpPairs;
  /** As they arrived. */
  readonly pairCount: number;
  readonly pairBytes: number;
  readonly #shapes: Shape[] = [];
  #nextShape = 0;

  constructor(arrived: OtlpPairs) {
    this.pairs = arranged(arrived);
    this.pairCount = arrived.count;
    this.pairBytes = arrived.pairBytes;
  }

  shapeOf(own: OtlpPairs): Shape {
    for (const shape of this.#shapes) if (isShapeOf(shape, own)) return shape;
    const shape = newShape(own, this.pairs);
    if (own.count > shapePairsMax) return shape;
    this.#shapes[this.#nextShape] = shape;
    this.#nextShape = (this.#nextShape + 1) % shapesMax;
    return shape;
  }
}

/**
 * Makes sets of a record's own pairs and the inherited ones, which win over pairs of the same name.
 * Records mostly have the same names in the same order as one shortly before: then the order found
 * for that one serves again.
 */
export class OtlpSets {
  readonly #sets: MetadataSets;
  /** The set of inherited pairs alone, of the scope that asked for it last. */
  #inherited: Inherited | undefined;
  #inheritedSet = 0;

  constructor(sets: MetadataSets) {
    this.#sets = sets;
  }

  setOf(own: OtlpPairs, inherited: Inherited): number {
    const sets = this.#sets;
    const { pairs } = inherited;
    if (own.count === 0) {
      if (inherited === this.#inherited) return this.#inheritedSet;
      sets.append(pairs.bytes, 0, pairs.length);
      this.#inherited = inherited;
      this.#inheritedSet = sets.finishPacked(inherited.pairCount, inherited.pairBytes);
      return this.#inheritedSet;
    }
    const { steps } = inherited.shapeOf(own);
    for (let i = 0; i < steps.length; i += 2) {
      const from = steps[i]!;
      const to = steps[i + 1]!;
      if (to < 0) sets.append(own.bytes, own.starts[from]!, own.endOf(from));
      else sets.append(pairs.bytes, from, to);
    }
    return sets.finishPacked(own.count + inherited.pairCount, own.pairBytes + inherited.pairBytes);
  }
}

function isShapeOf({ names }: Shape, own: OtlpPairs): boolean {
  if (own.count !== names.length) return false;
  for (let i = 0; i < names.length; i++) if (own.names[i] !== names[i]) return false;
  return true;
}

function newShape(own: OtlpPairs, pairs: OtlpPairs): Shape {
  const names = own.names.slice(0, own.count);
  const steps: number[] = [];
  for (const index of orderOf([...names, ...pairs.names.slice(0, pairs.count)])) {
    if (index < own.count) {
      steps.push(index, -1);
      continue;
    }
    const from = pairs.starts[index - own.count]!;
    const to = pairs.endOf(index - own.count);
    if (steps.length > 0 && steps.at(-1) === from) steps[steps.length - 1] = to;
    else steps.push(from, to);
  }
  return { names, steps: Int32Array.from(steps) };
}

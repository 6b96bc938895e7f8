/**
 * Fields that are numbers (`200`, `12.345ms`, `512KB`) as whole numbers, from which each text comes
 * back byte for byte (docs/formats/segment.md, kinds 8 and 9). Form 1: all have as many decimals and
 * the same unit; form 2: few combinations of these occur (`1.5ms`, `1.25ms`, `2s`).
 */
import { ByteStrings, packUints, unpackNumbersInto, unpackUint32s } from "#columns";
import type { MetadataColumn } from "#storage";
import type { ByteReader } from "./byte-reader.ts";
import { blockRowsMax } from "./limits.ts";
import type { MetadataColumnBuilder } from "./metadata-columns.ts";

/** What is behind the digits. */
const unitBytesMax = 16;
/** Packed numbers span 2^48 at most. */
const digitCountMax = 14;
/** Durations as Go prints them have some thirty; values with more are no numbers but look like some. */
const shapesMax = 64;

interface NumberShape {
  /** Digits behind the dot; 0: no dot. */
  readonly decimals: number;
  readonly unit: Buffer;
}

/** A value taken apart; one object for all. */
class NumberParts {
  /** Without its dot. */
  number = 0;
  decimals = 0;
  unitFrom = 0;

  /** False when the text would not come back from its parts. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    let number = 0;
    while (at < to && isDigit(bytes[at]!)) number = number * 10 + bytes[at++]! - zero;
    const wholeCount = at - from;
    if (wholeCount === 0 || (wholeCount > 1 && bytes[from] === zero)) return false;
    let decimals = 0;
    if (at < to && bytes[at] === dot) {
      at++;
      while (at < to && isDigit(bytes[at]!)) {
        number = number * 10 + bytes[at++]! - zero;
        decimals++;
      }
      if (decimals === 0) return false;
    }
    this.number = number;
    this.decimals = decimals;
    this.unitFrom = at;
    return wholeCount + decimals <= digitCountMax && to - at <= unitBytesMax;
  }
}

/** Combinations of decimals and unit, in order of first use. */
class Shapes {
  readonly list: NumberShape[] = [];
  readonly #numberOf = new Map<string, number>();
  #last = 0;

  /** Undefined when there are too many. */
  of({ decimals, unitFrom }: NumberParts, bytes: Buffer, to: number): number | undefined {
    const last = this.list[this.#last];
    if (last !== undefined && isShape(last, decimals, bytes, unitFrom, to)) return this.#last;
    const key = `${decimals}${bytes.toString("latin1", unitFrom, to)}`;
    let number = this.#numberOf.get(key);
    if (number === undefined) {
      number = this.list.length;
      if (number === shapesMax) return undefined;
      this.#numberOf.set(key, number);
      this.list.push({ decimals, unit: Buffer.from(bytes.subarray(unitFrom, to)) });
    }
    this.#last = number;
    return number;
  }
}

function isShape(
  { decimals, unit }: NumberShape,
  wanted: number,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  if (decimals !== wanted || unit.length !== to - from) return false;
  for (let i = 0; i < unit.length; i++) if (bytes[from + i] !== unit[i]) return false;
  return true;
}

/** The raw column behind its form byte; undefined when some value is no such number. */
export function encodeNumbers(
  column: MetadataColumnBuilder,
  rowCount: number,
): { readonly form: "numbers" | "shapedNumbers"; readonly raw: Buffer } | undefined {
  const { valueCount } = column;
  if (valueCount === 0) return undefined;
  const shapes = new Shapes();
  const numbers = new Float64Array(valueCount);
  const shapeOf = new Uint32Array(valueCount);
  if (!readNumbers(column, { shapes, numbers, shapeOf })) return undefined;
  const codes = new Float64Array(rowCount);
  const rowShapes = new Uint32Array(rowCount);
  codeRows(column, { numbers, shapeOf }, { codes, rowShapes });
  const described = shapes.list.flatMap(({ decimals, unit }) => [
    Buffer.of(decimals, unit.length),
    unit,
  ]);
  if (shapes.list.length === 1) {
    return { form: "numbers", raw: Buffer.concat([...described, packUints(codes)]) };
  }
  const all = [Buffer.of(shapes.list.length), ...described, packUints(rowShapes), packUints(codes)];
  return { form: "shapedNumbers", raw: Buffer.concat(all) };
}

/** By value; false when some value is no such number. */
function readNumbers(
  column: MetadataColumnBuilder,
  out: { readonly shapes: Shapes; readonly numbers: Float64Array; readonly shapeOf: Uint32Array },
): boolean {
  const { shapes, numbers, shapeOf } = out;
  const bytes = column.valueBytes;
  const parts = new NumberParts();
  for (let i = 0; i < numbers.length; i++) {
    const to = column.ends[i]!;
    if (!parts.read(bytes, column.valueFrom(i), to)) return false;
    const shape = shapes.of(parts, bytes, to);
    if (shape === undefined) return false;
    numbers[i] = parts.number;
    shapeOf[i] = shape;
  }
  return true;
}

function codeRows(
  column: MetadataColumnBuilder,
  values: { readonly numbers: Float64Array; readonly shapeOf: Uint32Array },
  rows: { readonly codes: Float64Array; readonly rowShapes: Uint32Array },
): void {
  const { numbers, shapeOf } = values;
  const { codes, rowShapes } = rows;
  for (let row = 0; row < codes.length; row++) {
    const id = column.idAt(row);
    if (id === 0) continue;
    codes[row] = numbers[id - 1]! + 1;
    rowShapes[row] = shapeOf[id - 1]!;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

const dot = 0x2e;
const zero = 0x30;

/** The inverse of form 1, of all rows: every row has a value of its own. */
export function decodeNumbers(reader: ByteReader, rowCount: number): Omit<MetadataColumn, "name"> {
  const shapes = [readShape(reader)];
  return readCodes(reader, { rowCount, shapes, shapeOf: undefined });
}

/** The inverse of form 2. */
export function decodeShapedNumbers(
  reader: ByteReader,
  rowCount: number,
): Omit<MetadataColumn, "name"> {
  const shapeCount = reader.byte();
  if (shapeCount === 0 || shapeCount > shapesMax) throw reader.corrupt(`${shapeCount} shapes`);
  const shapes = Array.from({ length: shapeCount }, () => readShape(reader));
  const packed = reader.packed({ countMax: blockRowsMax, count: rowCount, widthMax: 1 });
  const shapeOf = unpackUint32s(packed, 0, rowCount);
  for (let row = 0; row < rowCount; row++) {
    if (shapeOf[row]! >= shapeCount) throw reader.corrupt(`shape ${shapeOf[row]} of ${shapeCount}`);
  }
  return readCodes(reader, { rowCount, shapes, shapeOf });
}

function readShape(reader: ByteReader): NumberShape {
  const decimals = reader.byte();
  const unitBytes = reader.byte();
  if (decimals > digitCountMax || unitBytes > unitBytesMax) {
    throw reader.corrupt(`${decimals} decimals and a unit of ${unitBytes} bytes`);
  }
  return { decimals, unit: reader.take(unitBytes) };
}

/** Up to the end of the column. */
function readCodes(
  reader: ByteReader,
  how: {
    readonly rowCount: number;
    readonly shapes: readonly NumberShape[];
    /** By row; undefined: all rows are of the first. */
    readonly shapeOf: Uint32Array | undefined;
  },
): Omit<MetadataColumn, "name"> {
  const { rowCount, shapes, shapeOf } = how;
  const packed = reader.packed({ countMax: blockRowsMax, count: rowCount });
  reader.end();
  const codes = new Float64Array(rowCount);
  unpackNumbersInto(codes, 0, packed, 0, rowCount);
  const largest = largestOf(codes);
  if (largest > 10 ** digitCountMax) throw reader.corrupt(`a number of ${largest}`);
  const ids = new Uint32Array(rowCount);
  const count = numberRows(codes, ids);
  const unitMax = Math.max(...shapes.map(({ unit }) => unit.length));
  const bytes = Buffer.allocUnsafe(count * (digitCountMax + 2 + unitMax));
  const starts = new Uint32Array(count + 1);
  const end = writeNumbers({ codes, ids, shapes, shapeOf, bytes, starts });
  return { ids, values: new ByteStrings(Buffer.from(bytes.subarray(0, end)), starts, 0) };
}

// Loops over rows are functions of their own, so that they are compiled as a whole, once.

function largestOf(codes: Float64Array): number {
  let largest = 0;
  for (let row = 0; row < codes.length; row++) if (codes[row]! > largest) largest = codes[row]!;
  return largest;
}

/** Each row with a code is a value of its own; returns how many there are. */
function numberRows(codes: Float64Array, ids: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < codes.length; row++) if (codes[row] !== 0) ids[row] = ++count;
  return count;
}

/** Returns the end of what was written. */
function writeNumbers(values: {
  readonly codes: Float64Array;
  readonly ids: Uint32Array;
  readonly shapes: readonly NumberShape[];
  readonly shapeOf: Uint32Array | undefined;
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
}): number {
  const { codes, ids, shapes, shapeOf, bytes, starts } = values;
  let at = 0;
  for (let row = 0; row < codes.length; row++) {
    if (ids[row] === 0) continue;
    const { decimals, unit } = shapes[shapeOf === undefined ? 0 : shapeOf[row]!]!;
    at = writeNumber(bytes, at, codes[row]! - 1, decimals);
    for (let i = 0; i < unit.length; i++) bytes[at++] = unit[i]!;
    starts[ids[row]!] = at;
  }
  return at;
}

/** Writes digits, at least one before the dot; returns the position behind them. */
function writeNumber(bytes: Buffer, from: number, number: number, decimals: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  if (digits <= decimals) digits = decimals + 1;
  const to = from + digits + (decimals > 0 ? 1 : 0);
  const dotAt = decimals > 0 ? to - decimals - 1 : -1;
  let rest = number;
  for (let at = to - 1; at >= from; at--) {
    if (at === dotAt) {
      bytes[at] = dot;
      continue;
    }
    const next = Math.floor(rest / 10);
    bytes[at] = zero + rest - next * 10;
    rest = next;
  }
  return to;
}

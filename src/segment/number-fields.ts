/**
 * Fields that are numbers with a common unit (`200`, `12.345ms`, `512KB`) as whole numbers, from
 * which each text comes back byte for byte (docs/formats/segment.md, kinds 8 and 9, form 1).
 */
import { ByteStrings, packUints, unpackNumbersInto } from "#columns";
import type { MetadataColumn } from "#storage";
import type { ByteReader } from "./byte-reader.ts";
import { blockRowsMax } from "./limits.ts";
import type { MetadataColumnBuilder } from "./metadata-columns.ts";

/** What is behind the digits. */
const unitBytesMax = 16;
/** Packed numbers span 2^48 at most. */
const digitCountMax = 14;

interface NumberForm {
  /** Digits behind the dot; 0: no dot. */
  readonly decimals: number;
  readonly unit: Buffer;
}

/** The raw column behind its form byte; undefined when some value is no such number. */
export function encodeNumbers(column: MetadataColumnBuilder, rowCount: number): Buffer | undefined {
  const form = formOf(column);
  if (form === undefined) return undefined;
  const numbers = new Float64Array(column.valueCount);
  for (let i = 0; i < numbers.length; i++) {
    const number = readNumber(column, i, form);
    if (number < 0) return undefined;
    numbers[i] = number;
  }
  const codes = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const id = column.idAt(row);
    if (id !== 0) codes[row] = numbers[id - 1]! + 1;
  }
  const { decimals, unit } = form;
  return Buffer.concat([Buffer.of(decimals, unit.length), unit, packUints(codes)]);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

const dot = 0x2e;
const zero = 0x30;

/** By the first value. */
function formOf(column: MetadataColumnBuilder): NumberForm | undefined {
  if (column.valueCount === 0) return undefined;
  const bytes = column.valueBytes;
  const to = column.ends[0]!;
  let at = 0;
  while (at < to && isDigit(bytes[at]!)) at++;
  if (at === 0) return undefined;
  let decimals = 0;
  if (at < to && bytes[at] === dot) {
    at++;
    while (at + decimals < to && isDigit(bytes[at + decimals]!)) decimals++;
    if (decimals === 0) return undefined;
    at += decimals;
  }
  if (to - at > unitBytesMax || decimals > digitCountMax) return undefined;
  return { decimals, unit: Buffer.from(bytes.subarray(at, to)) };
}

/** The value without its dot, or -1 when its text would not come back from that. */
function readNumber(column: MetadataColumnBuilder, index: number, form: NumberForm): number {
  const { decimals, unit } = form;
  const bytes = column.valueBytes;
  const from = column.valueFrom(index);
  const to = column.ends[index]! - unit.length;
  const wholeTo = decimals === 0 ? to : to - decimals - 1;
  const wholeCount = wholeTo - from;
  if (wholeCount < 1 || wholeCount + decimals > digitCountMax) return -1;
  if (wholeCount > 1 && bytes[from] === zero) return -1;
  for (let i = 0; i < unit.length; i++) if (bytes[to + i] !== unit[i]) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    if (at === wholeTo) {
      if (bytes[at] !== dot) return -1;
      continue;
    }
    if (!isDigit(bytes[at]!)) return -1;
    number = number * 10 + bytes[at]! - zero;
  }
  return number;
}

/** The inverse, of all rows: every row has a value of its own. */
export function decodeNumbers(reader: ByteReader, rowCount: number): Omit<MetadataColumn, "name"> {
  const decimals = reader.byte();
  const unitBytes = reader.byte();
  if (decimals > digitCountMax || unitBytes > unitBytesMax) {
    throw reader.corrupt(`${decimals} decimals and a unit of ${unitBytes} bytes`);
  }
  const unit = reader.take(unitBytes);
  const packed = reader.packed({ countMax: blockRowsMax, count: rowCount });
  reader.end();
  const codes = new Float64Array(rowCount);
  unpackNumbersInto(codes, 0, packed, 0, rowCount);
  const ids = new Uint32Array(rowCount);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    if (codes[row]! > 10 ** digitCountMax) throw reader.corrupt(`a number of ${codes[row]}`);
    if (codes[row] !== 0) ids[row] = ++count;
  }
  const widthMax = digitCountMax + 2 + unitBytes;
  const bytes = Buffer.allocUnsafe(count * widthMax);
  const starts = new Uint32Array(count + 1);
  let at = 0;
  for (let row = 0; row < rowCount; row++) {
    if (ids[row] === 0) continue;
    at = writeNumber(bytes, at, codes[row]! - 1, decimals);
    for (let i = 0; i < unitBytes; i++) bytes[at++] = unit[i]!;
    starts[ids[row]!] = at;
  }
  return { ids, values: new ByteStrings(Buffer.from(bytes.subarray(0, at)), starts, 0) };
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

/**
 * A vector of whole numbers in [0, 2^53) in few bytes: the smallest value, then for each value the
 * difference to it in `width` bytes, byte k of all values together (planes). Planes of high bytes
 * are mostly equal bytes, which zstd then removes; all widths decode with the same plain loop,
 * without alignment or byte order of the machine.
 *
 *     varint count | varint min | u8 width (0–6) | plane 0: count bytes | … | plane width-1
 */
export interface PackedUints {
  readonly bytes: Uint8Array;
  /** Where plane 0 starts in `bytes`. */
  readonly planesAt: number;
  readonly count: number;
  readonly min: number;
  readonly width: number;
}

/** Differences of up to 6 bytes: nanoseconds of a day need 47 bits, offsets in an object less. */
export const packedUintsWidthMax = 6;

const low32 = 2 ** 32;

/** Values between two calls: a function that is called often is compiled as a whole. */
const valuesPerCall = 2_048;

/** Longest header: two varints of up to 8 bytes and the width. */
const headerBytesMax = 17;

/**
 * The first `count` of `values`, packed. Values are whole, not negative; their span is below 2^48.
 */
export function packUints(
  values: Float64Array | Uint32Array,
  count: number = values.length,
): Buffer {
  const { min, max } = extremesOf(values, count);
  const width = widthOf(max - min);
  if (!(min >= 0) || width > packedUintsWidthMax) {
    throw new RangeError(`cannot pack numbers from ${min} to ${max}`);
  }
  const out = Buffer.allocUnsafe(headerBytesMax + width * count);
  let at = writeVarint(out, 0, count);
  at = writeVarint(out, at, min);
  out[at++] = width;
  for (let plane = 0; plane < width; plane++) {
    for (let from = 0; from < count; from += valuesPerCall) {
      const to = Math.min(from + valuesPerCall, count);
      writePlane({ values, from, to, min, plane, out, at: at + from });
    }
    at += count;
  }
  return out.subarray(0, at);
}

interface Extremes {
  min: number;
  max: number;
}

function extremesOf(values: Float64Array | Uint32Array, count: number): Extremes {
  const first = count === 0 ? 0 : values[0]!;
  const extremes = { min: first, max: first };
  for (let from = 1; from < count; from += valuesPerCall) {
    widen(extremes, values, from, Math.min(from + valuesPerCall, count));
  }
  return extremes;
}

function widen(
  extremes: Extremes,
  values: Float64Array | Uint32Array,
  from: number,
  to: number,
): void {
  let { min, max } = extremes;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  extremes.min = min;
  extremes.max = max;
}

/** Values [from, to), into `out` from `at` on. */
function writePlane(job: {
  values: Float64Array | Uint32Array;
  from: number;
  to: number;
  min: number;
  plane: number;
  out: Buffer;
  at: number;
}): void {
  const { values, from, to, min, plane, out } = job;
  const shiftAt = job.at - from;
  if (plane < 4) {
    const shift = plane * 8;
    for (let i = from; i < to; i++) out[shiftAt + i] = (values[i]! - min) >>> shift;
    return;
  }
  const shift = (plane - 4) * 8;
  for (let i = from; i < to; i++) {
    out[shiftAt + i] = Math.floor((values[i]! - min) / low32) >>> shift;
  }
}

function widthOf(span: number): number {
  let width = 0;
  for (let rest = span; rest > 0; rest = Math.floor(rest / 256)) width++;
  return width;
}

/** Writes at most 8 bytes; returns the position after them. `value` is whole and in [0, 2^53). */
export function writeVarint(out: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}

/** Values [from, to) as doubles. The caller has checked that the planes are inside `bytes`. */
export function unpackNumbers(packed: PackedUints, from: number, to: number): Float64Array {
  const out = new Float64Array(to - from);
  unpackNumbersInto(out, 0, packed, from, to);
  return out;
}

/** As `unpackNumbers`, into out[outFrom, outFrom + to - from). */
export function unpackNumbersInto(
  out: Float64Array,
  outFrom: number,
  packed: PackedUints,
  from: number,
  to: number,
): void {
  const { bytes, count, min, width } = packed;
  const n = to - from;
  const p0 = packed.planesAt + from;
  const p1 = p0 + count;
  const p2 = p1 + count;
  const p3 = p2 + count;
  if (width === 0) {
    out.fill(min, outFrom, outFrom + n);
  } else if (width === 1) {
    for (let i = 0; i < n; i++) out[outFrom + i] = bytes[p0 + i]! + min;
  } else if (width === 2) {
    for (let i = 0; i < n; i++) out[outFrom + i] = (bytes[p0 + i]! | (bytes[p1 + i]! << 8)) + min;
  } else if (width === 3) {
    for (let i = 0; i < n; i++) {
      const low = bytes[p0 + i]! | (bytes[p1 + i]! << 8) | (bytes[p2 + i]! << 16);
      out[outFrom + i] = low + min;
    }
  } else {
    // Planes that are not there are read from plane 0 and multiplied away.
    const p4 = width > 4 ? p3 + count : p0;
    const p5 = width > 5 ? p4 + count : p0;
    const [factor4, factor5] = [width > 4 ? low32 : 0, width > 5 ? low32 * 256 : 0];
    for (let i = 0; i < n; i++) {
      const low = bytes[p0 + i]! | (bytes[p1 + i]! << 8) | (bytes[p2 + i]! << 16);
      const high = bytes[p3 + i]! * 2 ** 24 + bytes[p4 + i]! * factor4 + bytes[p5 + i]! * factor5;
      out[outFrom + i] = high + low + min;
    }
  }
}

/** Values [from, to), which must be below 2^32 (width of at most 4). */
export function unpackUint32s(packed: PackedUints, from: number, to: number): Uint32Array {
  const { bytes, count, min, width } = packed;
  const out = new Uint32Array(to - from);
  const n = out.length;
  const p0 = packed.planesAt + from;
  const p1 = p0 + count;
  const p2 = p1 + count;
  const p3 = p2 + count;
  if (width === 0) {
    if (min !== 0) out.fill(min);
  } else if (width === 1) {
    for (let i = 0; i < n; i++) out[i] = bytes[p0 + i]! + min;
  } else if (width === 2) {
    for (let i = 0; i < n; i++) out[i] = (bytes[p0 + i]! | (bytes[p1 + i]! << 8)) + min;
  } else if (width === 3) {
    for (let i = 0; i < n; i++) {
      out[i] = (bytes[p0 + i]! | (bytes[p1 + i]! << 8) | (bytes[p2 + i]! << 16)) + min;
    }
  } else {
    for (let i = 0; i < n; i++) {
      const low = bytes[p0 + i]! | (bytes[p1 + i]! << 8) | (bytes[p2 + i]! << 16);
      out[i] = (low | (bytes[p3 + i]! << 24)) + min;
    }
  }
  return out;
}

/**
 * Turns differences values[from, to) into times: start + running sum × unit. Returns the last one.
 */
export function sumDifferences(
  values: Float64Array,
  from: number,
  to: number,
  scale: { start: number; unit: number },
): number {
  const { start, unit } = scale;
  let time = start;
  for (let i = from; i < to; i++) {
    time += values[i]! * unit;
    values[i] = time;
  }
  return time;
}

/** starts[i] is the sum of the first i counts; one longer than `counts`. */
export function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i]!;
    starts[i + 1] = sum;
  }
  return starts;
}

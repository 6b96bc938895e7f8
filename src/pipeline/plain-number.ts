/**
 * Numbers and durations in their everyday spelling, read from bytes without making text. NaN means
 * "not one of these": the full rules of #gofmt decide then.
 */
const digitCountMax = 15;
const powersOfTen = Float64Array.from({ length: digitCountMax + 1 }, (_, i) => 10 ** i);

/**
 * Digits with or without a fraction, 15 in all at most: such a quotient is exactly the nearest
 * float64.
 */
export function plainNumber(buffer: Buffer, from: number, to: number): number {
  if (from === to || to - from > digitCountMax + 1) return Number.NaN;
  let value = 0;
  let fractionFrom = -1;
  for (let at = from; at < to; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (digit === -2 && fractionFrom < 0 && at > from) fractionFrom = at + 1;
    else return Number.NaN;
  }
  if (fractionFrom < 0) return to - from > digitCountMax ? Number.NaN : value;
  return fractionFrom === to ? Number.NaN : value / powersOfTen[to - fractionFrom]!;
}

/** Longer values could leave the range in which nanoseconds are exact. */
const durationDigitsMax = 6;

/** One number with one unit, as in `12.5ms`: nanoseconds, cut as Go cuts them. */
export function plainDurationNs(buffer: Buffer, from: number, to: number): number {
  let at = from;
  let whole = 0;
  for (; at < to && isDigit(buffer[at]!); at++) whole = whole * 10 + buffer[at]! - 0x30;
  if (at === from || at - from > durationDigitsMax) return Number.NaN;
  let fraction = 0;
  let scale = 1;
  if (buffer[at] === 0x2e) {
    const fractionFrom = ++at;
    for (; at < to && isDigit(buffer[at]!); at++) fraction = fraction * 10 + buffer[at]! - 0x30;
    if (at - fractionFrom > durationDigitsMax) return Number.NaN;
    scale = powersOfTen[at - fractionFrom]!;
  }
  const unitNs = unitOf(buffer, at, to);
  return whole * unitNs + Math.trunc(fraction * (unitNs / scale));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function unitOf(buffer: Buffer, from: number, to: number): number {
  const first = buffer[from];
  if (to - from === 1) {
    if (first === 0x73) return 1e9;
    if (first === 0x6d) return 60e9;
    return first === 0x68 ? 3600e9 : Number.NaN;
  }
  if (to - from !== 2 || buffer[from + 1] !== 0x73) return Number.NaN;
  if (first === 0x6d) return 1e6;
  if (first === 0x75) return 1e3;
  return first === 0x6e ? 1 : Number.NaN;
}

/** `goDurationSeconds` for exact nanoseconds that are not negative. */
export function secondsOfNs(ns: number): number {
  const seconds = Math.floor(ns / 1e9);
  return seconds + (ns - seconds * 1e9) / 1e9;
}

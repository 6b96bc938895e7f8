/**
 * Sets of code points as sorted, disjoint, non-touching ranges: `[from, to, from, to, …]`, both
 * ends inclusive. Sets are values: no function here changes its arguments.
 */
export type CodePoints = readonly number[];

export const codePointMax = 0x10ffff;
export const anyCodePoint: CodePoints = [0, codePointMax];
export const anyButNewline: CodePoints = [0, 9, 11, codePointMax];

/** Sorts and merges ranges given in any order. */
export function normalize(ranges: readonly number[]): CodePoints {
  const order: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) order.push([ranges[i]!, ranges[i + 1]!]);
  order.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [from, to] of order) {
    const last = out.length - 1;
    if (last > 0 && from <= out[last]! + 1) out[last] = Math.max(out[last]!, to);
    else out.push(from, to);
  }
  return out;
}

export function negate(set: CodePoints): CodePoints {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (next < set[i]!) out.push(next, set[i]! - 1);
    next = set[i + 1]! + 1;
  }
  if (next <= codePointMax) out.push(next, codePointMax);
  return out;
}

export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  return negate(normalize([...negate(a), ...negate(b)]));
}

export function contains(set: CodePoints, codePoint: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (codePoint > set[2 * middle + 1]!) low = middle + 1;
    else high = middle;
  }
  return 2 * low < set.length && set[2 * low]! <= codePoint;
}

export function includesAll(set: CodePoints, subset: CodePoints): boolean {
  return intersect(negate(set), subset).length === 0;
}

export function sizeOf(set: CodePoints): number {
  let size = 0;
  for (let i = 0; i < set.length; i += 2) size += set[i + 1]! - set[i]! + 1;
  return size;
}

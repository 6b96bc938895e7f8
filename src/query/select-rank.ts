/** Smaller parts are sorted: that is over before it has begun to matter. */
const sortedPartMax = 24;

/** So many poor choices of a border between low and high, per doubling of the length. */
const roundsPerDoubling = 3;

/**
 * Puts the value that sorting would put at `rank` there, nothing larger before it and nothing
 * smaller behind it. `values` must not have NaN. Linear on average, and never slower than sorting
 * (C. A. R. Hoare, "Algorithm 65: Find", 1961).
 */
export function selectRank(values: Float64Array, rank: number): void {
  let from = 0;
  let to = values.length - 1;
  let rounds = roundsPerDoubling * (32 - Math.clz32(values.length));
  while (to - from > sortedPartMax) {
    if (rounds-- === 0) break;
    const border = middleOf(values[from]!, values[(from + to) >>> 1]!, values[to]!);
    let low = from;
    let high = to;
    while (low <= high) {
      while (values[low]! < border) low++;
      while (values[high]! > border) high--;
      if (low > high) break;
      const value = values[low]!;
      values[low++] = values[high]!;
      values[high--] = value;
    }
    if (rank <= high) to = high;
    else if (rank >= low) from = low;
    else return;
  }
  values.subarray(from, to + 1).sort();
}

function middleOf(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : a < c ? c : a;
  return a < c ? a : b < c ? c : b;
}

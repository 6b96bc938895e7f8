/**
 * The order in which the first `count` keys ascend; equal keys stay in their order. A natural merge
 * sort: the input mostly is a few ascending runs one after the other, which it takes as they are.
 */
export function stableOrder(keys: Float64Array, count: number): Uint32Array {
  let order = new Uint32Array(count);
  let target = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  let runs = ascendingRuns(keys, count);
  while (runs.length > 2) {
    const merged = [0];
    for (let r = 0; r + 1 < runs.length; r += 2) {
      const from = runs[r]!;
      const middle = runs[r + 1]!;
      const to = r + 2 < runs.length ? runs[r + 2]! : middle;
      mergeRuns({ keys, order, target, from, middle, to });
      merged.push(to);
    }
    runs = merged;
    [order, target] = [target, order];
  }
  return order;
}

/** Bounds of the ascending runs: 0, …, count. */
function ascendingRuns(keys: Float64Array, count: number): number[] {
  const runs = [0];
  for (let i = 1; i < count; i++) if (keys[i]! < keys[i - 1]!) runs.push(i);
  runs.push(count);
  return runs;
}

function mergeRuns(job: {
  keys: Float64Array;
  order: Uint32Array;
  target: Uint32Array;
  from: number;
  middle: number;
  to: number;
}): void {
  const { keys, order, target, from, middle, to } = job;
  let left = from;
  let right = middle;
  for (let at = from; at < to; at++) {
    const takeLeft = left < middle && (right >= to || keys[order[left]!]! <= keys[order[right]!]!);
    target[at] = takeLeft ? order[left++]! : order[right++]!;
  }
}

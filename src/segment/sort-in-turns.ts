import { nextTurn } from "#world";

/** Items sorted or merged between two turns of the event loop: some milliseconds of comparing. */
const itemsPerTurn = 8192;

/**
 * The positions of the items in ascending order, equal ones in the order they came: merge sort
 * that lets other work have its turn. What comes in order costs one comparison per item.
 */
export async function sortedInTurns<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<Uint32Array> {
  const count = items.length;
  let source: Uint32Array = new Uint32Array(count);
  for (let i = 0; i < count; i++) source[i] = i;
  for (let from = 0; from < count; from += itemsPerTurn) {
    // Arrays are sorted by runs that are in order already, typed arrays are not.
    const piece = Array.from(source.subarray(from, from + itemsPerTurn));
    source.set(
      piece.sort((a, b) => compare(items[a]!, items[b]!)),
      from,
    );
    if (count > itemsPerTurn) await nextTurn();
  }
  let target: Uint32Array = new Uint32Array(count > itemsPerTurn ? count : 0);
  for (let width = itemsPerTurn; width < count; width *= 2) {
    for (let from = 0; from < count; from += 2 * width) {
      const middle = Math.min(from + width, count);
      const to = Math.min(middle + width, count);
      await merge({ items, compare, source, target, from, middle, to });
    }
    [source, target] = [target, source];
  }
  return source;
}

interface MergeJob<T> {
  readonly items: readonly T[];
  readonly compare: (a: T, b: T) => number;
  readonly source: Uint32Array;
  readonly target: Uint32Array;
  readonly from: number;
  readonly middle: number;
  readonly to: number;
}

async function merge<T>(job: MergeJob<T>): Promise<void> {
  const { source, target, from, middle, to } = job;
  if (middle === to || job.compare(itemAt(job, middle - 1), itemAt(job, middle)) <= 0) {
    target.set(source.subarray(from, to), from);
    return;
  }
  let [left, right, at] = [from, middle, from];
  while (at < to) {
    const end = Math.min(at + itemsPerTurn, to);
    for (; at < end; at++) {
      const isLeft =
        right === to || (left < middle && job.compare(itemAt(job, left), itemAt(job, right)) <= 0);
      target[at] = source[isLeft ? left++ : right++]!;
    }
    await nextTurn();
  }
}

function itemAt<T>(job: MergeJob<T>, position: number): T {
  return job.items[job.source[position]!]!;
}

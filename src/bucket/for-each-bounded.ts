export interface Bounds {
  readonly tasksMax: number;
  /** Of all tasks at work; one that is larger runs alone. */
  readonly bytesMax: number;
}

/**
 * Runs a task for each item, a few at a time. The first failure is thrown once those at work have
 * ended; nothing is begun after it.
 */
export async function forEachBounded<T>(
  items: AsyncIterable<T> | Iterable<T>,
  bounds: Bounds & { readonly bytesOf: (item: T) => number },
  task: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let bytes = 0;
  try {
    for await (const item of items) {
      const weight = Math.min(bounds.bytesMax, bounds.bytesOf(item));
      while (running.size >= bounds.tasksMax || (bytes > 0 && bytes + weight > bounds.bytesMax)) {
        await Promise.race(running);
      }
      if (failures.length > 0) break;
      bytes += weight;
      const run = task(item)
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => {
          bytes -= weight;
          running.delete(run);
        });
      running.add(run);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}

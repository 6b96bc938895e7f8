/** Metrics of everything that is bounded and has a name: docs/operating/limits.md lists them. */
import { cacheTotals, queueTotals, type Totals } from "#base";
import type { Metrics } from "#telemetry";

export function observeBounds(metrics: Metrics): void {
  metrics.observeEach("skald_queue_length", "What waits, by queue.", "queue", () =>
    figures(queueTotals(), ({ count }) => count),
  );
  metrics.observeEach("skald_queue_bytes", "Memory of what waits, by queue.", "queue", () =>
    figures(queueTotals(), ({ bytes }) => bytes),
  );
  metrics.countEach(
    "skald_queue_refused_total",
    "What found no room and was refused, dropped or left out, by queue.",
    "queue",
    () => figures(queueTotals(), ({ lost }) => lost),
  );
  metrics.observeEach("skald_cache_entries", "What is remembered, by cache.", "cache", () =>
    figures(cacheTotals(), ({ count }) => count),
  );
  metrics.observeEach("skald_cache_bytes", "Memory of what is remembered, by cache.", "cache", () =>
    figures(cacheTotals(), ({ bytes }) => bytes),
  );
  metrics.countEach(
    "skald_cache_evicted_total",
    "What had to make room for others, by cache.",
    "cache",
    () => figures(cacheTotals(), ({ lost }) => lost),
  );
}

function* figures(
  totals: ReadonlyMap<string, Totals>,
  valueOf: (one: Totals) => number | undefined,
): Iterable<readonly [string, number]> {
  for (const [name, one] of totals) {
    const value = valueOf(one);
    if (value !== undefined) yield [name, value];
  }
}

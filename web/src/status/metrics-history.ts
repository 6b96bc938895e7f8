// The last minutes of the server's metrics, sampled while the status page is open.
import { type Signal, signal } from "@preact/signals";
import { ask } from "../api/client.ts";
import { Metrics } from "./metrics-text.ts";

export interface Moment {
  readonly atMs: number;
  readonly metrics: Metrics;
}

/** Ten minutes at one every five seconds; each is some hundred series. */
const momentsMax = 120;
export const everyMs = 5_000;

/** Oldest first. */
export const moments: Signal<readonly Moment[]> = signal([]);

export async function sampleMetrics(abort: AbortSignal): Promise<void> {
  const text = await (await ask("metrics", { signal: abort })).text();
  const next = { atMs: performance.now(), metrics: new Metrics(text) };
  // A process that began anew counts from zero.
  const started = (moment: Moment | undefined) => moment?.metrics.sum("process_start_time_seconds");
  const before = moments.peek();
  const kept = started(before.at(-1)) === started(next) ? before : [];
  moments.value = [...kept, next].slice(-momentsMax);
}

/** What a reading was at each moment. */
export function seriesOf(
  list: readonly Moment[],
  read: (metrics: Metrics) => number | undefined,
): readonly number[] {
  return list.map(({ metrics }) => read(metrics) ?? 0);
}

/** How much a counter grew a second, between one moment and the next; one value fewer. */
export function ratesOf(
  list: readonly Moment[],
  read: (metrics: Metrics) => number | undefined,
): readonly number[] {
  const values = seriesOf(list, read);
  return values.slice(1).map((value, index) => {
    const seconds = (list[index + 1]!.atMs - list[index]!.atMs) / 1000;
    return Math.max(0, value - values[index]!) / Math.max(0.001, seconds);
  });
}

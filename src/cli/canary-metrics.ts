/**
 * The canary's metrics: the names of loki-canary, so that its dashboards and alerts go on working, and
 * `skald_canary_…` for what it does not have.
 */
import { createMetrics, type Metrics } from "#telemetry";
import type { CanaryCount, CanaryObserver } from "./canary-entries.ts";

const counters: Readonly<Record<CanaryCount, readonly [name: string, help: string]>> = {
  entries: ["loki_canary_entries_total", "Entries written."],
  outOfOrder: [
    "loki_canary_out_of_order_entries_total",
    "Entries heard on the tail after one that was written later.",
  ],
  websocketMissing: [
    "loki_canary_websocket_missing_entries_total",
    "Entries not heard on the tail within -wait.",
  ],
  missing: ["loki_canary_missing_entries_total", "Entries not found by queries within -max-wait."],
  unexpected: [
    "loki_canary_unexpected_entries_total",
    "Entries with the canary's labels that it did not write, or not so.",
  ],
  duplicate: ["loki_canary_duplicate_entries_total", "Entries heard on the tail more than once."],
  spotChecks: ["loki_canary_spot_check_entries_total", "Older entries that were asked for."],
  spotCheckMissing: [
    "loki_canary_spot_check_missing_entries_total",
    "Older entries that were asked for and not found.",
  ],
  late: ["skald_canary_late_entries_total", "Entries heard on the tail later than -late."],
  queryLate: [
    "skald_canary_query_late_entries_total",
    "Entries that the first query for them did not find.",
  ],
  queryDuplicate: [
    "skald_canary_query_duplicate_entries_total",
    "Entries that a query gave more than once.",
  ],
  queryOutOfOrder: [
    "skald_canary_query_out_of_order_entries_total",
    "Entries that a query gave after a newer one although oldest first was asked for.",
  ],
  unsure: [
    "skald_canary_unsure_entries_total",
    "Entries of pushes that were given up: whether they are stored is not known.",
  ],
  skipped: [
    "skald_canary_skipped_entries_total",
    "Entries not written because too many were undecided.",
  ],
};

/** From a server on this machine to one that is in trouble, in seconds. */
const firstBucketSeconds = 0.5;
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type CanaryRequest = "push" | "query" | "spot_check" | "metric_test";

export class CanaryMetrics implements CanaryObserver {
  readonly registry: Metrics;
  readonly totals: Record<CanaryCount, number>;
  readonly #latenciesMs: number[] = [];
  readonly #latency;
  readonly #counters;

  /** `bucketCount` doubles from half a second on, as loki-canary's -buckets. */
  constructor(bucketCount: number) {
    this.registry = createMetrics({ process: true });
    const names = Object.keys(counters) as CanaryCount[];
    this.totals = Object.fromEntries(names.map((name) => [name, 0])) as typeof this.totals;
    this.#counters = new Map(
      names.map((name) => [name, this.registry.counter(...counters[name])] as const),
    );
    this.#latency = this.registry.histogram(
      "loki_canary_response_latency_seconds",
      "Time from writing an entry to hearing of it on the tail.",
      {
        buckets: [
          ...requestBuckets.filter((at) => at < firstBucketSeconds),
          ...Array.from({ length: bucketCount }, (_, at) => firstBucketSeconds * 2 ** at),
        ],
      },
    );
    this.reconnected(0);
    this.pinged(0);
  }

  count(what: CanaryCount, by = 1): void {
    this.totals[what] += by;
    this.#counters.get(what)?.inc(by);
  }

  heardAfter(latencyMs: number): void {
    this.#latency.observe(latencyMs / 1000);
    if (this.#latenciesMs.length >= latencyCountMax) this.#latenciesMs.shift();
    this.#latenciesMs.push(latencyMs);
  }

  reconnected(by = 1): void {
    const help = "Times the connection of the tail was opened again.";
    this.registry.counter("loki_canary_ws_reconnects_total", help).inc(by);
  }

  pinged(by = 1): void {
    this.registry.counter("loki_canary_ws_pings_total", "Pings heard on the tail.").inc(by);
  }

  asked(what: CanaryRequest, durationMs: number, isDone: boolean): void {
    const seconds = durationMs / 1000;
    const isOwn = what === "push" || what === "query";
    const prefix = isOwn ? `skald_canary_${what}` : `loki_canary_${what}`;
    const help = `Time of one request (${what.replace("_", " ")}).`;
    const options = { buckets: requestBuckets };
    const histogram = `${prefix}_request_duration_seconds`;
    this.registry.histogram(histogram, help, options).observe(seconds);
    this.registry.counter(`${prefix}_request_total`, "Requests.").inc();
    const errors = this.registry.counter(`${prefix}_error_total`, "Requests that failed.");
    errors.inc(isDone ? 0 : 1);
  }

  metricTest(expected: number, actual: number): void {
    const gauge = (name: string, help: string): { set(value: number): void } =>
      this.registry.gauge(`loki_canary_metric_test_${name}`, help);
    gauge("expected", "Entries that the last metric query should have counted.").set(expected);
    gauge("actual", "Entries that it counted.").set(actual);
    gauge("deviation", "The difference of the two.").set(expected - actual);
  }

  /** Of the last entries heard; undefined when there were none. */
  latencyMs(quantile: number): number | undefined {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
  }
}

/** For the summary at the end. */
const latencyCountMax = 10_000;

import type { ObjectStoreObserver } from "#objectstore";
import type { Metrics } from "#telemetry";
import type { Clock } from "#world";

/** From a read of a cached page to an upload over a slow line, in seconds. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Which object stores answer, and metrics of what they were asked. */
export class StoreHealth {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  /** By name of the store: since when it does not answer, in monotonic time. */
  readonly #downSinceMs = new Map<string, number>();

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** Hears of every request to a store, repeated ones too. */
  observerOf(store: string): ObjectStoreObserver {
    const metrics = this.#metrics;
    const requests = metrics.counter(
      "skald_object_store_requests_total",
      "Requests to object stores, repeated ones too, by how they ended.",
      ["store", "operation", "outcome"],
    );
    const seconds = metrics.histogram(
      "skald_object_store_request_seconds",
      "Time of one request to an object store.",
      { labelNames: ["store", "operation"], buckets: secondsBuckets },
    );
    const read = metrics.counter("skald_object_store_read_bytes_total", "Bytes got.", ["store"]);
    const written = metrics.counter("skald_object_store_written_bytes_total", "Bytes put.", [
      "store",
    ]);
    const up = metrics.gauge(
      "skald_object_store_up",
      "Whether the object store answered the last request: 1 or 0.",
      ["store"],
    );
    up.set({ store }, 1);
    return {
      observed: ({ operation, outcome, durationMs, readBytes, writtenBytes }) => {
        requests.inc({ store, operation, outcome });
        seconds.observe({ store, operation }, durationMs / 1000);
        if (readBytes > 0) read.inc({ store }, readBytes);
        if (writtenBytes > 0) written.inc({ store }, writtenBytes);
        if (outcome === "aborted" || outcome === "failed") return;
        const isUp = outcome !== "unavailable";
        up.set({ store }, isUp ? 1 : 0);
        if (isUp) this.#downSinceMs.delete(store);
        else if (!this.#downSinceMs.has(store)) {
          this.#downSinceMs.set(store, this.#clock.monotonicMs());
        }
      },
    };
  }

  /** Counts requests that are tried again. */
  retried(store: string): void {
    const help = "Requests to object stores that were tried again.";
    this.#metrics.counter("skald_object_store_retries_total", help, ["store"]).inc({ store });
  }

  /** Counts reads that were asked for once more because they were slow. */
  hedged(store: string, won: boolean): void {
    const help = "Slow reads asked for once more, and whether that answer was the first.";
    this.#metrics
      .counter("skald_object_store_hedged_total", help, ["store", "won"])
      .inc({ store, won: String(won) });
  }

  /** The stores that do not answer, in words. */
  down(): string[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#downSinceMs].map(([store, sinceMs]) => {
      const seconds = Math.round((nowMs - sinceMs) / 1000);
      return `object store ${store} has not answered for ${seconds} s`;
    });
  }
}

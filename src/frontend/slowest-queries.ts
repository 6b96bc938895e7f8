import { hour, messageOf } from "#base";
import type { QueryRequest } from "#query";
import type { Clock } from "#world";
import type { Outcome } from "./frontend-metrics.ts";

/** Enough to see which kinds of queries are slow; a page shows them all. */
export const slowestMax = 50;
/** Older ones say nothing about now. */
const rememberedMs: number = hour;
/** Longer texts are cut: they are for reading. */
const textCharsMax = 2048;

/** A query that has ended. */
export interface SlowQuery {
  readonly tenants: readonly string[];
  readonly text: string;
  readonly kind: QueryRequest["kind"];
  /** When it ended. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly queueMs: number;
  /** Of lines that were looked at. */
  readonly bytes: number;
  readonly lines: number;
  /** Why it failed. */
  readonly error: string | undefined;
}

/** The slowest queries of the last hour, slowest first; few of them, in memory alone. */
export class SlowestQueries {
  readonly #clock: Pick<Clock, "nowMs">;
  #slowest: SlowQuery[] = [];

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  add(
    request: QueryRequest,
    { durationMs, outcome }: { readonly durationMs: number; readonly outcome: Outcome },
  ): void {
    this.#forget();
    const fastest = this.#slowest.at(-1);
    if (this.#slowest.length >= slowestMax && durationMs <= fastest!.durationMs) return;
    const stats = "result" in outcome ? outcome.result.stats : undefined;
    const query: SlowQuery = {
      tenants: request.tenants,
      text: request.text.slice(0, textCharsMax),
      kind: request.kind,
      atMs: this.#clock.nowMs(),
      durationMs,
      queueMs: stats?.queueTimeMs ?? 0,
      bytes: stats?.bytesProcessed ?? 0,
      lines: stats?.linesProcessed ?? 0,
      error: "error" in outcome ? messageOf(outcome.error).slice(0, textCharsMax) : undefined,
    };
    const at = this.#slowest.findIndex((one) => one.durationMs < durationMs);
    this.#slowest.splice(at < 0 ? this.#slowest.length : at, 0, query);
    this.#slowest.length = Math.min(this.#slowest.length, slowestMax);
  }

  list(): readonly SlowQuery[] {
    this.#forget();
    return [...this.#slowest];
  }

  #forget(): void {
    const fromMs = this.#clock.nowMs() - rememberedMs;
    if (this.#slowest.some(({ atMs }) => atMs < fromMs)) {
      this.#slowest = this.#slowest.filter(({ atMs }) => atMs >= fromMs);
    }
  }
}

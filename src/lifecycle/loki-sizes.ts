/**
 * Retention by size of chunks in Loki's format: they are weighed by the hour in which they end, and
 * go by whole hours, oldest first, as segments do. They leave the indexes at once, the objects go
 * after the delay.
 */
import { day, hour, nsPerMs } from "#base";
import type { LokiCompactor } from "#lokistore";
import type { Logger } from "#telemetry";
import { expiryOf } from "./loki-retention.ts";
import type { Retention } from "./retention.ts";
import type { SizedSegment } from "./size-decision.ts";

export interface LokiSizesOptions {
  readonly compactor: LokiCompactor;
  readonly retention: Retention;
  readonly log: Pick<Logger, "info">;
}

export interface SizedHour extends SizedSegment {
  /** Of its first millisecond. */
  readonly fromMs: number;
  readonly chunkCount: number;
}

export class LokiSizes {
  readonly #options: LokiSizesOptions;

  constructor(options: LokiSizesOptions) {
    this.#options = options;
  }

  async tenants(): Promise<string[]> {
    const tables = await this.#options.compactor.tables();
    return [...new Set(tables.flatMap(({ tenants }) => tenants))].sort();
  }

  /** What is stored of a tenant and will not have gone by its age until then. */
  async weigh(tenant: string, untilMs: number, signal: AbortSignal): Promise<SizedHour[]> {
    const { compactor, retention } = this.#options;
    const policy = retention.policyOf(tenant);
    const hours = new Map<number, { bytes: number; count: number }>();
    await compactor.weigh(
      tenant,
      (chunk) => {
        const { maxMs, storedBytes } = chunk;
        if (expiryOf(policy, chunk) < untilMs) return;
        const at = Math.floor(maxMs / hour);
        const sum = hours.get(at) ?? { bytes: 0, count: 0 };
        hours.set(at, { bytes: sum.bytes + storedBytes, count: sum.count + 1 });
      },
      signal,
    );
    return [...hours].map(([at, { bytes, count }]) => ({
      tenant,
      key: `${count} chunks of ${new Date(at * hour).toISOString()}`,
      day: Math.floor((at * hour) / day),
      maxNs: BigInt((at + 1) * hour) * nsPerMs - 1n,
      storedBytes: bytes,
      fromMs: at * hour,
      chunkCount: count,
    }));
  }

  /** Drops every chunk of the tenant that ends before. */
  async dropBefore(tenant: string, cutMs: number, signal: AbortSignal): Promise<void> {
    const { compactor, log } = this.#options;
    for (const { table, fromMs, tenants } of await compactor.tables()) {
      if (fromMs >= cutMs || !tenants.includes(tenant)) continue;
      const { droppedChunks } = await compactor.rewrite(
        { tenant, table },
        ({ maxMs }) => (maxMs < cutMs ? "drop" : "keep"),
        signal,
      );
      if (droppedChunks === 0) continue;
      log.info("chunks dropped by retention by size", { table, tenant, droppedChunks });
    }
  }
}

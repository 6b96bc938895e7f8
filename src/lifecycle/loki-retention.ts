/**
 * Retention of chunks in Loki's format: a chunk whose last entry is expired leaves the index, its
 * object goes after the delay, as with Loki's own compactor.
 */
import { day, messageOf, nsPerMs } from "#base";
import type { LokiChunkFacts, LokiCompactor, WeighedChunk } from "#lokistore";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import type { PolicyRecord } from "./policy-record.ts";
import type { RetentionItem } from "./retention-item.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type { Retention } from "./retention.ts";

/** A table may get chunks of any age: it is gone through again after this at the latest. */
const lookAgainMs: number = day;

export interface LokiRetentionOptions {
  readonly compactor: LokiCompactor;
  readonly retention: Retention;
  readonly record: PolicyRecord;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "error">;
  /** compactor.retention_delete_delay: so long a new policy waits. */
  readonly deleteDelayMs: number;
}

export class LokiRetention {
  readonly #options: LokiRetentionOptions;
  /** By table and tenant: until then nothing of it expires under this policy; wall clock. */
  readonly #quiet = new Map<string, { readonly digest: string; readonly untilMs: number }>();

  constructor(options: LokiRetentionOptions) {
    this.#options = options;
  }

  async runOnce(signal: AbortSignal): Promise<void> {
    const { compactor, log } = this.#options;
    const failures: unknown[] = [];
    const tables = await compactor.tables();
    const seen = new Set<string>();
    for (const { table, fromMs, tenants } of tables) {
      for (const tenant of tenants) {
        signal.throwIfAborted();
        seen.add(nameOf(table, tenant));
        try {
          await this.#apply({ table, fromMs, tenant }, signal);
        } catch (error) {
          signal.throwIfAborted();
          log.error("retention failed", { table, tenant, reason: messageOf(error) });
          failures.push(error);
        }
      }
    }
    for (const name of this.#quiet.keys()) if (!seen.has(name)) this.#quiet.delete(name);
    if (failures.length > 0) throw failures[0];
  }

  /** What would leave the store until then, by tenant and day; nothing is touched. */
  async plan(untilMs: number, signal: AbortSignal): Promise<RetentionItem[]> {
    const { compactor, retention, record, clock, deleteDelayMs } = this.#options;
    const items: RetentionItem[] = [];
    const tenants = new Set((await compactor.tables()).flatMap((table) => table.tenants));
    for (const tenant of [...tenants].sort()) {
      const policy = retention.policyOf(tenant);
      if (policy === undefined) continue;
      const sinceMs = (await record.knownSinceMs(tenant, policy.digest)) ?? clock.nowMs();
      const days = new Map<number, { bytes: number; count: number; dueMs: number }>();
      const visit = (chunk: WeighedChunk): void => {
        const expiresMs = expiryOf(policy, chunk);
        // It leaves the index first, its object after the delay.
        const dueMs = Math.max(expiresMs, sinceMs + deleteDelayMs) + deleteDelayMs;
        if (dueMs > untilMs) return;
        const at = Math.floor(chunk.maxMs / day);
        const sum = days.get(at) ?? { bytes: 0, count: 0, dueMs: 0 };
        const bytes = sum.bytes + chunk.storedBytes;
        days.set(at, { bytes, count: sum.count + 1, dueMs: Math.max(sum.dueMs, dueMs) });
      };
      await compactor.weigh(tenant, visit, signal);
      for (const [at, { bytes, count, dueMs }] of days) {
        items.push({
          tenant,
          store: "chunks of Loki's format",
          object: `${count} chunks of ${new Date(at * day).toISOString().slice(0, 10)}`,
          minNs: BigInt(at * day) * nsPerMs,
          maxNs: BigInt((at + 1) * day) * nsPerMs - 1n,
          storedBytes: bytes,
          action: "drop",
          reason: "age",
          dueMs,
        });
      }
    }
    return items;
  }

  async #apply(
    what: { readonly table: string; readonly fromMs: number; readonly tenant: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { compactor, retention, record, clock, log, deleteDelayMs } = this.#options;
    const { table, tenant, fromMs } = what;
    const policy = retention.policyOf(tenant);
    const nowMs = clock.nowMs();
    if (policy?.shortestMs === undefined || fromMs + policy.shortestMs >= nowMs) return;
    const quiet = this.#quiet.get(nameOf(table, tenant));
    if (quiet?.digest === policy.digest && nowMs < quiet.untilMs) return;
    if ((await record.sinceMs(tenant, policy.digest)) + deleteDelayMs > nowMs) return;
    let untilMs = nowMs + lookAgainMs;
    const result = await compactor.rewrite(
      { tenant, table },
      (chunk) => {
        const expiresMs = expiryOf(policy, chunk);
        if (expiresMs < nowMs) return "drop";
        untilMs = Math.min(untilMs, expiresMs + 1);
        return "keep";
      },
      signal,
    );
    this.#quiet.set(nameOf(table, tenant), { digest: policy.digest, untilMs });
    const { droppedChunks } = result;
    if (droppedChunks > 0)
      log.info("chunks dropped by retention", { table, tenant, droppedChunks });
  }
}

/** When the last entry of a chunk expires; Infinity: it is kept. */
export function expiryOf(policy: RetentionPolicy | undefined, chunk: LokiChunkFacts): number {
  const periodMs = policy?.periodMsOf(chunk.labels) ?? 0;
  if (periodMs === 0) return Number.POSITIVE_INFINITY;
  return Math.max(chunk.maxMs, chunk.ingestedBeforeMs ?? 0) + periodMs;
}

function nameOf(table: string, tenant: string): string {
  return `${table}/${tenant}`;
}

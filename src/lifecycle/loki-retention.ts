/**
 * Retention of chunks in Loki's format: a chunk whose last entry is expired leaves the index, its
 * object goes after the delay, as with Loki's own compactor.
 */
import { day, messageOf } from "#base";
import type { LokiCompactor } from "#lokistore";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import type { PolicyRecord } from "./policy-record.ts";
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
      ({ labels, maxMs, ingestedBeforeMs }) => {
        const periodMs = policy.periodMsOf(labels);
        if (periodMs === 0) return "keep";
        const expiresMs = Math.max(maxMs, ingestedBeforeMs ?? 0) + periodMs;
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

function nameOf(table: string, tenant: string): string {
  return `${table}/${tenant}`;
}

import { messageOf } from "#base";
import type { LimitsByTenant } from "#config";
import type { TimeRange } from "#model";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import { type Mask, overlaps } from "./mask.ts";
import { RetentionPolicy, type RetentionLimits } from "./retention-policy.ts";

/** Policies in memory; more tenants than this have theirs made anew. */
const policiesMax = 4_096;

export interface RetentionOptions {
  readonly limits: LimitsByTenant;
  readonly clock: Clock;
  readonly log: Pick<Logger, "error">;
  /** compactor.retention_enabled: without it periods mean nothing, as in Loki. */
  readonly isEnabled: boolean;
}

interface Known {
  readonly limits: RetentionLimits;
  readonly policy: RetentionPolicy | undefined;
}

/** The policy of each tenant as of now. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /**
   * Undefined when the tenant keeps everything. So it does, and an error is logged, while a
   * selector of its rules cannot be read: to take the next rule instead could expire what was to be
   * kept.
   */
  policyOf(tenant: string): RetentionPolicy | undefined {
    if (!this.#options.isEnabled) return undefined;
    const limits = this.#options.limits.for(tenant);
    const known = this.#known.get(tenant);
    if (known !== undefined && isSame(known.limits, limits)) return known.policy;
    const policy = this.#read(tenant, limits);
    if (this.#known.size >= policiesMax) this.#known.clear();
    this.#known.set(tenant, { limits, policy });
    return policy;
  }

  #read(tenant: string, limits: RetentionLimits): RetentionPolicy | undefined {
    try {
      const policy = RetentionPolicy.of(limits);
      return policy.isIdle ? undefined : policy;
    } catch (error) {
      const reason = messageOf(error);
      this.#options.log.error("retention is wrong, everything is kept", { tenant, reason });
      return undefined;
    }
  }

  masks(tenant: string, range: TimeRange): Mask[] {
    const policy = this.policyOf(tenant);
    if (policy === undefined) return [];
    return policy.masks(this.#options.clock.nowMs()).filter((mask) => overlaps(mask.range, range));
  }
}

function isSame(a: RetentionLimits, b: RetentionLimits): boolean {
  return a.retentionPeriodMs === b.retentionPeriodMs && a.retentionStream === b.retentionStream;
}

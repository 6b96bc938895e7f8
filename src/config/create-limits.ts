import { messageOf } from "#base";
import type { Logger } from "#telemetry";
import { type Clock, sleepUnlessAborted } from "#world";
import type { LoadedConfig } from "./config.ts";
import type { Limits, LimitsByTenant } from "./limits.ts";
import { readOverrides, TenantLimits } from "./overrides.ts";

export interface LimitsOptions {
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly readFile: (path: string) => Promise<string>;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Called after each look at the files: for metrics. */
  readonly onReload?: (outcome: ReloadOutcome) => void;
}

export interface ReloadOutcome {
  /** `failed`: the files are broken or cannot be read, the limits of before hold. */
  readonly result: "changed" | "unchanged" | "failed";
  readonly tenantCount: number;
  readonly atMs: number;
}

/** Limits that follow runtime_config.file. */
export interface RuntimeLimits extends LimitsByTenant {
  /** The tenants that have limits of their own. */
  tenants(): readonly string[];
  /** A tenant's limits in Loki's keys, as `/config` writes them. */
  inLokiKeys(tenant: string): Readonly<Record<string, unknown>>;
  /** The overrides in force as YAML: for `/runtime_config`. */
  yaml(): string;
  /** Looks at the files now. Never rejects: what is wrong goes to the log and to `onReload`. */
  reload(): Promise<ReloadOutcome>;
  /** Looks at the files every runtime_config.period until the signal; then it resolves. */
  watch(signal: AbortSignal): Promise<void>;
}

export function createLimits(options: LimitsOptions): RuntimeLimits {
  return new FollowingLimits(options);
}

class FollowingLimits implements RuntimeLimits {
  readonly #options: LimitsOptions;
  readonly #paths: readonly string[];
  #limits: TenantLimits;
  /** What was read last, good or bad, so that the same mistake is logged once. */
  #lastTexts: readonly string[] | undefined;
  #lastWasWrong = false;

  constructor(options: LimitsOptions) {
    this.#options = options;
    this.#paths = options.loaded.config.runtimeConfig.file?.split(",") ?? [];
    const { config, settings, limitsByTenant } = options.loaded;
    this.#limits =
      limitsByTenant instanceof TenantLimits
        ? limitsByTenant
        : new TenantLimits({ base: config.limits, settings, overrides: new Map() });
  }

  for(tenant: string): Limits {
    return this.#limits.for(tenant);
  }

  tenants(): readonly string[] {
    return this.#limits.tenants();
  }

  inLokiKeys(tenant: string): Readonly<Record<string, unknown>> {
    return this.#limits.inLokiKeys(tenant);
  }

  yaml(): string {
    return this.#limits.yaml();
  }

  async reload(): Promise<ReloadOutcome> {
    const result = await this.#readAgain();
    const outcome: ReloadOutcome = {
      result,
      tenantCount: this.#limits.tenants().length,
      atMs: this.#options.clock.nowMs(),
    };
    this.#options.onReload?.(outcome);
    return outcome;
  }

  async watch(signal: AbortSignal): Promise<void> {
    const { clock, loaded } = this.#options;
    if (this.#paths.length === 0) return;
    const { periodMs } = loaded.config.runtimeConfig;
    do await this.reload();
    while (await sleepUnlessAborted(clock, periodMs, signal));
  }

  async #readAgain(): Promise<ReloadOutcome["result"]> {
    const { log, loaded, readFile } = this.#options;
    let texts: readonly string[];
    try {
      texts = await Promise.all(this.#paths.map((path) => readFile(path)));
    } catch (error) {
      log.error("runtime configuration cannot be read", { error: messageOf(error) });
      return "failed";
    }
    if (isSame(texts, this.#lastTexts)) return this.#lastWasWrong ? "failed" : "unchanged";
    this.#lastTexts = texts;
    const files = this.#paths.map((source, at) => ({ source, text: texts[at] ?? "" }));
    const { limits, problems, warnings } = readOverrides(files, loaded);
    for (const problem of problems) {
      log.error("runtime configuration is wrong, the limits of before hold", { error: problem });
    }
    this.#lastWasWrong = problems.length > 0;
    if (this.#lastWasWrong) return "failed";
    // Those of the start were shown with the configuration.
    const fresh = warnings.filter((warning) => !loaded.warnings.includes(warning));
    for (const warning of fresh) log.warn("runtime configuration", { warning });
    this.#limits = limits;
    log.info("runtime configuration read", { tenants: limits.tenants().length });
    return "changed";
  }
}

function isSame(left: readonly string[], right: readonly string[] | undefined): boolean {
  return left.length === right?.length && left.every((text, at) => text === right[at]);
}

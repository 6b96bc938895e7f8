/**
 * The rules of all tenants: keeps what runs equal to what is stored, and answers what there is and
 * how it goes. Rules that are written through it run at once; others when the store is read again.
 */
import { messageOf, RequestError } from "#base";
import type { LimitsByTenant } from "#config";
import type { Logger, Metrics } from "#telemetry";
import type { Clock } from "#world";
import type { AlertStateStore } from "./alert-state.ts";
import {
  GroupEvaluator,
  type GroupObserver,
  groupTitle,
  type RuleReport,
} from "./group-evaluator.ts";
import { runGroupLoop } from "./group-loop.ts";
import type { RuleContext } from "./rule-context.ts";
import { type PlacedGroup, type RuleGroup, ruleName } from "./rule-group.ts";
import type { RuleOutlets } from "./rule-outlets.ts";
import type { ReportProblem, RuleStore } from "./rule-store.ts";
import { type RulerMetrics, rulerMetrics } from "./ruler-metrics.ts";
import { Turns } from "./turns.ts";
import { validateGroups } from "./validate-group.ts";

/** Groups that are evaluated at the same time; queries of people have to get through as well. */
const groupsAtOnce = 8;

/** Groups that ask for a shorter interval get this one: queries are not free. */
const intervalMinMs = 1000;

export interface RulerSettings {
  /** ruler.evaluation_interval: of groups that have none of their own. */
  readonly evaluationIntervalMs: number;
  /** ruler.poll_interval: how often the store is read again. */
  readonly pollIntervalMs: number;
  /** ruler.evaluation.max_jitter. */
  readonly jitterMaxMs: number;
  /** ruler.enabled_tenants; empty: all. */
  readonly enabledTenants: readonly string[];
  /** ruler.disabled_tenants. */
  readonly disabledTenants: readonly string[];
}

export interface RulerOptions {
  readonly store: RuleStore;
  readonly states: AlertStateStore;
  readonly context: Omit<RuleContext, "warn">;
  readonly outlets: RuleOutlets;
  readonly limits: LimitsByTenant;
  readonly settings: RulerSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A group and how its last evaluation went. */
export interface GroupReport {
  readonly namespace: string;
  readonly group: RuleGroup;
  readonly intervalMs: number;
  /** 0: never. */
  readonly lastEvaluationMs: number;
  readonly evaluationMs: number;
  readonly rules: readonly RuleReport[];
}

/** How all rules go, for who watches what works in the background. */
export interface RulerStatus {
  readonly groups: number;
  /** Groups whose moment has come and that wait for others. */
  readonly waiting: number;
  /** Of the evaluation that is under way for the longest time; undefined: none is. Wall clock. */
  readonly startedMs: number | undefined;
  /** The last moment that was evaluated; undefined: none was. */
  readonly lastMs: number | undefined;
  /** The moment that comes next, or is most overdue. */
  readonly nextMs: number | undefined;
  /** Since the start of the process. */
  readonly missedIterations: number;
}

interface RunningGroup {
  readonly definition: string;
  readonly evaluator: GroupEvaluator;
  readonly controller: AbortController;
  readonly loop: Promise<void>;
}

type GroupsByPlace = Map<string, RunningGroup>;

export class Ruler {
  readonly #options: RulerOptions;
  readonly #metrics: RulerMetrics;
  readonly #context: RuleContext;
  readonly #turns = new Turns(groupsAtOnce);
  readonly #running = new Map<string, GroupsByPlace>();
  /** The end of the line for each tenant: its rules are changed by one at a time. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Problems already said, so that each is said once. */
  #said = new Set<string>();
  #isStarted = false;
  #missedIterations = 0;

  constructor(options: RulerOptions) {
    this.#options = options;
    const { log, metrics, context } = options;
    this.#metrics = rulerMetrics(metrics);
    this.#context = { ...context, warn: (message, fields) => log.warn(message, fields) };
  }

  /** Runs rules until the signal, reading the store every poll interval. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    this.#isStarted = true;
    try {
      while (!signal.aborted) {
        await this.poll();
        await clock.sleep(settings.pollIntervalMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#isStarted = false;
      await this.#stopAll();
    }
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#lines.values());
    const running = [...this.#running.values()].flatMap((groups) => [...groups.values()]);
    for (const { controller } of running) controller.abort();
    await Promise.all(running.map(({ loop }) => loop));
    this.#running.clear();
  }

  /** Makes what runs equal to what is stored. Failures are logged, and tried again next time. */
  async poll(): Promise<void> {
    const { store, log } = this.#options;
    try {
      const found = await store.tenants();
      const tenants = new Set([...found, ...this.#running.keys()]);
      for (const tenant of tenants) await this.#sync(tenant);
    } catch (error) {
      this.#metrics.failure("poll");
      log.error("rules cannot be read", { reason: messageOf(error) });
    }
  }

  /** All groups of a tenant as they are stored. */
  groups(tenant: string): Promise<readonly PlacedGroup[]> {
    return this.#options.store.list(tenant, this.#reporter(tenant));
  }

  /** Throws RequestError 400 for a group that cannot be run or is one too many. */
  async put(tenant: string, placed: PlacedGroup): Promise<void> {
    const { limits, store } = this.#options;
    const problems = validateGroups([placed.group]);
    if (problems.length > 0) throw new RequestError(400, problems.join(", "));
    const { rulerMaxRulesPerRuleGroup, rulerMaxRuleGroupsPerTenant } = limits.for(tenant);
    assertLimit("rules per rule group", rulerMaxRulesPerRuleGroup, placed.group.rules.length);
    const groups = await this.groups(tenant);
    assertLimit("rule groups", rulerMaxRuleGroupsPerTenant, groups.length + 1);
    await store.put(tenant, placed);
    await this.#sync(tenant);
  }

  async removeGroup(tenant: string, namespace: string, name: string): Promise<void> {
    await this.#options.store.remove(tenant, namespace, name);
    await this.#sync(tenant);
  }

  /** Throws RequestError 404 when the namespace has no groups. */
  async removeNamespace(tenant: string, namespace: string): Promise<void> {
    const { store } = this.#options;
    const groups = (await this.groups(tenant)).filter((placed) => placed.namespace === namespace);
    if (groups.length === 0) throw new RequestError(404, "group namespace does not exist");
    for (const { group } of groups) await store.remove(tenant, namespace, group.name);
    await this.#sync(tenant);
  }

  /** What runs, by namespace and name. */
  reports(tenant: string): GroupReport[] {
    const groups = [...(this.#running.get(tenant)?.values() ?? [])];
    return groups
      .map(({ evaluator }) => ({
        ...evaluator.placed,
        intervalMs: evaluator.intervalMs,
        lastEvaluationMs: evaluator.evaluatedAtMs,
        evaluationMs: evaluator.evaluationMs,
        rules: evaluator.reports(),
      }))
      .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.group.name, b.group.name));
  }

  status(): RulerStatus {
    const started: number[] = [];
    const evaluated: number[] = [];
    const next: number[] = [];
    let groups = 0;
    for (const { evaluator } of [...this.#running.values()].flatMap((own) => [...own.values()])) {
      const { startedMs, evaluatedAtMs, intervalMs } = evaluator;
      groups++;
      if (startedMs !== undefined) started.push(startedMs);
      if (evaluatedAtMs === 0) continue;
      evaluated.push(evaluatedAtMs);
      next.push(evaluatedAtMs + intervalMs);
    }
    return {
      groups,
      waiting: this.#turns.waiting,
      startedMs: leastOf(started),
      lastMs: evaluated.reduce<number | undefined>((a, b) => Math.max(a ?? b, b), undefined),
      nextMs: leastOf(next),
      missedIterations: this.#missedIterations,
    };
  }

  #sync(tenant: string): Promise<void> {
    const line = (this.#lines.get(tenant) ?? Promise.resolve()).then(async () => {
      try {
        if (this.#isStarted) await this.#follow(tenant, this.#isEnabled(tenant));
      } catch (error) {
        this.#metrics.failure("poll");
        this.#options.log.error("rules cannot be read", { tenant, reason: messageOf(error) });
      }
      if (this.#lines.get(tenant) === line) this.#lines.delete(tenant);
    });
    this.#lines.set(tenant, line);
    return line;
  }

  #isEnabled(tenant: string): boolean {
    const { enabledTenants, disabledTenants } = this.#options.settings;
    if (disabledTenants.includes(tenant)) return false;
    return enabledTenants.length === 0 || enabledTenants.includes(tenant);
  }

  async #follow(tenant: string, isEnabled: boolean): Promise<void> {
    const stored = isEnabled ? await this.groups(tenant) : [];
    const running: GroupsByPlace = this.#running.get(tenant) ?? new Map();
    this.#running.set(tenant, running);
    const wanted = new Map(stored.map((placed) => [placeOf(placed), placed]));
    for (const [place, group] of running) {
      if (wanted.has(place)) continue;
      running.delete(place);
      await this.#end(tenant, group);
    }
    for (const [place, placed] of wanted) {
      const definition = JSON.stringify(placed.group);
      const before = running.get(place);
      if (before?.definition === definition) continue;
      if (before !== undefined) await halt(before);
      running.set(place, this.#begin(tenant, { placed, definition, before: before?.evaluator }));
    }
    if (running.size === 0) this.#running.delete(tenant);
  }

  #begin(
    tenant: string,
    group: {
      readonly placed: PlacedGroup;
      readonly definition: string;
      readonly before: GroupEvaluator | undefined;
    },
  ): RunningGroup {
    const { clock, settings, states, outlets, log } = this.#options;
    const { placed, definition } = group;
    const evaluator = new GroupEvaluator({
      tenant,
      placed,
      intervalMs: Math.max(placed.group.intervalMs || settings.evaluationIntervalMs, intervalMinMs),
      context: this.#context,
      outlets,
      states,
      clock,
      observe: this.#observer,
    });
    if (group.before !== undefined) evaluator.inherit(group.before);
    const controller = new AbortController();
    const title = { tenant, title: groupTitle(placed) };
    this.#metrics.group(tenant, evaluator);
    const onIteration = (missed: number): void => {
      this.#missedIterations += missed;
      this.#metrics.iteration(title, missed);
      this.#metrics.group(tenant, evaluator);
    };
    const { jitterMaxMs } = settings;
    const loop = runGroupLoop(
      { tenant, evaluator, clock, turns: this.#turns, jitterMaxMs, onIteration },
      controller.signal,
    ).catch((error: unknown) => {
      const reason = messageOf(error);
      log.error("a rule group stopped", { tenant, group: title.title, reason });
    });
    return { definition, evaluator, controller, loop };
  }

  async #end(tenant: string, group: RunningGroup): Promise<void> {
    await halt(group);
    await group.evaluator.end(this.#options.clock.nowMs());
    this.#metrics.forget({ tenant, title: groupTitle(group.evaluator.placed) });
  }

  readonly #observer: GroupObserver = {
    evaluated: ({ tenant, namespace, group, rule, durationMs, error }) => {
      const title = `${namespace};${group}`;
      this.#metrics.evaluated({ tenant, title }, durationMs, error !== undefined);
      if (error === undefined) return;
      const { log } = this.#options;
      log.warn("a rule failed", { tenant, group: title, rule: ruleName(rule), reason: error });
    },
    failed: ({ tenant, what, reason }) => {
      this.#metrics.failure("state");
      this.#options.log.error(what, { tenant, reason });
    },
  };

  #reporter(tenant: string): ReportProblem {
    return ({ where, reason }) => {
      const text = `${where}: ${reason}`;
      if (this.#said.has(text)) return;
      // Forgetting them all only means that some are said again.
      if (this.#said.size > saidMax) this.#said = new Set();
      this.#said.add(text);
      this.#metrics.failure("rules");
      this.#options.log.error("rules left out", { tenant, where, reason });
    };
  }
}

const saidMax = 1000;

async function halt({ controller, loop }: RunningGroup): Promise<void> {
  controller.abort();
  await loop;
}

function placeOf({ namespace, group }: PlacedGroup): string {
  return JSON.stringify([namespace, group.name]);
}

function leastOf(numbers: readonly number[]): number | undefined {
  return numbers.reduce<number | undefined>((a, b) => Math.min(a ?? b, b), undefined);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function assertLimit(what: string, limit: number, actual: number): void {
  if (limit <= 0 || actual <= limit) return;
  throw new RequestError(
    400,
    `per-user ${what} limit (limit: ${limit} actual: ${actual}) exceeded`,
  );
}

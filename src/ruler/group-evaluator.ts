/** One group's rules: evaluates them at a moment, keeps their alerts over restarts. */
import { messageOf } from "#base";
import type { Clock } from "#world";
import type { ActiveAlert } from "./active-alert.ts";
import { afterOutage, type AlertStateStore, type GroupAlerts } from "./alert-state.ts";
import { AlertingRule } from "./alerting-rule.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { OutgoingSample, RuleContext } from "./rule-context.ts";
import { isAlerting, type PlacedGroup, type Rule, ruleIdentity } from "./rule-group.ts";
import type { RuleOutlets } from "./rule-outlets.ts";
import type { RuleHealth, RunningRule } from "./rule-state.ts";

export interface GroupOptions {
  readonly tenant: string;
  readonly placed: PlacedGroup;
  /** The group's own interval, or the default one. */
  readonly intervalMs: number;
  readonly context: RuleContext;
  readonly outlets: RuleOutlets;
  readonly states: AlertStateStore;
  readonly clock: Clock;
  readonly observe: GroupObserver;
}

/** For metrics and logs. */
export interface GroupObserver {
  evaluated(event: {
    readonly tenant: string;
    readonly namespace: string;
    readonly group: string;
    readonly rule: Rule;
    readonly durationMs: number;
    readonly error: string | undefined;
  }): void;
  failed(event: { readonly tenant: string; readonly what: string; readonly reason: string }): void;
}

/** A rule and how its last evaluation went; for the rules API. */
export interface RuleReport {
  readonly rule: Rule;
  readonly health: RuleHealth;
  readonly lastError: string;
  /** 0: never. */
  readonly lastEvaluationMs: number;
  readonly evaluationMs: number;
  readonly alerts: readonly ActiveAlert[];
}

class Evaluated {
  readonly running: AlertingRule | RecordingRule;
  health: RuleHealth = "unknown";
  lastError = "";
  lastEvaluationMs = 0;
  evaluationMs = 0;

  constructor(running: AlertingRule | RecordingRule) {
    this.running = running;
  }
}

export class GroupEvaluator {
  readonly #options: GroupOptions;
  readonly #rules: readonly Evaluated[];
  #startedMs: number | undefined;
  #evaluatedAtMs = 0;
  #evaluationMs = 0;
  #lastSamples = 0;
  #isRestored = false;
  /** Rules of before the change whose series have not been ended yet. */
  #orphans: readonly RunningRule[] = [];
  /** What was saved last, so that equal states are not written again. */
  #saved = "";

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#rules = options.placed.group.rules.map(
      (rule) => new Evaluated(isAlerting(rule) ? new AlertingRule(rule) : new RecordingRule(rule)),
    );
  }

  get placed(): PlacedGroup {
    return this.#options.placed;
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  /** When the evaluation under way began; wall clock. */
  get startedMs(): number | undefined {
    return this.#startedMs;
  }

  /** 0: never. */
  get evaluatedAtMs(): number {
    return this.#evaluatedAtMs;
  }

  get evaluationMs(): number {
    return this.#evaluationMs;
  }

  get lastSamples(): number {
    return this.#lastSamples;
  }

  reports(): RuleReport[] {
    return this.#rules.map((one) => ({
      rule: one.running.rule,
      health: one.health,
      lastError: one.lastError,
      lastEvaluationMs: one.lastEvaluationMs,
      evaluationMs: one.evaluationMs,
      alerts: one.running.active.filter(({ state }) => state !== "inactive"),
    }));
  }

  /** Takes over what the group was before it was changed; rules are the same by kind, name, labels. */
  inherit(before: GroupEvaluator): void {
    this.#isRestored = before.#isRestored;
    this.#evaluatedAtMs = before.#evaluatedAtMs;
    const left = [...before.#rules];
    for (const one of this.#rules) {
      const identity = ruleIdentity(one.running.rule);
      const at = left.findIndex(({ running }) => ruleIdentity(running.rule) === identity);
      const [old] = at < 0 ? [] : left.splice(at, 1);
      if (old === undefined) continue;
      const { running } = one;
      if (running instanceof AlertingRule) running.adopt(old.running.active);
      running.written.inherit(old.running.written);
    }
    this.#orphans = left.map(({ running }) => running);
  }

  /** Evaluates all rules, one after the other, as of `nowMs`. Rejects only when aborted. */
  async evaluate(nowMs: number, signal: AbortSignal): Promise<void> {
    this.#startedMs = this.#options.clock.nowMs();
    try {
      await this.#evaluateAll(nowMs, signal);
    } finally {
      this.#startedMs = undefined;
    }
  }

  async #evaluateAll(nowMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    await this.#restore(nowMs);
    let samples = 0;
    for (const orphan of this.#orphans) await this.#write(orphan.end(nowMs));
    this.#orphans = [];
    for (const one of this.#rules) {
      signal.throwIfAborted();
      samples += await this.#evaluateRule(one, nowMs, signal);
    }
    this.#evaluatedAtMs = nowMs;
    this.#lastSamples = samples;
    this.#evaluationMs = clock.monotonicMs() - startedMs;
    await this.#save();
  }

  async #evaluateRule(one: Evaluated, nowMs: number, signal: AbortSignal): Promise<number> {
    const { tenant, placed, intervalMs, context, outlets, observe, clock } = this.#options;
    const { namespace, group } = placed;
    const startedMs = clock.monotonicMs();
    let samples = 0;
    let failure: string | undefined;
    try {
      const queryMs = nowMs - group.queryOffsetMs;
      const place = { tenant, namespace, group: group.name, limit: group.limit };
      const evaluation = { ...place, nowMs, queryMs, intervalMs, signal };
      const outcome = await one.running.evaluate(evaluation, context);
      samples = outcome.samples.length;
      if (outcome.alerts.length > 0) outlets.notify(tenant, outcome.alerts);
      await this.#write(outcome.samples);
    } catch (error) {
      signal.throwIfAborted();
      failure = messageOf(error);
    }
    one.health = failure === undefined ? "ok" : "err";
    one.lastError = failure ?? "";
    one.lastEvaluationMs = nowMs;
    one.evaluationMs = clock.monotonicMs() - startedMs;
    const { rule } = one.running;
    const { evaluationMs: durationMs } = one;
    observe.evaluated({ tenant, namespace, group: group.name, rule, durationMs, error: failure });
    return samples;
  }

  async #write(samples: readonly OutgoingSample[]): Promise<void> {
    const { tenant, outlets } = this.#options;
    if (samples.length > 0 && outlets.writesSamples(tenant)) await outlets.write(tenant, samples);
  }

  /** Ends all series: the group goes away. */
  async end(nowMs: number): Promise<void> {
    for (const { running } of this.#rules) await this.#write(running.end(nowMs));
    await this.#options.states.remove(this.#place);
  }

  get #place() {
    const { tenant, placed } = this.#options;
    return { tenant, namespace: placed.namespace, name: placed.group.name };
  }

  async #restore(nowMs: number): Promise<void> {
    if (this.#isRestored) return;
    const { tenant, states, observe } = this.#options;
    this.#isRestored = true;
    try {
      const kept = await states.load(this.#place);
      if (kept === undefined) return;
      this.#adopt(kept, nowMs);
      // Whatever comes of them, what was kept is not true any more.
      this.#saved = "from before the restart";
    } catch (error) {
      const what = "alerts of before the restart";
      observe.failed({ tenant, what, reason: messageOf(error) });
    }
  }

  #adopt({ evaluatedAtMs, rules }: GroupAlerts, nowMs: number): void {
    const { intervalMs, context } = this.#options;
    const { outageToleranceMs, gracePeriodMs } = context;
    for (const { running } of this.#rules) {
      if (!(running instanceof AlertingRule)) continue;
      const { forMs } = running.rule;
      const alerts = rules.get(ruleIdentity(running.rule)) ?? [];
      const outage = { nowMs, evaluatedAtMs, intervalMs, forMs, outageToleranceMs, gracePeriodMs };
      const usable = alerts.map((alert) => afterOutage(alert, outage));
      running.adopt(usable.filter((alert) => alert !== undefined));
    }
  }

  /** Writes the alerts down when they changed in anything but their value. */
  async #save(): Promise<void> {
    const { tenant, states, observe } = this.#options;
    const rules = new Map<string, readonly ActiveAlert[]>();
    for (const { running } of this.#rules) {
      if (running.active.length > 0) rules.set(ruleIdentity(running.rule), running.active);
    }
    const pending = [...rules.values()].flat().some(({ state }) => state === "pending");
    // A pending alert needs to know when it was last seen; others only what happened to them.
    const shape = JSON.stringify([pending ? this.#evaluatedAtMs : 0, ...[...rules].map(shapeOf)]);
    if (shape === this.#saved || (rules.size === 0 && this.#saved === "")) return;
    try {
      if (rules.size === 0) await states.remove(this.#place);
      else await states.save(this.#place, { evaluatedAtMs: this.#evaluatedAtMs, rules });
      this.#saved = shape;
    } catch (error) {
      observe.failed({ tenant, what: "alerts cannot be kept", reason: messageOf(error) });
    }
  }
}

function shapeOf([rule, alerts]: readonly [string, readonly ActiveAlert[]]): unknown[] {
  return [
    rule,
    ...alerts.map((alert) => [
      alert.labels.key,
      alert.state,
      alert.activeAtMs,
      alert.resolvedAtMs,
      alert.keepFiringSinceMs,
      alert.lastSentAtMs,
    ]),
  ];
}

export function groupTitle({ namespace, group }: PlacedGroup): string {
  return `${namespace};${group.name}`;
}

/**
 * An alerting rule: every result of its expression is an alert. Semantics are Prometheus'
 * (active-alert.ts); texts of labels and annotations are templates (alert-template.ts).
 */
import { messageOf, RequestError } from "#base";
import { type LabelPair, Labels } from "#model";
import { type ActiveAlert, advanceAlert, needsSending } from "./active-alert.ts";
import { expandAlertText, type TemplateAnswers, type TemplateInput } from "./alert-template.ts";
import { pageUrl } from "./page-url.ts";
import type { OutgoingAlert, OutgoingSample, RuleContext, RuleEvaluation } from "./rule-context.ts";
import type { TemplateSample } from "./rule-functions.ts";
import type { Rule } from "./rule-group.ts";
import { type BehindAlert, behindAlert } from "./rule-queries.ts";
import type { RuleOutcome, RunningRule } from "./rule-state.ts";
import { WrittenSeries } from "./written-series.ts";

/** Annotations are read on telephones, and each asks a query of its own at every evaluation. */
const linesMax = 20;
const lineLengthMax = 1000;
/** Alerts of one rule that get their lines in one evaluation; the rest go without. */
const alertsWithLinesMax = 20;
/** The page opens on what the expression looked at, with some time before it to compare. */
const shownBeforeMs: number = 60 * 60_000;

export class AlertingRule implements RunningRule {
  readonly rule: Rule;
  readonly written: WrittenSeries = new WrittenSeries();
  #active = new Map<string, ActiveAlert>();

  constructor(rule: Rule) {
    this.rule = rule;
  }

  get active(): readonly ActiveAlert[] {
    return [...this.#active.values()];
  }

  /** Takes over alerts from before a restart or a change of the group. */
  adopt(alerts: readonly ActiveAlert[]): void {
    this.#active = new Map(alerts.map((alert) => [alert.labels.key, alert]));
  }

  async evaluate(evaluation: RuleEvaluation, context: RuleContext): Promise<RuleOutcome> {
    const { tenant, nowMs, queryMs, signal } = evaluation;
    const { expr: text, alert: rule } = this.rule;
    const found = await context.queries.instant({ tenant, text, atMs: queryMs, rule, signal });
    const holding = await this.#alertsOf(found, evaluation, context);
    for (const [key, alert] of holding) {
      const known = this.#active.get(key);
      if (known === undefined || known.state === "inactive") this.#active.set(key, alert);
      else {
        known.value = alert.value;
        known.annotations = alert.annotations;
      }
    }
    this.#advance(new Set(holding.keys()), evaluation);
    const samples = this.#samples(nowMs);
    return {
      samples: [...samples, ...this.written.replace(samples, nowMs)],
      alerts: this.#due(evaluation, context),
    };
  }

  #advance(holding: ReadonlySet<string>, { nowMs, limit }: RuleEvaluation): void {
    const { forMs, keepFiringForMs } = this.rule;
    let alive = 0;
    for (const [key, alert] of this.#active) {
      const isKept = advanceAlert(alert, holding.has(key), { nowMs, forMs, keepFiringForMs });
      if (!isKept) this.#active.delete(key);
      else if (alert.state !== "inactive") alive++;
    }
    if (limit > 0 && alive > limit) {
      this.#active.clear();
      throw new RequestError(400, `exceeded limit of ${limit} with ${alive} alerts`);
    }
  }

  async #alertsOf(
    found: readonly TemplateSample[],
    evaluation: RuleEvaluation,
    context: RuleContext,
  ): Promise<Map<string, ActiveAlert>> {
    const alerts = new Map<string, ActiveAlert>();
    const budget = { linesLeft: alertsWithLinesMax };
    for (const sample of found) {
      const answers = this.#answers(sample, evaluation, context, budget);
      const { externalLabels, externalUrl } = context;
      const pairs = sample.labels.filter(([name]) => name !== "__name__");
      const { value } = sample;
      const input = { labels: pairs, value, externalLabels, externalUrl, answers };
      const own = await this.#expandAll(this.rule.labels, input, context);
      const last = new Map<string, string>([...pairs, ...own, ["alertname", this.rule.alert]]);
      const labels = Labels.of([...last].filter(([, text]) => text !== ""));
      if (alerts.has(labels.key)) {
        throw new RequestError(
          400,
          "vector contains metrics with the same labelset after applying alert labels",
        );
      }
      const annotations = await this.#expandAll(this.rule.annotations, input, context);
      alerts.set(labels.key, newAlert(labels, Labels.of(annotations), value, evaluation.nowMs));
    }
    return alerts;
  }

  async #expandAll(
    texts: Readonly<Record<string, string>>,
    input: TemplateInput,
    context: RuleContext,
  ): Promise<LabelPair[]> {
    const { alert } = this.rule;
    const expanded: LabelPair[] = [];
    for (const [name, text] of Object.entries(texts)) {
      try {
        expanded.push([name, await expandAlertText(text, alert, input)]);
      } catch (error) {
        const reason = messageOf(error);
        context.warn("a template of an alert failed", { alert, name, reason });
        expanded.push([name, `<error expanding template: ${reason}>`]);
      }
    }
    return expanded;
  }

  #answers(
    sample: TemplateSample,
    { tenant, queryMs, signal }: RuleEvaluation,
    { queries }: RuleContext,
    budget: { linesLeft: number },
  ): TemplateAnswers {
    const { expr, alert: rule } = this.rule;
    return {
      query: (text) => queries.instant({ tenant, text, atMs: queryMs, rule, signal }),
      async lines(count) {
        const behind = behindAlert(expr, sample.labels);
        if (behind === undefined || count <= 0 || budget.linesLeft === 0) return "";
        budget.linesLeft--;
        const { fromMs, toMs } = lookedAt(behind, queryMs);
        const lines = await queries.lines({
          tenant,
          text: behind.text,
          fromMs,
          toMs,
          count: Math.min(count, linesMax),
          signal,
        });
        return lines.map(cutLine).join("\n");
      },
    };
  }

  /** What Prometheus writes of its alerts. */
  #samples(nowMs: number): OutgoingSample[] {
    const samples: OutgoingSample[] = [];
    for (const { labels, state, activeAtMs } of this.#active.values()) {
      if (state === "inactive") continue;
      const alerts = Labels.of([...labels.pairs, ["__name__", "ALERTS"], ["alertstate", state]]);
      const since = Labels.of([...labels.pairs, ["__name__", "ALERTS_FOR_STATE"]]);
      const seconds = Math.floor(activeAtMs / 1000);
      samples.push({ labels: alerts, timeMs: nowMs, value: 1, isStale: false });
      samples.push({ labels: since, timeMs: nowMs, value: seconds, isStale: false });
    }
    return samples;
  }

  /** The alerts the Alertmanagers are to hear of now. */
  #due(evaluation: RuleEvaluation, context: RuleContext): OutgoingAlert[] {
    const { nowMs, intervalMs, tenant, queryMs } = evaluation;
    const { resendDelayMs, externalUrl } = context;
    const due: OutgoingAlert[] = [];
    const range = { fromMs: queryMs - shownBeforeMs, toMs: queryMs };
    const generatorUrl = pageUrl(externalUrl, { query: this.rule.expr, range, tenant });
    // Four evaluations or sendings may fail before the Alertmanagers take the alert for over.
    const validUntilMs = nowMs + 4 * Math.max(resendDelayMs, intervalMs);
    for (const alert of this.#active.values()) {
      if (!needsSending(alert, nowMs, resendDelayMs)) continue;
      alert.lastSentAtMs = nowMs;
      due.push({
        labels: alert.labels,
        annotations: alert.annotations,
        startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
        endsAtMs: alert.resolvedAtMs ?? validUntilMs,
        generatorUrl,
      });
    }
    return due;
  }

  end(nowMs: number): readonly OutgoingSample[] {
    return this.written.replace([], nowMs);
  }
}

function newAlert(labels: Labels, annotations: Labels, value: number, nowMs: number): ActiveAlert {
  return {
    labels,
    annotations,
    value,
    state: "pending",
    activeAtMs: nowMs,
    firedAtMs: undefined,
    resolvedAtMs: undefined,
    keepFiringSinceMs: undefined,
    lastSentAtMs: undefined,
  };
}

/** A range looks at (t - range, t]; log queries take [from, to), so both ends move a little. */
function lookedAt({ rangeMs, offsetMs }: BehindAlert, queryMs: number) {
  const toMs = queryMs - offsetMs;
  return { fromMs: toMs - rangeMs + 1, toMs: toMs + 1 };
}

function cutLine(line: string): string {
  return line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}…` : line;
}

/** A recording rule: the result of its expression under a name of its own. */
import { RequestError } from "#base";
import { Labels } from "#model";
import type { ActiveAlert } from "./active-alert.ts";
import type { OutgoingSample, RuleContext, RuleEvaluation } from "./rule-context.ts";
import type { Rule } from "./rule-group.ts";
import type { RuleOutcome, RunningRule } from "./rule-state.ts";
import { WrittenSeries } from "./written-series.ts";

export class RecordingRule implements RunningRule {
  readonly rule: Rule;
  readonly active: readonly ActiveAlert[] = [];
  readonly written: WrittenSeries = new WrittenSeries();

  constructor(rule: Rule) {
    this.rule = rule;
  }

  async evaluate(evaluation: RuleEvaluation, context: RuleContext): Promise<RuleOutcome> {
    const { tenant, nowMs, queryMs, limit, signal } = evaluation;
    const { expr: text, record } = this.rule;
    const found = await context.queries.instant({
      tenant,
      text,
      atMs: queryMs,
      rule: record,
      signal,
    });
    const samples: OutgoingSample[] = [];
    const seen = new Set<string>();
    for (const { labels: pairs, value } of found) {
      const labels = Labels.of(withRuleLabels(pairs, this.rule));
      if (seen.has(labels.key)) {
        throw new RequestError(
          400,
          "vector contains metrics with the same labelset after applying rule labels",
        );
      }
      seen.add(labels.key);
      samples.push({ labels, timeMs: nowMs, value, isStale: false });
    }
    if (limit > 0 && samples.length > limit) {
      throw new RequestError(400, `exceeded limit of ${limit} with ${samples.length} series`);
    }
    return { samples: [...samples, ...this.written.replace(samples, nowMs)], alerts: [] };
  }

  end(nowMs: number): readonly OutgoingSample[] {
    return this.written.replace([], nowMs);
  }
}

function withRuleLabels(
  pairs: readonly (readonly [string, string])[],
  rule: Rule,
): (readonly [string, string])[] {
  const all: (readonly [string, string])[] = [
    ...pairs,
    ...Object.entries(rule.labels),
    ["__name__", rule.record],
  ];
  // A label set to nothing is a label removed.
  const last = new Map(all);
  return [...last].filter(([, value]) => value !== "");
}

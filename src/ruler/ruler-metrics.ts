/** Metrics of rules, under the names Loki's ruler gives them. */
import type { Metrics } from "#telemetry";
import { type GroupEvaluator, groupTitle } from "./group-evaluator.ts";

const prefix = "loki_prometheus_rule";
const names = ["user", "rule_group"] as const;
/** Seconds. Loki has summaries here; a histogram can be added up over processes. */
const durationBuckets = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export interface RulerMetrics {
  evaluated(place: GroupTitle, durationMs: number, isFailure: boolean): void;
  iteration(place: GroupTitle, missed: number): void;
  group(tenant: string, evaluator: GroupEvaluator): void;
  /** The group is gone: its figures are not shown any more. */
  forget(place: GroupTitle): void;
  failure(what: "poll" | "rules" | "state"): void;
}

export interface GroupTitle {
  readonly tenant: string;
  readonly title: string;
}

export function rulerMetrics(metrics: Metrics): RulerMetrics {
  const gauge = (name: string, help: string) =>
    metrics.gauge(`${prefix}_group_${name}`, help, names);
  const counter = (name: string, help: string) => metrics.counter(`${prefix}_${name}`, help, names);
  const evaluations = counter("evaluations_total", "Rule evaluations.");
  const failures = counter("evaluation_failures_total", "Rule evaluations that failed.");
  const iterations = counter("group_iterations_total", "Evaluations of groups, missed ones too.");
  const missedIterations = counter("group_iterations_missed_total", "Evaluations left out.");
  const interval = gauge("interval_seconds", "The interval of a group.");
  const lastTime = gauge("last_evaluation_timestamp_seconds", "The last moment evaluated.");
  const lastDuration = gauge("last_duration_seconds", "How long the last evaluation took.");
  const rules = gauge("rules", "Rules of a group.");
  const samples = gauge("last_evaluation_samples", "Samples of the last evaluation.");
  const seconds = metrics.histogram(
    `${prefix}_evaluation_duration_seconds`,
    "How long rules take to evaluate.",
    { buckets: durationBuckets },
  );
  const problems = metrics.counter("skald_ruler_failures_total", "What went wrong beside rules.", [
    "what",
  ]);
  const labelsOf = ({ tenant, title }: GroupTitle) => ({ user: tenant, rule_group: title });
  return {
    evaluated(place, durationMs, isFailure) {
      evaluations.inc(labelsOf(place));
      failures.inc(labelsOf(place), isFailure ? 1 : 0);
      seconds.observe(durationMs / 1000);
    },
    iteration(place, missed) {
      iterations.inc(labelsOf(place), 1 + missed);
      missedIterations.inc(labelsOf(place), missed);
    },
    group(tenant, evaluator) {
      const labels = labelsOf({ tenant, title: groupTitle(evaluator.placed) });
      interval.set(labels, evaluator.intervalMs / 1000);
      lastTime.set(labels, evaluator.evaluatedAtMs / 1000);
      lastDuration.set(labels, evaluator.evaluationMs / 1000);
      rules.set(labels, evaluator.placed.group.rules.length);
      samples.set(labels, evaluator.lastSamples);
    },
    forget(place) {
      const labels = labelsOf(place);
      const perGroup = [evaluations, failures, iterations, missedIterations];
      for (const metric of perGroup) metric.remove(labels);
      for (const metric of [interval, lastTime, lastDuration, rules, samples]) {
        metric.remove(labels);
      }
    },
    failure: (what) => problems.inc({ what }),
  };
}

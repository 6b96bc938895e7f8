/**
 * Rules as people write them, in the shape of Prometheus' rule files
 * (prometheus.io/docs/prometheus/latest/configuration/recording_rules); expressions are LogQL.
 */

/** One rule. Exactly one of `record` and `alert` is not empty in a valid rule. */
export interface Rule {
  readonly record: string;
  readonly alert: string;
  readonly expr: string;
  /** How long the expression must hold before the alert fires. */
  readonly forMs: number;
  /** How long the alert goes on firing after the expression holds no longer. */
  readonly keepFiringForMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Rules that are evaluated one after the other, at the same moments. */
export interface RuleGroup {
  readonly name: string;
  /** 0: ruler.evaluation_interval. */
  readonly intervalMs: number;
  /** The expressions are asked as of so long ago; 0: as of now. */
  readonly queryOffsetMs: number;
  /** More alerts or series of one rule are an error; 0: no limit. */
  readonly limit: number;
  readonly rules: readonly Rule[];
}

/** A group where it lives: the namespace is the file's name when it came from a file. */
export interface PlacedGroup {
  readonly namespace: string;
  readonly group: RuleGroup;
}

export function isAlerting(rule: Rule): boolean {
  return rule.alert !== "";
}

export function ruleName(rule: Rule): string {
  return isAlerting(rule) ? rule.alert : rule.record;
}

/** What makes a rule the same one after its group was changed: its kind, name and labels. */
export function ruleIdentity(rule: Rule): string {
  const labels = Object.entries(rule.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([isAlerting(rule) ? "alert" : "record", ruleName(rule), labels]);
}

/** Rules and alerts in the JSON of Prometheus' API, with the fields Loki gives them. */
import { formatSampleValue } from "#gofmt";
import type { Labels } from "#model";
import type { ActiveAlert, GroupReport, RuleReport } from "#ruler";
import { isAlerting, ruleName } from "#ruler";

/** Which rules are asked for; empty lists: all. */
export interface RuleFilter {
  readonly type: "" | "alert" | "record";
  readonly ruleNames: readonly string[];
  readonly groupNames: readonly string[];
  readonly files: readonly string[];
  /** A rule passes when its own labels do. */
  readonly matches: (labels: Readonly<Record<string, string>>) => boolean;
  readonly excludeAlerts: boolean;
}

export function groupsJson(groups: readonly GroupReport[], filter: RuleFilter): string {
  const shown = groups.flatMap((group) => {
    if (!isChosen(filter.groupNames, group.group.name)) return [];
    if (!isChosen(filter.files, group.namespace)) return [];
    const rules = group.rules.filter((report) => isShown(report, filter));
    // A group without rules is shown unless somebody looks for rules.
    if (rules.length === 0 && group.rules.length > 0) return [];
    return [groupValue(group, rules, filter)];
  });
  return success({ groups: shown });
}

export function alertsJson(groups: readonly GroupReport[]): string {
  const alerts = groups.flatMap(({ rules }) => rules.flatMap((report) => report.alerts));
  return success({ alerts: alerts.map(alertValue) });
}

function success(data: unknown): string {
  return JSON.stringify({ status: "success", data, errorType: "", error: "" });
}

function isChosen(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

function isShown({ rule }: RuleReport, filter: RuleFilter): boolean {
  if (filter.type === "alert" && !isAlerting(rule)) return false;
  if (filter.type === "record" && isAlerting(rule)) return false;
  return isChosen(filter.ruleNames, ruleName(rule)) && filter.matches(rule.labels);
}

function groupValue(report: GroupReport, rules: readonly RuleReport[], filter: RuleFilter) {
  const { group, namespace } = report;
  return {
    name: group.name,
    file: namespace,
    rules: rules.map((rule) => ruleValue(rule, filter)),
    interval: report.intervalMs / 1000,
    ...(group.limit === 0 ? {} : { limit: group.limit }),
    lastEvaluation: timeText(report.lastEvaluationMs),
    evaluationTime: report.evaluationMs / 1000,
  };
}

function ruleValue(report: RuleReport, filter: RuleFilter) {
  const { rule, alerts } = report;
  const about = {
    health: report.health,
    lastError: report.lastError,
    type: isAlerting(rule) ? "alerting" : "recording",
    lastEvaluation: timeText(report.lastEvaluationMs),
    evaluationTime: report.evaluationMs / 1000,
  };
  const { expr: query, labels } = rule;
  if (!isAlerting(rule)) return { name: rule.record, query, labels, ...about };
  return {
    state: stateOf(alerts),
    name: rule.alert,
    query,
    duration: rule.forMs / 1000,
    ...(rule.keepFiringForMs === 0 ? {} : { keepFiringFor: rule.keepFiringForMs / 1000 }),
    labels,
    annotations: rule.annotations,
    alerts: filter.excludeAlerts ? [] : alerts.map(alertValue),
    ...about,
  };
}

/** The most that any alert of the rule is. */
function stateOf(alerts: readonly ActiveAlert[]): string {
  if (alerts.some(({ state }) => state === "firing")) return "firing";
  return alerts.length > 0 ? "pending" : "inactive";
}

function alertValue(alert: ActiveAlert) {
  const { keepFiringSinceMs } = alert;
  return {
    labels: recordOf(alert.labels),
    annotations: recordOf(alert.annotations),
    state: alert.state,
    activeAt: timeText(alert.activeAtMs),
    ...(keepFiringSinceMs === undefined ? {} : { keepFiringSince: timeText(keepFiringSinceMs) }),
    value: exponentText(alert.value),
  };
}

/** Go's `strconv.FormatFloat(v, 'e', -1, 64)`. */
function exponentText(value: number): string {
  if (!Number.isFinite(value)) return formatSampleValue(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function recordOf(labels: Labels): Record<string, string> {
  return labels.toRecord();
}

/** Never is Go's zero time. */
function timeText(timeMs: number): string {
  if (timeMs === 0) return "0001-01-01T00:00:00Z";
  return new Date(timeMs).toISOString().replace(/\.?0*Z$/, "Z");
}

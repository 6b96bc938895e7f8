/** What Loki's ruler refuses, in its order and words. */
import { messageOf } from "#base";
import { ParseError, parseQuery } from "#logql";
import { TemplateError } from "#gotemplate";
import { checkTemplate } from "./alert-template.ts";
import { isAlerting, type Rule, type RuleGroup } from "./rule-group.ts";

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** One text for each thing that is wrong; empty when the groups can be run. */
export function validateGroups(groups: readonly RuleGroup[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [at, group] of groups.entries()) {
    if (group.name === "") problems.push(`group ${at}: Groupname must not be empty`);
    if (seen.has(group.name)) {
      problems.push(`groupname: "${group.name}" is repeated in the same file`);
    }
    seen.add(group.name);
    for (const rule of group.rules) {
      const problem = ruleProblem(rule, group.name);
      if (problem !== undefined) problems.push(problem);
    }
  }
  return problems;
}

/** The first thing that is wrong with a rule. */
function ruleProblem(rule: Rule, group: string): string | undefined {
  if (rule.record !== "" && rule.alert !== "") {
    return "only one of 'record' and 'alert' must be set";
  }
  if (rule.record === "" && rule.alert === "") return "one of 'record' or 'alert' must be set";
  if (rule.expr === "") return "field 'expr' must be set in rule";
  const complaint = exprProblem(rule.expr);
  if (complaint !== undefined) {
    const what = isAlerting(rule) ? `alert '${rule.alert}'` : `record '${rule.record}'`;
    return `could not parse expression for ${what} in group '${group}': ${complaint}`;
  }
  if (!isAlerting(rule)) {
    if (Object.keys(rule.annotations).length > 0) {
      return "invalid field 'annotations' in recording rule";
    }
    if (rule.forMs !== 0) return "invalid field 'for' in recording rule";
    if (!metricName.test(rule.record)) return `invalid recording rule name: ${rule.record}`;
  }
  return textsProblem(rule);
}

function exprProblem(expr: string): string | undefined {
  try {
    parseQuery(expr);
    return undefined;
  } catch (error) {
    if (error instanceof ParseError) return messageOf(error);
    throw error;
  }
}

function textsProblem(rule: Rule): string | undefined {
  for (const [name, value] of Object.entries(rule.labels)) {
    if (!labelName.test(name) || name === "__name__") return `invalid label name: ${name}`;
    if (!value.isWellFormed()) return `invalid label value: ${value}`;
  }
  for (const name of Object.keys(rule.annotations)) {
    if (!labelName.test(name)) return `invalid annotation name: ${name}`;
  }
  if (!isAlerting(rule)) return undefined;
  return (
    templateProblem("label", rule.labels, rule.alert) ??
    templateProblem("annotation", rule.annotations, rule.alert)
  );
}

function templateProblem(
  kind: "label" | "annotation",
  texts: Readonly<Record<string, string>>,
  alert: string,
): string | undefined {
  for (const [name, text] of Object.entries(texts)) {
    try {
      checkTemplate(text, alert);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return `${kind} ${JSON.stringify(name)}: ${messageOf(error)}`;
    }
  }
  return undefined;
}

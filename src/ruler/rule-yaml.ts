/**
 * Rule groups ⇄ YAML: what is posted to the rules API and what lies in rule files, read as
 * leniently as Loki reads it (unknown keys are passed over), printed as Loki prints it.
 */
import { parseDocument } from "yaml";
import { parseRuleDuration, printRuleDuration } from "./rule-duration.ts";
import type { PlacedGroup, Rule, RuleGroup } from "./rule-group.ts";
import { compareYamlKeys, yamlScalar } from "./yaml-text.ts";

/** The text is not YAML, or a value has the wrong type. */
export class RuleYamlError extends Error {}

/** More aliases would only be a way to make a small text large. */
const aliasesMax = 100;

type Tree = Readonly<Record<string, unknown>>;

/** One group, as the API takes it. Throws RuleYamlError. */
export function parseRuleGroup(text: string): RuleGroup {
  const tree = parseYaml(text);
  return groupOf(tree === null || tree === "" ? {} : mapOf(tree, "the group"));
}

export interface RuleFile {
  /** `namespace:`, which files of rule tools have; undefined when there is none. */
  readonly namespace: string | undefined;
  readonly groups: readonly RuleGroup[];
}

/** A file with `groups:`. Throws RuleYamlError. */
export function parseRuleFile(text: string): RuleFile {
  const tree = parseYaml(text);
  const file = tree === null || tree === "" ? {} : mapOf(tree, "the file");
  const namespace = textOf(file["namespace"], "namespace");
  const groups = listOf(file["groups"], "groups").map((group, at) =>
    groupOf(mapOf(group, `groups[${at}]`)),
  );
  return { namespace: namespace === "" ? undefined : namespace, groups };
}

/** Namespace → groups, as `GET /loki/api/v1/rules` answers. Throws RuleYamlError. */
export function parseRuleGroups(text: string): PlacedGroup[] {
  const tree = parseYaml(text);
  return Object.entries(mapOf(tree, "the answer")).flatMap(([namespace, groups]) =>
    listOf(groups, namespace).map((group, at) => ({
      namespace,
      group: groupOf(mapOf(group, `${namespace}[${at}]`)),
    })),
  );
}

function parseYaml(text: string): unknown {
  // All scalars as the texts they are: durations, numbers and names are read below.
  try {
    const document = parseDocument(text, { schema: "failsafe", merge: true, strict: true });
    const [first] = document.errors;
    if (first !== undefined) throw new RuleYamlError(first.message);
    return document.toJS({ maxAliasCount: aliasesMax }) as unknown;
  } catch (error) {
    // The parser calls itself for each level, until the stack ends.
    if (error instanceof RangeError) throw new RuleYamlError("nested too deeply");
    throw new RuleYamlError(error instanceof Error ? error.message : String(error));
  }
}

function mapOf(value: unknown, what: string): Tree {
  if (value === undefined || value === null || value === "") return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new RuleYamlError(`${what}: expected a map`);
  }
  return value as Tree;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null || value === "") return [];
  if (!Array.isArray(value)) throw new RuleYamlError(`${what}: expected a list`);
  return value;
}

function textOf(value: unknown, what: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new RuleYamlError(`${what}: expected a text`);
  return value;
}

function durationOf(value: unknown, what: string): number {
  const text = textOf(value, what);
  if (value === undefined || value === null) return 0;
  const durationMs = parseRuleDuration(text);
  if (durationMs === undefined) {
    throw new RuleYamlError(`${what}: not a valid duration string: ${JSON.stringify(text)}`);
  }
  return durationMs;
}

function countOf(value: unknown, what: string): number {
  const text = textOf(value, what);
  if (text === "") return 0;
  if (!/^[-+]?\d+$/.test(text)) throw new RuleYamlError(`${what}: expected a whole number`);
  return Number(text);
}

function textsOf(value: unknown, what: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, text] of Object.entries(mapOf(value, what))) {
    texts[name] = textOf(text, `${what}.${name}`);
  }
  return texts;
}

function groupOf(tree: Tree): RuleGroup {
  return {
    name: textOf(tree["name"], "name"),
    intervalMs: durationOf(tree["interval"], "interval"),
    queryOffsetMs: durationOf(tree["query_offset"], "query_offset"),
    limit: countOf(tree["limit"], "limit"),
    rules: listOf(tree["rules"], "rules").map((rule, at) => ruleOf(mapOf(rule, `rules[${at}]`))),
  };
}

function ruleOf(tree: Tree): Rule {
  return {
    record: textOf(tree["record"], "record"),
    alert: textOf(tree["alert"], "alert"),
    expr: textOf(tree["expr"], "expr"),
    forMs: durationOf(tree["for"], "for"),
    keepFiringForMs: durationOf(tree["keep_firing_for"], "keep_firing_for"),
    labels: textsOf(tree["labels"], "labels"),
    annotations: textsOf(tree["annotations"], "annotations"),
  };
}

/** The next multiple of four: how far yaml.v3 moves what belongs to a key. */
function deeper(indent: string): string {
  return " ".repeat(4 * Math.floor((indent.length + 4) / 4));
}

/** As `GET /loki/api/v1/rules/{namespace}/{group}` answers. */
export function printRuleGroup(group: RuleGroup): string {
  return `${groupLines(group, "").join("\n")}\n`;
}

/** As `GET /loki/api/v1/rules` answers: namespace → groups. */
export function printRuleGroups(groups: readonly PlacedGroup[]): string {
  let text = "";
  const byNamespace = Map.groupBy(groups, ({ namespace }) => namespace);
  const namespaces = [...byNamespace.keys()].sort(compareYamlKeys);
  for (const namespace of namespaces) {
    text += `${yamlScalar(namespace, "")}:\n`;
    text += (byNamespace.get(namespace) ?? []).map(({ group }) => groupItem(group)).join("");
  }
  return text;
}

/** A rule file with `groups:`, as rule tools write it. */
export function printRuleFile({ namespace, groups }: RuleFile): string {
  const head = namespace === undefined ? "" : `namespace: ${yamlScalar(namespace, "    ")}\n`;
  if (groups.length === 0) return `${head}groups: []\n`;
  return `${head}groups:\n${groups.map(groupItem).join("")}`;
}

function groupItem(group: RuleGroup): string {
  const dash = deeper("");
  return `${asItem(groupLines(group, `${dash}  `), dash).join("\n")}\n`;
}

/** The first line gets the dash. */
function asItem(lines: readonly string[], dash: string): string[] {
  return lines.map((line, at) => (at === 0 ? `${dash}- ${line.trimStart()}` : line));
}

function groupLines(group: RuleGroup, indent: string): string[] {
  const inner = deeper(indent);
  const lines = [`${indent}name: ${yamlScalar(group.name, inner)}`];
  const { intervalMs, queryOffsetMs, limit, rules } = group;
  if (intervalMs !== 0) lines.push(`${indent}interval: ${printRuleDuration(intervalMs)}`);
  if (queryOffsetMs !== 0) lines.push(`${indent}query_offset: ${printRuleDuration(queryOffsetMs)}`);
  if (limit !== 0) lines.push(`${indent}limit: ${limit}`);
  lines.push(rules.length === 0 ? `${indent}rules: []` : `${indent}rules:`);
  for (const rule of rules) lines.push(...asItem(ruleLines(rule, `${inner}  `), inner));
  return lines;
}

function ruleLines(rule: Rule, indent: string): string[] {
  const inner = deeper(indent);
  const lines: string[] = [];
  if (rule.record !== "") lines.push(`${indent}record: ${yamlScalar(rule.record, inner)}`);
  if (rule.alert !== "") lines.push(`${indent}alert: ${yamlScalar(rule.alert, inner)}`);
  lines.push(`${indent}expr: ${yamlScalar(rule.expr, inner)}`);
  if (rule.forMs !== 0) lines.push(`${indent}for: ${printRuleDuration(rule.forMs)}`);
  if (rule.keepFiringForMs !== 0) {
    lines.push(`${indent}keep_firing_for: ${printRuleDuration(rule.keepFiringForMs)}`);
  }
  lines.push(...textLines("labels", rule.labels, indent));
  lines.push(...textLines("annotations", rule.annotations, indent));
  return lines;
}

function textLines(
  name: string,
  texts: Readonly<Record<string, string>>,
  indent: string,
): string[] {
  const keys = Object.keys(texts).sort(compareYamlKeys);
  if (keys.length === 0) return [];
  const inner = deeper(indent);
  const lines = [`${indent}${name}:`];
  for (const key of keys) {
    const value = yamlScalar(texts[key] ?? "", deeper(inner));
    lines.push(`${inner}${yamlScalar(key, inner)}: ${value}`);
  }
  return lines;
}

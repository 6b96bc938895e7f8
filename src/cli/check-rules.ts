/** What is wrong with rule files: all that the server would refuse, and what it would pass over. */
import { ParseError, parseQuery } from "#logql";
import {
  isAlerting,
  parseRuleFile,
  type PlacedGroup,
  type Rule,
  type RuleGroup,
  ruleIdentity,
  ruleName,
  validateGroups,
} from "#ruler";
import type { FileFault, FilePosition, YamlPath, YamlReader } from "./yaml-reader.ts";

const fileKeys = ["namespace", "groups"];
const groupKeys = ["name", "interval", "query_offset", "limit", "rules"];
const ruleKeys = ["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];

/** Adds faults to the reader. True when the file can be parsed, however wrong its rules are. */
export function checkRuleFile(reader: YamlReader): boolean {
  checkShape(reader);
  if (reader.hasErrors) return false;
  const { groups } = parseRuleFile(reader.source);
  const names = new Set<string>();
  const rules = new Set<string>();
  for (const [at, group] of groups.entries()) {
    const path = ["groups", at];
    if (group.name === "") reader.complain(path, "the group has no name");
    else if (names.has(group.name)) {
      const name = JSON.stringify(group.name);
      reader.complain([...path, "name"], `the file has two groups of the name ${name}`);
    }
    names.add(group.name);
    for (const [ruleAt, rule] of group.rules.entries()) {
      const rulePath = [...path, "rules", ruleAt];
      checkRule(reader, rulePath, group, rule);
      adviseOn(reader, rulePath, rule, rules);
    }
  }
  return true;
}

/** Types and keys. The server passes unknown keys over: a `fro:` would be no `for:`. */
function checkShape(reader: YamlReader): void {
  const file = reader.map(reader.root, [], fileKeys);
  if (file === undefined) {
    if (!reader.hasErrors) reader.complain([], "the file has no groups", "warning");
    return;
  }
  reader.text(file["namespace"], ["namespace"]);
  for (const [at, one] of reader.list(file["groups"], ["groups"]).entries()) {
    const path = ["groups", at];
    const group = reader.map(one, path, groupKeys);
    if (group === undefined) continue;
    reader.text(group["name"], [...path, "name"]);
    reader.duration(group["interval"], [...path, "interval"]);
    reader.duration(group["query_offset"], [...path, "query_offset"]);
    reader.whole(group["limit"], [...path, "limit"]);
    for (const [ruleAt, rule] of reader.list(group["rules"], [...path, "rules"]).entries()) {
      checkRuleShape(reader, rule, [...path, "rules", ruleAt]);
    }
  }
}

function checkRuleShape(reader: YamlReader, value: unknown, path: YamlPath): void {
  const rule = reader.map(value, path, ruleKeys);
  if (rule === undefined) return;
  for (const key of ["record", "alert", "expr"]) reader.text(rule[key], [...path, key]);
  for (const key of ["for", "keep_firing_for"]) reader.duration(rule[key], [...path, key]);
  for (const key of ["labels", "annotations"]) reader.texts(rule[key], [...path, key]);
}

function checkRule(reader: YamlReader, path: YamlPath, group: RuleGroup, rule: Rule): void {
  if (checkExpr(reader, [...path, "expr"], rule.expr)) return;
  // The name of the group is complained of by itself.
  for (const problem of validateGroups([{ ...group, name: group.name || "-", rules: [rule] }])) {
    reader.complain(placeOf(problem, path), problem);
  }
}

/** True when there is something wrong with the expression itself. */
function checkExpr(reader: YamlReader, path: YamlPath, expr: string): boolean {
  if (expr === "") return false;
  try {
    if (parseQuery(expr).kind !== "log") return false;
    const why =
      "the expression is a log query; a rule needs a number, as of count_over_time(… [5m])";
    reader.complain(path, why);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    // The place is that of the file; the one in the message is that of the expression.
    const message = error.message.replace(/^parse error(?: at line \d+, col \d+)? ?:/, "LogQL:");
    reader.complainInside(path, positionIn(expr, error), message);
  }
  return true;
}

function positionIn(expr: string, { span, line, column }: ParseError): FilePosition {
  if (span === undefined) return { line: Math.max(1, line), column: Math.max(1, column) };
  const before = expr.slice(0, span.from).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/** The text of a problem names the label or annotation; else the rule as a whole is meant. */
function placeOf(problem: string, path: YamlPath): YamlPath {
  const template = /^(label|annotation) ("(?:[^"\\]|\\.)*"): /.exec(problem);
  if (template !== null) return [...path, `${template[1]}s`, JSON.parse(template[2]!) as string];
  const name = /^invalid (label|annotation) name: (.*)$/s.exec(problem);
  if (name !== null) return [...path, `${name[1]}s`, name[2]!];
  const field = /^invalid field '(\w+)'/.exec(problem)?.[1];
  if (field !== undefined) return [...path, field];
  return problem.startsWith("invalid recording rule name") ? [...path, "record"] : path;
}

/** What works and is probably not meant. */
function adviseOn(reader: YamlReader, path: YamlPath, rule: Rule, seen: Set<string>): void {
  const identity = ruleIdentity(rule);
  if (ruleName(rule) !== "" && seen.has(identity)) {
    const what = isAlerting(rule) ? "alert" : "record";
    const why = `the file has two rules of the name ${rule[what]} with the same labels`;
    reader.complain([...path, what], why, "warning");
  }
  seen.add(identity);
  if (!isAlerting(rule) && rule.record !== "" && !rule.record.includes(":")) {
    const why = "names of recorded series are level:metric:operations, such as app:errors:rate5m";
    reader.complain([...path, "record"], why, "warning");
  }
}

/** Groups of one namespace may come from several files, but each from one only. */
export function checkTogether(
  files: readonly { readonly reader: YamlReader; readonly groups: readonly PlacedGroup[] }[],
): FileFault[] {
  const first = new Map<string, string>();
  const faults: FileFault[] = [];
  for (const { reader, groups } of files) {
    for (const [at, { namespace, group }] of groups.entries()) {
      const place = JSON.stringify([namespace, group.name]);
      const other = first.get(place);
      if (other === undefined) first.set(place, reader.file);
      else if (other !== reader.file) {
        const message = `namespace ${namespace} has group ${group.name} in ${other}, too`;
        const position = reader.position(["groups", at, "name"]);
        faults.push({ file: reader.file, ...position, level: "error", message, excerpt: [] });
      }
    }
  }
  return faults;
}

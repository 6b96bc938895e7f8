/**
 * Relabelling as Prometheus has it (prometheus.io/docs/prometheus/latest/configuration/configuration,
 * relabel_config): of alerts before they are sent, of samples before they are written.
 */
import { createHash } from "node:crypto";
import { Labels } from "#model";
import { compileRegex, expandTemplate, type Regex } from "#regex";

export const relabelActions = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
] as const;
export type RelabelAction = (typeof relabelActions)[number];

export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: Regex;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly modulus: number;
}

type Record = Readonly<{ [key: string]: unknown }>;

/** From configuration, with Prometheus' defaults. Throws RegexSyntaxError, or Error for the rest. */
export function relabelRule(config: Record): RelabelRule {
  const text = (key: string, otherwise: string): string =>
    typeof config[key] === "string" ? config[key] : otherwise;
  const action = text("action", "replace").toLowerCase();
  const known = relabelActions.find((name) => name === action);
  if (known === undefined) throw new Error(`unknown relabel action ${JSON.stringify(action)}`);
  const sources = config["source_labels"];
  return {
    action: known,
    sourceLabels: Array.isArray(sources) ? sources.map(String) : [],
    separator: text("separator", ";"),
    regex: compileRegex(text("regex", "(.*)"), { anchored: true }),
    targetLabel: text("target_label", ""),
    replacement: text("replacement", "$1"),
    modulus: Number(config["modulus"] ?? 0),
  };
}

/** Undefined: what carries the labels is to be dropped. */
export function relabel(labels: Labels, rules: readonly RelabelRule[]): Labels | undefined {
  if (rules.length === 0) return labels;
  let current: Map<string, string> | undefined = new Map(labels.pairs);
  for (const rule of rules) {
    current = applyRule(current, rule);
    if (current === undefined) return undefined;
  }
  return Labels.of([...current].filter(([, value]) => value !== ""));
}

function applyRule(
  labels: Map<string, string>,
  rule: RelabelRule,
): Map<string, string> | undefined {
  const { regex, targetLabel } = rule;
  const joined = rule.sourceLabels.map((name) => labels.get(name) ?? "").join(rule.separator);
  switch (rule.action) {
    case "keep":
      return regex.test(joined) ? labels : undefined;
    case "drop":
      return regex.test(joined) ? undefined : labels;
    case "keepequal":
      return labels.get(targetLabel) === joined ? labels : undefined;
    case "dropequal":
      return labels.get(targetLabel) === joined ? undefined : labels;
    case "replace":
      return replaced(labels, joined, rule);
    case "lowercase":
      return labels.set(targetLabel, joined.toLowerCase());
    case "uppercase":
      return labels.set(targetLabel, joined.toUpperCase());
    case "hashmod":
      return labels.set(targetLabel, hashMod(joined, rule.modulus));
    case "labeldrop":
      return new Map([...labels].filter(([name]) => !regex.test(name)));
    case "labelkeep":
      return new Map([...labels].filter(([name]) => regex.test(name)));
    case "labelmap":
      for (const [name, value] of new Map(labels)) {
        const match = regex.find(name);
        if (match === undefined) continue;
        const { groupNames } = regex;
        labels.set(expandTemplate(rule.replacement, { groupNames, ...match }), value);
      }
      return labels;
    default:
      return rule.action satisfies never;
  }
}

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function replaced(
  labels: Map<string, string>,
  joined: string,
  { regex, targetLabel, replacement }: RelabelRule,
): Map<string, string> {
  const match = regex.find(joined);
  if (match === undefined) return labels;
  const { groupNames } = regex;
  const target = expandTemplate(targetLabel, { groupNames, ...match });
  if (!labelName.test(target)) return labels;
  const value = expandTemplate(replacement, { groupNames, ...match });
  if (value === "") labels.delete(target);
  else labels.set(target, value);
  return labels;
}

/** The last eight bytes of the MD5, modulo. */
function hashMod(text: string, modulus: number): string {
  if (!Number.isInteger(modulus) || modulus <= 0) return "0";
  const hash = createHash("md5").update(text).digest().readBigUInt64BE(8);
  return (hash % BigInt(modulus)).toString();
}

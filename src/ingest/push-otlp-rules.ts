import { LruMap } from "#base";
import type { OtlpMapping, OtlpRule } from "#config";
import { compileRegex } from "#regex";
import { OtlpKeys } from "./push-otlp-names.ts";

export type OtlpAction = OtlpRule["action"];

/** What becomes of the attributes of resources, scopes and records (otlp_config). */
export interface OtlpActions {
  readonly resource: (key: string) => OtlpAction;
  readonly scope: (key: string) => OtlpAction;
  readonly log: (key: string) => OtlpAction;
  /** Keys of attributes of records, with what `log` says of them. */
  readonly logKeys: OtlpKeys;
}

/**
 * Decisions remembered for one list of rules; attribute keys in use are few, those of a hostile
 * client many.
 */
const decisionsMax = 4096;

const compiled = new WeakMap<OtlpMapping, OtlpActions>();

export function otlpActionsOf(mapping: OtlpMapping): OtlpActions {
  const known = compiled.get(mapping);
  if (known !== undefined) return known;
  const defaults: OtlpRule = {
    action: "index_label",
    attributes: mapping.defaultIndexLabels,
    regex: undefined,
  };
  const { ignoreDefaults, rules } = mapping.resourceAttributes;
  const log = decide(mapping.logAttributes);
  const actions = {
    resource: decide(ignoreDefaults ? rules : [defaults, ...rules]),
    scope: decide(mapping.scopeAttributes),
    log,
    logKeys: new OtlpKeys(log),
  };
  compiled.set(mapping, actions);
  return actions;
}

/** The first rule that names the key, exactly or by its expression, else structured metadata. */
function decide(rules: readonly OtlpRule[]): (key: string) => OtlpAction {
  if (rules.length === 0) return () => "structured_metadata";
  const tests = rules.map((rule) => {
    const names = new Set(rule.attributes);
    const regex =
      rule.regex === undefined || rule.regex === ""
        ? undefined
        : compileRegex(rule.regex, { anchored: true });
    return (key: string): boolean => names.has(key) || regex?.test(key) === true;
  });
  const decisions = new LruMap<string, OtlpAction>({ weightMax: decisionsMax });
  return (key) => {
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const index = tests.findIndex((test) => test(key));
    const action = index < 0 ? "structured_metadata" : rules[index]!.action;
    if (key.length <= 256) decisions.set(key, action);
    return action;
  };
}

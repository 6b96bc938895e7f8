import { checkLimits, limitsOf } from "./build-limits.ts";
import { type ConfigProblem, problemText } from "./config-error.ts";
import { type KeyNode, parseKeys } from "./key-shapes.ts";
import { limitsSection } from "./key-tree.ts";
import type { Limits, LimitsByTenant } from "./limits.ts";
import type { SettingValues } from "./settings.ts";
import type { Value } from "./value-types.ts";
import { YamlReader } from "./yaml-reader.ts";

/** Limits of the tenants that have their own; the others have the base. */
export class TenantLimits implements LimitsByTenant {
  readonly base: Limits;
  readonly byTenant: ReadonlyMap<string, Limits>;

  constructor(base: Limits, byTenant: ReadonlyMap<string, Limits>) {
    this.base = base;
    this.byTenant = byTenant;
  }

  for(tenant: string): Limits {
    return this.byTenant.get(tenant) ?? this.base;
  }
}

export interface OverridesReading {
  readonly byTenant: ReadonlyMap<string, Limits>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** The sections of a runtime configuration file; only overrides mean something here. */
const sections = parseKeys("overrides -multi_kv_config -configs -default_limits_config");

/**
 * Reads files with overrides; a later file wins key by key. `settings` are the effective ones of
 * the configuration: a tenant's keys go over its limits_config.
 */
export function readOverrides(
  files: readonly { readonly source: string; readonly text: string }[],
  settings: SettingValues,
): OverridesReading {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const valuesByTenant = new Map<string, Map<string, Value>>();
  for (const { source, text } of files) {
    const onIdleKey = (path: string, node: KeyNode, line: number): void => {
      if (node.state === "unneeded") return;
      warnings.push(`${source}:${line}: ${path}: Skald does not have this yet, ignored`);
    };
    const reader = new YamlReader({ source, text, onIdleKey });
    readFile(reader, valuesByTenant);
    problems.push(...reader.problems);
  }
  const byTenant = new Map<string, Limits>();
  for (const [tenant, own] of valuesByTenant) {
    const values = new Map([...settings, ...own]);
    checkLimits(values, (key, message) => {
      problems.push({ source: `overrides of ${tenant}`, line: 0, column: 0, key, message });
    });
    byTenant.set(tenant, limitsOf(values));
  }
  return { byTenant, problems: problems.map(problemText), warnings };
}

function readFile(reader: YamlReader, byTenant: Map<string, Map<string, Value>>): void {
  reader.checkNames(reader.root, sections);
  for (const [name, section] of reader.entries(reader.root, "")) {
    if (name !== "overrides") continue;
    for (const [tenant, limits] of reader.entries(section, "overrides")) {
      const values = byTenant.get(tenant) ?? new Map<string, Value>();
      byTenant.set(tenant, values);
      reader.readSection(limits, limitsSection, "limits_config", values);
    }
  }
}

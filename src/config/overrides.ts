import { checkLimits, limitsOf } from "./build-limits.ts";
import type { Config } from "./config.ts";
import { type ConfigProblem, problemText } from "./config-error.ts";
import { type KeyNode, parseKeys } from "./key-shapes.ts";
import { limitsSection } from "./key-tree.ts";
import type { Limits, LimitsByTenant } from "./limits.ts";
import { configTree, printTree } from "./print-config.ts";
import type { SettingValues } from "./settings.ts";
import type { Value } from "./value-types.ts";
import { YamlReader } from "./yaml-reader.ts";

type OverridesByTenant = ReadonlyMap<string, SettingValues>;

/** Where a tenant's keys are read to. */
const limitsPath = "limits_config";

/** Limits of the tenants that have their own; the others have the base. */
export class TenantLimits implements LimitsByTenant {
  readonly #base: Limits;
  readonly #settings: SettingValues;
  readonly #overrides: OverridesByTenant;
  readonly #byTenant = new Map<string, Limits>();

  /** `overrides` hold paths below limits_config, over those of `settings`. */
  constructor(parts: { base: Limits; settings: SettingValues; overrides: OverridesByTenant }) {
    this.#base = parts.base;
    this.#settings = parts.settings;
    this.#overrides = parts.overrides;
    for (const tenant of parts.overrides.keys()) {
      this.#byTenant.set(tenant, limitsOf(this.#valuesFor(tenant)));
    }
  }

  for(tenant: string): Limits {
    return this.#byTenant.get(tenant) ?? this.#base;
  }

  tenants(): readonly string[] {
    return [...this.#overrides.keys()];
  }

  inLokiKeys(tenant: string): Readonly<Record<string, unknown>> {
    return configTree(this.#valuesFor(tenant))[limitsPath] as Record<string, unknown>;
  }

  yaml(): string {
    const trees = [...this.#overrides].map(([tenant, own]) => [
      tenant,
      configTree(own)[limitsPath] ?? {},
    ]);
    return printTree({ overrides: Object.fromEntries(trees) });
  }

  #valuesFor(tenant: string): SettingValues {
    return new Map([...this.#settings, ...(this.#overrides.get(tenant) ?? [])]);
  }
}

export interface OverridesReading {
  readonly limits: TenantLimits;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** The sections of a runtime configuration file; only overrides mean something here. */
const sections = parseKeys("overrides -multi_kv_config -configs -default_limits_config");

/**
 * Reads files with overrides; a later file wins key by key. A tenant's keys go over the
 * limits_config of `loaded`. The limits are of use only if there are no problems.
 */
export function readOverrides(
  files: readonly { readonly source: string; readonly text: string }[],
  loaded: { readonly config: Config; readonly settings: SettingValues },
): OverridesReading {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const overrides = new Map<string, Map<string, Value>>();
  for (const { source, text } of files) {
    const file = new OverridesFile(source, text, overrides);
    problems.push(...file.problems);
    warnings.push(...file.warnings);
  }
  for (const [tenant, own] of overrides) {
    checkLimits(new Map([...loaded.settings, ...own]), (key, message) => {
      const shown = shownKey(key, tenant);
      problems.push({ source: "overrides", line: 0, column: 0, key: shown, message });
    });
  }
  const { config, settings } = loaded;
  const limits = new TenantLimits({ base: config.limits, settings, overrides });
  return { limits, problems: problems.map(problemText), warnings };
}

function shownKey(key: string, tenant: string): string {
  return key.startsWith(limitsPath) ? `overrides.${tenant}${key.slice(limitsPath.length)}` : key;
}

class OverridesFile {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly #source: string;
  /** Whose keys are being read. */
  #tenant = "";

  constructor(source: string, text: string, overrides: Map<string, Map<string, Value>>) {
    this.#source = source;
    const onIdleKey = (path: string, node: KeyNode, line: number): void => {
      this.#onIdleKey(path, node, line);
    };
    const reader = new YamlReader({ source, text, onIdleKey });
    reader.checkNames(reader.root, sections);
    for (const [name, section] of reader.entries(reader.root, "")) {
      if (name !== "overrides") continue;
      for (const [tenant, limits] of reader.entries(section, "overrides")) {
        const values = overrides.get(tenant) ?? new Map<string, Value>();
        overrides.set(tenant, values);
        this.#tenant = tenant;
        reader.readSection(limits, limitsSection, limitsPath, values);
        this.#takeProblems(reader);
      }
    }
    this.#takeProblems(reader);
  }

  #takeProblems(reader: YamlReader): void {
    for (const problem of reader.problems.splice(0)) {
      this.problems.push({ ...problem, key: shownKey(problem.key, this.#tenant) });
    }
  }

  #onIdleKey(path: string, node: KeyNode, line: number): void {
    if (node.state === "unneeded") return;
    const key = shownKey(path, this.#tenant);
    this.warnings.push(`${this.#source}:${line}: ${key}: Skald does not have this yet, ignored`);
  }
}

import { resolve } from "node:path";
import { isStoreError, messageOf } from "#base";
import { configOf, effectiveSettings } from "./build-config.ts";
import type { Config, LoadedConfig } from "./config.ts";
import { ConfigError, type ConfigProblem, problemText } from "./config-error.ts";
import { expandEnvironment } from "./expand-env.ts";
import { type Flags, flagsHelp, readFlags } from "./flags.ts";
import { goneKeyText } from "./gone-keys.ts";
import type { KeyNode } from "./key-shapes.ts";
import { keyTree, pathOfKeyNamed } from "./key-tree.ts";
import { type OverridesReading, readOverrides } from "./overrides.ts";
import { printConfig } from "./print-config.ts";
import { type SettingValues, settingByPath } from "./settings.ts";
import { knownTargets } from "./targets.ts";
import type { Value } from "./value-types.ts";
import { YamlReader } from "./yaml-reader.ts";

export interface LoadInput {
  /** Without the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; rejects with code ENOENT or a StoreError `missing` if there is none. */
  readonly readFile: (path: string) => Promise<string>;
  readonly cwd: string;
}

export type LoadResult =
  | {
      /** `verify`: say that all is well and stop. */
      readonly action: "run" | "verify";
      readonly loaded: LoadedConfig;
      /** The configuration file that was read, absolute. */
      readonly file: string | undefined;
      readonly printConfigStderr: boolean;
      readonly logConfigReversed: boolean;
    }
  | { readonly action: "help" | "list-targets"; readonly text: string }
  | { readonly action: "version" };

/** Where Loki looks when -config.file is not given. */
const usualFiles = ["config.yaml", "config/config.yaml"];

/** Without a file: one machine, for one person, reachable from nowhere else. */
const withoutFile: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["auth_enabled", false],
  ["server.http_listen_address", "127.0.0.1"],
  ["server.grpc_listen_address", "127.0.0.1"],
]);

interface ConfigFile {
  readonly path: string;
  readonly values: ReadonlyMap<string, Value>;
  readonly places: YamlReader["places"];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** Defaults, then the file, then flags. Throws ConfigError with everything that is wrong. */
export async function loadConfig(input: LoadInput): Promise<LoadResult> {
  const flags = readFlags(input.argv);
  if (flags.action === "help") return { action: "help", text: flagsHelp() };
  if (flags.action === "version") return { action: "version" };
  if (flags.action === "list-targets") {
    return { action: "list-targets", text: `${knownTargets.join("\n")}\n` };
  }
  if (flags.problems.length > 0) throw new ConfigError(flags.problems);
  const file = await readConfigFile(input, flags);
  const base = file === undefined ? withoutFile : file.values;
  const settings = effectiveSettings(new Map([...base, ...flags.values]), input.cwd);
  const problems: ConfigProblem[] = [...(file?.problems ?? [])];
  const config = configOf(settings, (key, message) => {
    problems.push(placed(file, flags, key, message));
  });
  if (problems.length > 0) throw new ConfigError(problems.map(problemText));
  const overrides = await loadOverrides(input, config, settings);
  const defaults = effectiveSettings(new Map(), input.cwd);
  const loaded: LoadedConfig = {
    config,
    warnings: [...flags.warnings, ...(file?.warnings ?? []), ...overrides.warnings],
    yaml: printConfig(settings),
    yamlDiff: printConfig(settings, defaults),
    yamlDefaults: printConfig(defaults),
    settings,
    limitsByTenant: overrides.limits,
  };
  return {
    action: flags.action,
    loaded,
    file: file?.path,
    printConfigStderr: flags.printConfigStderr,
    logConfigReversed: flags.logConfigReversed,
  };
}

/** The place of the key that a problem is about, or of the nearest key around it. */
function placed(
  file: ConfigFile | undefined,
  flags: Flags,
  key: string,
  message: string,
): ConfigProblem {
  for (let path = key; path !== ""; path = path.replace(/(?:\.|\[)?[^.[]*$/, "")) {
    if (flags.values.has(path)) {
      const source = `-${settingByPath.get(path)?.flag ?? path}`;
      return { source, line: 0, column: 0, key: "", message };
    }
    const place = file?.places.get(path);
    if (file !== undefined && place !== undefined) {
      return { source: file.path, ...place, key, message };
    }
  }
  return { source: file?.path ?? "configuration", line: 0, column: 0, key, message };
}

async function readConfigFile(input: LoadInput, flags: Flags): Promise<ConfigFile | undefined> {
  const candidates = (flags.configFiles ?? usualFiles).map((path) => resolve(input.cwd, path));
  for (const path of candidates) {
    const text = await textIfPresent(input, path);
    if (text !== undefined) return parseConfigFile(input, flags, path, text);
  }
  if (flags.configFiles === undefined) return undefined;
  throw new ConfigError([`-config.file: there is no ${candidates.join(", nor ")}`]);
}

async function textIfPresent(input: LoadInput, path: string): Promise<string | undefined> {
  try {
    return await input.readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ConfigError([`${path}: cannot be read: ${messageOf(error)}`]);
  }
}

function isMissing(error: unknown): boolean {
  if (isStoreError(error, "missing")) return true;
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function parseConfigFile(input: LoadInput, flags: Flags, path: string, raw: string): ConfigFile {
  const expanded = flags.expandEnv
    ? expandEnvironment(raw, input.env, path)
    : { text: raw, problems: [] };
  const warnings: string[] = [];
  const reader = new YamlReader({
    source: path,
    text: expanded.text,
    hintFor: pathOfKeyNamed,
    onIdleKey: (key, node, line) => {
      const text = idleKeyText(key, node);
      if (text !== undefined) warnings.push(`${path}:${line}: ${key}: ${text}`);
    },
  });
  const values = new Map<string, Value>();
  reader.readSection(reader.root, keyTree, "", values);
  const problems = [...expanded.problems, ...reader.problems];
  return { path, values, places: reader.places, problems, warnings };
}

function idleKeyText(key: string, node: KeyNode): string | undefined {
  if (node.state === "unneeded") return undefined;
  if (node.state === "gone") return goneKeyText(key);
  return "Skald does not have this yet, ignored";
}

async function loadOverrides(
  input: LoadInput,
  config: Config,
  settings: SettingValues,
): Promise<OverridesReading> {
  const paths = config.runtimeConfig.file?.split(",") ?? [];
  const files: { source: string; text: string }[] = [];
  for (const source of paths) {
    const text = await textIfPresent(input, source);
    if (text === undefined) throw new ConfigError([`runtime_config.file: there is no ${source}`]);
    files.push({ source, text });
  }
  const reading = readOverrides(files, { config, settings });
  if (reading.problems.length > 0) throw new ConfigError(reading.problems);
  return reading;
}

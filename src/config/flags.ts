import { nearestName } from "./nearest.ts";
import { allSettings, type Setting, settingByPath } from "./settings.ts";
import { parseText, type Value } from "./value-types.ts";

/** What the command line says, spelled as for Loki: `-name=value`, `-name value`, or two dashes. */
export interface Flags {
  /** The files of -config.file, tried in order; undefined when not given. */
  readonly configFiles: readonly string[] | undefined;
  readonly expandEnv: boolean;
  readonly printConfigStderr: boolean;
  readonly logConfigReversed: boolean;
  readonly action: "run" | "verify" | "help" | "version" | "list-targets";
  /** Settings by path. */
  readonly values: ReadonlyMap<string, Value>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const actionFlags: ReadonlyMap<string, Flags["action"]> = new Map([
  ["h", "help"],
  ["help", "help"],
  ["list-targets", "list-targets"],
  ["verify-config", "verify"],
  ["version", "version"],
]);

/** Switches that are no settings. */
const switches = ["config.expand-env", "log-config-reverse-order", "print-config-stderr"];

/** Other spellings of flags: of the same key, or of Lokis before. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["compactor.allow-delete-requests-cancel-period", "compactor.delete-request-cancel-period"],
  ["querier.max-streams-matchers-per-query", "querier.max-streams-matcher-per-query"],
  ["validation.max-line-size", "distributor.max-line-size"],
  ["validation.max-line-size-truncate", "distributor.max-line-size-truncate"],
]);

/** Flags of Loki that deployments set and that mean nothing here, without or with a value. */
const idleSwitches: ReadonlySet<string> = new Set([
  "legacy-read-mode",
  "querier.query-store-only",
  "reporting.enabled",
]);
const idleFlags: ReadonlySet<string> = new Set([
  "common.compactor-address",
  "common.compactor-grpc-address",
  "config.ballast-bytes",
  "distributor.replication-factor",
  "common.replication-factor",
  "frontend.scheduler-address",
  "memberlist.advertise-addr",
  "memberlist.advertise-port",
  "memberlist.bind-addr",
  "memberlist.bind-port",
  "memberlist.join",
  "memberlist.nodename",
  "querier.frontend-address",
  "querier.scheduler-address",
]);

const settingByFlag: ReadonlyMap<string, Setting> = new Map(
  allSettings.flatMap((setting) => (setting.flag === undefined ? [] : [[setting.flag, setting]])),
);

interface Reading {
  configFiles: readonly string[] | undefined;
  action: Flags["action"];
  readonly switchesOn: Map<string, boolean>;
  readonly values: Map<string, Value>;
  readonly problems: string[];
  readonly warnings: string[];
}

/** `argv` without the program's name. Problems are collected, all of them. */
export function readFlags(argv: readonly string[]): Flags {
  const reading: Reading = {
    configFiles: undefined,
    action: "run",
    switchesOn: new Map(),
    values: new Map(),
    problems: [],
    warnings: [],
  };
  for (let at = 0; at < argv.length; at++) {
    const found = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argv[at] ?? "");
    if (found === null) {
      reading.problems.push(unexpectedArgument(argv[at] ?? "", argv[at - 1]));
      continue;
    }
    const spelled = found[1] ?? "";
    const name = aliases.get(spelled) ?? spelled;
    let text = found[2];
    if (text === undefined && takesValue(name)) {
      at++;
      text = argv[at];
      if (text === undefined) {
        reading.problems.push(`-${spelled}: needs a value`);
        break;
      }
    }
    readFlag(reading, name, spelled, text ?? "true");
  }
  return {
    configFiles: reading.configFiles,
    expandEnv: reading.switchesOn.get("config.expand-env") === true,
    printConfigStderr: reading.switchesOn.get("print-config-stderr") === true,
    logConfigReversed: reading.switchesOn.get("log-config-reverse-order") === true,
    action: reading.action,
    values: reading.values,
    problems: reading.problems,
    warnings: reading.warnings,
  };
}

/** Of switches only `-name=value` gives a value, as in Go. */
function takesValue(name: string): boolean {
  if (name === "config.file" || idleFlags.has(name)) return true;
  const setting = settingByFlag.get(name);
  return setting !== undefined && setting.type?.name !== "bool";
}

function unexpectedArgument(argument: string, before: string | undefined): string {
  const isTruth = /^(true|false)$/i.test(argument) && before?.startsWith("-") === true;
  const hint = isTruth ? `; write ${before}=${argument}` : "";
  return `unexpected argument ${JSON.stringify(argument)}${hint}`;
}

function readFlag(reading: Reading, name: string, spelled: string, text: string): void {
  if (name === "config.file") {
    reading.configFiles = text.split(",").filter((file) => file !== "");
    return;
  }
  const action = actionFlags.get(name);
  if (action !== undefined || switches.includes(name)) {
    const isOn = parseText({ name: "bool", choices: [] }, text);
    if (!("value" in isOn)) reading.problems.push(`-${spelled}: expected ${isOn.expected}`);
    else if (action === undefined) reading.switchesOn.set(name, isOn.value === true);
    else if (isOn.value === true) reading.action = action;
    return;
  }
  if (idleFlags.has(name) || idleSwitches.has(name)) return;
  const setting = settingByFlag.get(name);
  if (setting?.type === undefined) {
    reading.problems.push(unknownFlag(spelled));
    return;
  }
  const parsed = parseText(setting.type, text);
  if (!("value" in parsed)) {
    const shown = setting.type.name === "secret" ? "something else" : JSON.stringify(text);
    reading.problems.push(`-${spelled}: expected ${parsed.expected}, found ${shown}`);
    return;
  }
  if (setting.isLater) reading.warnings.push(`-${spelled}: Skald does not have this yet, ignored`);
  reading.values.set(setting.path, parsed.value);
}

function unknownFlag(name: string): string {
  const byPath = settingByPath.get(name.replaceAll("-", "_"))?.flag;
  const names = [...settingByFlag.keys(), ...actionFlags.keys(), ...switches, "config.file"];
  const nearest = byPath ?? nearestName(name, names);
  const hint = nearest === undefined ? "; -help lists them" : `; did you mean -${nearest}?`;
  return `unknown flag -${name}${hint}`;
}

/** For -help: every flag with what it means. */
export function flagsHelp(): string {
  const rows: [string, string][] = [
    ["config.file", "Configuration files, the first that exists is read (with commas)."],
    ["config.expand-env", "Replace ${NAME} in the file by the environment's value."],
    ["verify-config", "Check the configuration and stop."],
    ["print-config-stderr", "Print the effective configuration at start."],
    ["log-config-reverse-order", "Log the effective configuration, last line first."],
    ["list-targets", "Print the names -target takes."],
    ["version", "Print the version."],
    ["help", "Print this."],
  ];
  for (const setting of allSettings) {
    if (setting.flag !== undefined) rows.push([setting.flag, setting.about]);
  }
  return rows.map(([flag, about]) => `  -${flag}\n        ${about}\n`).join("");
}

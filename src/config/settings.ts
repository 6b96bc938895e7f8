import assert from "node:assert/strict";
import { lifeOfDataTable, limitTable, queryLimitTable } from "./limit-table.ts";
import { commonTable, laterTable, ownTable } from "./setting-table.ts";
import { parseText, type Value, type ValueType, type ValueTypeName } from "./value-types.ts";

/** One key that Skald reads, with Loki's name, flag and default. */
export interface Setting {
  /** `server.http_listen_port`. */
  readonly path: string;
  /** `undefined`: a list or map of sections; its shape is in the tree of keys. */
  readonly type: ValueType | undefined;
  /** The default as text; `undefined`: worked out from other settings. */
  readonly defaultValue: Value;
  readonly flag: string | undefined;
  /** Read and kept, but nothing acts on it yet. */
  readonly isLater: boolean;
  readonly about: string;
}

/**
 * A table has two lines a setting: `path type default flag`, then indented what it means. `~`
 * before the path: nothing acts on it yet. Default `''` is empty, `?` worked out from others; type
 * `records` a list or map of sections; `choice(a,b)` one of these; flag `none`.
 */
function parseTable(table: string, prefix = ""): Setting[] {
  const lines = table.split("\n").filter((line) => line.trim() !== "");
  assert.equal(lines.length % 2, 0, "a setting has two lines");
  const settings: Setting[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    settings.push(parseRow(prefix + (lines[at] ?? "").trim(), (lines[at + 1] ?? "").trim()));
  }
  return settings;
}

function parseRow(row: string, about: string): Setting {
  const [path = "", typeText = "", defaultText = "", flag = ""] = row.split(/\s+/);
  assert.ok(flag !== "", `the setting ${row} has no flag`);
  const isLater = path.startsWith("~");
  const type = typeText === "records" ? undefined : typeOf(typeText);
  return {
    path: isLater ? path.slice(1) : path,
    type,
    defaultValue: defaultOf(type, defaultText),
    flag: flag === "none" ? undefined : flag,
    isLater,
    about,
  };
}

function typeOf(text: string): ValueType {
  const choices = /^choice\((.*)\)$/.exec(text)?.[1]?.split(",");
  if (choices !== undefined) return { name: "string", choices };
  return { name: text as ValueTypeName, choices: [] };
}

function defaultOf(type: ValueType | undefined, text: string): Value {
  if (text === "?") return undefined;
  if (type === undefined) return text === "{}" ? {} : [];
  const parsed = parseText(type, text === "''" ? "" : text);
  assert.ok("value" in parsed, `the default ${text} is not ${type.name}`);
  return parsed.value;
}

/** All settings, in the order `/config` shows them. */
export const allSettings: readonly Setting[] = [
  ...parseTable(commonTable),
  ...parseTable(limitTable, "limits_config."),
  ...parseTable(queryLimitTable, "limits_config."),
  ...parseTable(lifeOfDataTable, "limits_config."),
  ...parseTable(laterTable),
  ...parseTable(ownTable),
];

export const settingByPath: ReadonlyMap<string, Setting> = new Map(
  allSettings.map((setting) => [setting.path, setting]),
);

/** What was set explicitly, over the defaults. */
export type SettingValues = ReadonlyMap<string, Value>;

/** The value in force of one setting; a typing mistake in the path is our bug. */
export function settingValue(values: SettingValues, path: string): Value {
  const setting = settingByPath.get(path);
  assert.ok(setting !== undefined, `no setting ${path}`);
  return values.has(path) ? values.get(path) : setting.defaultValue;
}

import assert from "node:assert/strict";
import { cacheTable, memcachedTable, sharedCacheTable } from "./cache-table.ts";
import { accessTable } from "./access-table.ts";
import { lifeOfDataTable, limitTable, queryLimitTable } from "./limit-table.ts";
import { commonTable, laterTable, ownTable } from "./setting-table.ts";
import {
  azureTable,
  gcsTable,
  hedgingTable,
  namedStoreTable,
  s3Table,
  thanosTable,
} from "./store-table.ts";
import { rulerLimitTable, rulerTable } from "./ruler-table.ts";
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
function parseTable(table: string, place: Place = anywhere): Setting[] {
  const lines = table.split("\n").filter((line) => line.trim() !== "");
  assert.equal(lines.length % 2, 0, "a setting has two lines");
  const settings: Setting[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    settings.push(parseRow((lines[at] ?? "").trim(), (lines[at + 1] ?? "").trim(), place));
  }
  return settings;
}

/** Where the section of a table is in the file, and before the flags' names. */
interface Place {
  readonly path: string;
  readonly flag: string;
  /** What is not set is as in another place that has the same keys: `derivedSections`. */
  readonly isDerived?: true;
}

const anywhere: Place = { path: "", flag: "" };
const sharedCachePlace: Place = {
  path: "chunk_store_config.chunk_cache_config.",
  flag: "store.chunks-cache.",
};
const memcachedPlace: Place = {
  path: "chunk_store_config.chunk_cache_config.memcached_client.",
  flag: "store.chunks-cache.memcached.",
};
const limitsPlace: Place = { path: "limits_config.", flag: "" };

function parseRow(row: string, about: string, place: Place): Setting {
  const [name = "", typeText = "", ownDefault = "", ownFlag = ""] = row.split(/\s+/);
  assert.ok(ownFlag !== "", `the setting ${row} has no flag`);
  const path = name.startsWith("~") ? `~${place.path}${name.slice(1)}` : place.path + name;
  const flag = ownFlag === "none" ? ownFlag : place.flag + ownFlag;
  const defaultText = place.isDerived === true ? "?" : ownDefault;
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

/** Sections that come several times: the later ones take from the first what they do not say. */
const storeTables: readonly (readonly [
  table: string,
  ...places: (readonly [path: string, flag: string])[],
])[] = [
  [
    s3Table,
    ["common.storage.s3", "common.storage.s3"],
    ["storage_config.aws", "s3"],
    ["ruler.storage.s3", "ruler.storage.s3"],
  ],
  [
    gcsTable,
    ["common.storage.gcs", "common.storage.gcs"],
    ["storage_config.gcs", "gcs"],
    ["ruler.storage.gcs", "ruler.storage.gcs"],
  ],
  [
    azureTable,
    ["common.storage.azure", "common.storage.azure"],
    ["storage_config.azure", "azure"],
    ["ruler.storage.azure", "ruler.storage.azure"],
  ],
  [
    thanosTable,
    ["common.storage.object_store", "common.storage.object-store"],
    ["storage_config.object_store", "object-store"],
    ["ruler_storage", "ruler-storage"],
  ],
  [
    hedgingTable,
    ["common.storage.hedging", "common.storage.hedging"],
    ["storage_config.hedging", "store.hedge-requests"],
  ],
];

/** By a path with no default of its own: the path it takes its value from. */
export const derivedSettings: ReadonlyMap<string, string> = new Map(
  storeTables.flatMap(([table, first, ...others]) =>
    parseTable(table).flatMap(({ path }) =>
      others.map(([place]) => [`${place}.${path}`, `${first?.[0]}.${path}`] as const),
    ),
  ),
);

/** All settings, in the order `/config` shows them. */
export const allSettings: readonly Setting[] = [
  ...parseTable(commonTable),
  ...parseTable(accessTable),
  ...storeTables.flatMap(([table, ...places]) =>
    places.flatMap(([path, flag], at) =>
      parseTable(table, {
        path: `${path}.`,
        flag: `${flag}.`,
        ...(at > 0 && { isDerived: true as const }),
      }),
    ),
  ),
  ...parseTable(namedStoreTable),
  ...parseTable(cacheTable),
  ...parseTable(sharedCacheTable, sharedCachePlace),
  ...parseTable(memcachedTable, memcachedPlace),
  ...parseTable(limitTable, limitsPlace),
  ...parseTable(queryLimitTable, limitsPlace),
  ...parseTable(lifeOfDataTable, limitsPlace),
  ...parseTable(rulerLimitTable, limitsPlace),
  ...parseTable(rulerTable),
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

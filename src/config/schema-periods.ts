import { day, nsPerMs } from "#base";
import type { SchemaPeriod } from "./config.ts";
import type { StoreReadings } from "./object-stores.ts";
import { asText, type Value } from "./value-types.ts";

/** Schemas of Loki's store `tsdb` that Skald reads and writes. */
const tsdbSchemas = ["v12", "v13", "v14"];

/** What holds when nothing is configured: one period of Skald's own store, from the beginning. */
export const defaultPeriods: Value = [
  {
    from: "1970-01-01",
    store: "skald",
    object_store: "filesystem",
    schema: "v13",
    index: { prefix: "index_", period: day },
  },
];

type PeriodRecord = { readonly [key: string]: Value };

/** `schema_config.configs` as Config has it. What is wrong goes to `problem`, all of it. */
export function readPeriods(
  configs: Value,
  { byName, faults }: Pick<StoreReadings, "byName" | "faults">,
  problem: (key: string, message: string) => void,
): SchemaPeriod[] {
  const records = (Array.isArray(configs) ? configs : []) as PeriodRecord[];
  const key = "schema_config.configs";
  if (records.length === 0) problem(key, "expected at least one period");
  const periods: SchemaPeriod[] = [];
  for (const [at, record] of records.entries()) {
    const period = readPeriod(record, (name, message) => problem(`${key}[${at}]${name}`, message));
    if (!byName.has(period.objectStore)) {
      const fault = faults.get(period.objectStore);
      const known = [...byName.keys()].join(", ");
      const why = fault === undefined ? `Skald has ${known}` : fault;
      problem(
        `${key}[${at}].object_store`,
        `there is no object store ${period.objectStore}; ${why}`,
      );
    }
    const before = periods.at(-1);
    if (before !== undefined && before.fromNs >= period.fromNs) {
      problem(`${key}[${at}].from`, `expected a day after ${before.from}, found ${period.from}`);
    }
    periods.push(period);
  }
  return periods;
}

function readPeriod(
  record: PeriodRecord,
  problem: (name: string, message: string) => void,
): SchemaPeriod {
  const from = asText(record["from"]);
  const fromMs = /^\d{4}-\d\d-\d\d$/.test(from) ? Date.parse(`${from}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(fromMs)) {
    problem(".from", `expected a day such as 2026-01-31, found ${JSON.stringify(from)}`);
  }
  const index = (record["index"] ?? {}) as PeriodRecord;
  const period: SchemaPeriod = {
    from,
    fromNs: BigInt(Number.isNaN(fromMs) ? 0 : fromMs) * nsPerMs,
    store: readStore(record["store"], problem),
    objectStore: asText(record["object_store"], "filesystem"),
    schema: asText(record["schema"], "v13"),
    indexPrefix: asText(index["prefix"], "index_"),
    indexPathPrefix: asText(index["path_prefix"], "index/"),
    indexPeriodMs: Number(index["period"] ?? day),
  };
  if (period.store === "tsdb") checkTsdb(period, problem);
  return period;
}

function readStore(
  store: Value,
  problem: (name: string, message: string) => void,
): "skald" | "tsdb" {
  if (store === undefined || store === "skald" || store === "tsdb") return store ?? "skald";
  problem(
    ".store",
    `expected skald or tsdb, found ${JSON.stringify(store)}: Skald does not read the older ` +
      "stores of Loki; take the period out once its data has expired",
  );
  return "skald";
}

function checkTsdb(period: SchemaPeriod, problem: (name: string, message: string) => void): void {
  if (!tsdbSchemas.includes(period.schema)) {
    problem(".schema", `store tsdb needs schema v12, v13 or v14, found ${period.schema}`);
  }
  if (period.indexPeriodMs !== day) {
    problem(".index.period", "store tsdb needs an index period of 24h");
  }
  const { indexPathPrefix } = period;
  if (indexPathPrefix.startsWith("/") || !indexPathPrefix.endsWith("/")) {
    problem(
      ".index.path_prefix",
      `expected a folder such as index/, found ${JSON.stringify(indexPathPrefix)}`,
    );
  }
}

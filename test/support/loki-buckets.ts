/** The buckets of test/fixtures/loki-bucket as stores: in memory, as a filesystem store lays them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { keyMapping } from "#lokichunk";
import { type LokiPeriod, LokiPeriods, LokiStore, mapKeys } from "#lokistore";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import { type LogStore, PeriodStore } from "#storage";
import { ManualClock } from "#world";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "fixtures", "loki-bucket");

/** 2025-01-01, the day most buckets have their data around. */
export const newYearMs: number = Date.UTC(2025, 0, 1);

export interface ExpectedTenant {
  readonly labels: readonly string[];
  readonly label_values: Readonly<Record<string, readonly string[]>>;
  readonly series: readonly Readonly<Record<string, string>>[];
  readonly index_stats: Readonly<
    Record<string, { streams: number; chunks: number; bytes: number; entries: number }>
  >;
  readonly entries_categorized: readonly {
    readonly selector: string;
    readonly streams: readonly {
      readonly stream: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [
        ns: string,
        line: string,
        rest: { readonly structuredMetadata?: Readonly<Record<string, string>> },
      ])[];
    }[];
  }[];
  /** Nothing when there are no entries. */
  readonly count_over_time: Readonly<Record<string, string | null>>;
}

export interface ExpectedBucket {
  readonly start_ns: string;
  readonly end_ns: string;
  readonly tenants: Readonly<Record<string, ExpectedTenant>>;
}

export function expectedOf(bucket: string): ExpectedBucket {
  return JSON.parse(gunzipSync(readFileSync(join(folder, bucket, "expected.json.gz"))).toString());
}

export interface OpenBucket {
  readonly store: LogStore;
  readonly stores: readonly LokiStore[];
  readonly periods: LokiPeriods;
  /** By key of the medium, as Loki's filesystem client wrote them. */
  readonly stored: MemoryObjectStore;
  /** By logical key. */
  readonly objects: ObjectStore;
  readonly clock: ManualClock;
}

interface PeriodShape {
  readonly fromMs: number;
  readonly schema: string;
  readonly indexPrefix: string;
}

const shapes: Readonly<Record<string, readonly PeriodShape[]>> = {
  v12: [{ fromMs: 0, schema: "v12", indexPrefix: "index_" }],
  v14: [{ fromMs: 0, schema: "v14", indexPrefix: "index_" }],
  "period-switch": [
    { fromMs: 0, schema: "v12", indexPrefix: "index_" },
    { fromMs: newYearMs, schema: "v13", indexPrefix: "idx2_" },
  ],
};

const usual: readonly PeriodShape[] = [{ fromMs: 0, schema: "v13", indexPrefix: "index_" }];

export async function openBucket(
  bucket: string,
  wrap: (objects: ObjectStore) => ObjectStore = (objects) => objects,
): Promise<OpenBucket> {
  const clock = new ManualClock({ nowMs: newYearMs + 86_400_000 });
  const stored = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const root = join(folder, bucket, "bucket");
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!statSync(join(root, path)).isFile()) continue;
    const key = relative(root, join(root, path)).split(sep).join("/");
    await stored.put(key, readFileSync(join(root, path)));
  }
  const objects = wrap(mapKeys(stored, keyMapping({ medium: "filesystem" })));
  return { stored, ...openPeriods(objects, shapes[bucket] ?? usual, clock) };
}

export function openPeriods(
  objects: ObjectStore,
  wanted: readonly PeriodShape[],
  clock: ManualClock,
): Omit<OpenBucket, "stored"> {
  const all = wanted.map(
    (shape, i): LokiPeriod => ({
      ...shape,
      pathPrefix: "index/",
      toMs: wanted[i + 1]?.fromMs ?? Number.POSITIVE_INFINITY,
      objects,
    }),
  );
  const periods = new LokiPeriods(all);
  const stores = periods.all.map((period) => new LokiStore({ periods, period, clock }));
  const store = new PeriodStore({
    periods: stores.map((one) => ({
      fromNs: BigInt(one.period.fromMs) * 1_000_000n,
      toNs: Number.isFinite(one.period.toMs) ? BigInt(one.period.toMs) * 1_000_000n : undefined,
      store: one,
      name: one.period.schema,
    })),
    mayLeaveOut: () => false,
  });
  return { store, stores, periods, objects, clock };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { day } from "#base";
import { Labels, type Matcher, type MatchOp } from "#model";
import type { IndexSeries } from "./chunk-meta.ts";
import { compareSeries, withTenantLabel } from "./compare-series.ts";
import type { MsRange } from "./index-types.ts";
import {
  build,
  chunk,
  expectedOf,
  fixtureIndexes,
  openFixture,
  seriesOf,
  seriesWith,
} from "./index-test-kit.ts";
import { parseIndexPath } from "./index-names.ts";
import { parseShard } from "./shards.ts";
import { openIndex, type TsdbIndex } from "./tsdb-index.ts";

const everything: MsRange = { fromMs: -1e13, toMs: 1e13 };

function matcher(name: string, op: MatchOp, value: string): Matcher {
  const pattern = new RegExp(`^(?:${value})$`);
  const tests: Readonly<Record<MatchOp, (text: string) => boolean>> = {
    "=": (text) => text === value,
    "!=": (text) => text !== value,
    "=~": (text) => pattern.test(text),
    "!~": (text) => !pattern.test(text),
  };
  return { name, op, value, test: tests[op] };
}

test("a file of 2600 series is read as Loki reads it", () => {
  const [path] = fixtureIndexes("index-2600-series/*.tsdb.gz");
  const index = openFixture(path!);
  const expected = expectedOf("index-2600-series");
  assert.equal(index.version, expected["version"]);
  assert.equal(index.seriesCount, expected["series"]);
  assert.equal(index.symbols.count, expected["symbols"]);
  const toc = expected["toc"] as Record<string, number | string>;
  assert.equal(index.checksum, toc["crc"]);
  assert.deepEqual([`${index.minMs}`, `${index.maxMs}`], [toc["from"], toc["through"]]);
  assert.deepEqual(index.tenants(), ["fake"]);
  const refs = index.select({ matchers: [], tenant: "fake" });
  for (const [key, ref] of [
    ["first_series", refs[0]!],
    ["last_series", refs.at(-1)!],
  ] as const) {
    const wanted = expected[key] as Record<string, unknown>;
    assert.equal(ref, wanted["ref"]);
    assert.equal(`${index.fingerprintOf(ref)}`, wanted["fp"]);
    assert.deepEqual(withTenantLabel(index.labelsOf(ref), "fake").toRecord(), wanted["labels"]);
    assert.deepEqual(
      index.chunksOf(ref).map(({ minMs, maxMs, kib, entries, checksum }) => ({
        mint: minMs,
        maxt: maxMs,
        kb: kib,
        entries,
        crc: checksum,
      })),
      wanted["chunks"],
    );
  }
  for (const [shard, count] of Object.entries(expected["series_per_shard"] as object)) {
    const found = index.select({ matchers: [], tenant: "fake", shard: parseShard(shard)! });
    assert.equal(found.length, count, shard);
  }
});

interface ExpectedTenant {
  readonly labels: readonly string[];
  readonly label_values: Readonly<Record<string, readonly string[]>>;
  readonly series: readonly Readonly<Record<string, string>>[];
  readonly index_stats: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const buckets = ["snappy", "compacted", "v12", "v14", "period-switch", "many-chunks", "deletes"];

for (const bucket of buckets) {
  test(`${bucket}: labels, values and series are Loki's`, () => {
    const expected = expectedOf(bucket);
    const range = {
      fromMs: Number(BigInt(expected["start_ns"] as string) / 1_000_000n),
      toMs: Number(BigInt(expected["end_ns"] as string) / 1_000_000n),
    };
    const tenants = expected["tenants"] as Record<string, ExpectedTenant>;
    for (const [tenant, wanted] of Object.entries(tenants)) {
      const files = filesOf(bucket, tenant);
      const names = union(files.map(({ index, choice }) => index.labelNames(choice, range)));
      assert.deepEqual(names, [...wanted.labels].sort());
      for (const name of names) {
        const values = files.map(({ index, choice }) => index.labelValues(name, choice, range));
        assert.deepEqual(union(values), [...wanted.label_values[name]!].sort());
      }
      const series = files.map(({ index, choice }) => {
        const found = [...index.seriesChunks(choice, range)];
        return new Set(found.map(({ labels }) => labels.key));
      });
      const wantedSeries = wanted.series.map((labels) => Labels.from(labels).key);
      assert.deepEqual(union(series), wantedSeries.sort());
    }
  });
}

test("statistics of a chunk cut by its table's day count by share, as Loki's do", () => {
  const tenants = expectedOf("compacted")["tenants"] as Record<string, ExpectedTenant>;
  let compared = 0;
  for (const [tenant, wanted] of Object.entries(tenants)) {
    for (const [selector, stats] of Object.entries(wanted.index_stats)) {
      // Loki's own figures for this stream depend on how it split the request.
      if (selector.includes("batch")) continue;
      const sums = { streams: 0, chunks: 0, bytes: 0, entries: 0 };
      for (const { index, choice, number } of filesOf("compacted", tenant)) {
        const range = { fromMs: number * day, toMs: (number + 1) * day };
        const matchers = [...selector.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((match) =>
          matcher(match[1]!, "=", JSON.parse(`"${match[2]!}"`) as string),
        );
        const found = index.stats({ ...choice, matchers }, range);
        sums.streams += found.streamCount;
        sums.chunks += found.chunkCount;
        sums.bytes += found.bytes;
        sums.entries += found.entryCount;
      }
      assert.deepEqual(sums, stats, selector);
      compared++;
    }
  }
  assert.ok(compared >= 4);
});

function filesOf(bucket: string, tenant: string) {
  return fixtureIndexes(`${bucket}/bucket/index/*_*/**/*.tsdb.gz`).flatMap((path) => {
    const [table, ...rest] = path.split("/").slice(3);
    const file = parseIndexPath(rest.join("/"))!;
    if (file.tenant !== undefined && file.tenant !== tenant) return [];
    const choice = { matchers: [], tenant: file.tenant === undefined ? tenant : undefined };
    return [{ index: openFixture(path), choice, number: Number(table!.slice(-5)) }];
  });
}

function union(sets: readonly ReadonlySet<string>[]): string[] {
  return [...new Set(sets.flatMap((set) => [...set]))].sort();
}

test("a long series is jumped into by its page markers, and gives the same", async () => {
  // Overlapping chunks, so that the last page that is reached is not the first that is too late.
  const chunks = Array.from({ length: 150 }, (_, i) =>
    chunk({ minMs: i * 1000, maxMs: i * 1000 + (i % 20 === 0 ? 40_000 : 900), checksum: i }),
  );
  for (const version of [2, 3, 4] as const) {
    const { bytes } = await build([seriesWith({ a: "b" }, chunks)], version);
    const index = openIndex("long", bytes);
    const ref = index.select({ matchers: [], tenant: undefined })[0]!;
    for (let fromMs = -500; fromMs < 200_000; fromMs += 1700) {
      const range = { fromMs, toMs: fromMs + 2500 };
      const wanted = chunks.filter(({ minMs, maxMs }) => maxMs >= fromMs && minMs < range.toMs);
      assert.deepEqual(index.chunksOf(ref, range), wanted, `version ${version} at ${fromMs}`);
    }
  }
});

test("ingestion days come back as they were given", async () => {
  const chunks = [-3, 0, 2, 400].map((ingestedDays, i) => chunk({ checksum: i, ingestedDays }));
  const all = [...chunks, chunk({ checksum: 9 })];
  const index = openIndex("days", (await build([seriesWith({ a: "b" }, all)], 4)).bytes);
  assert.deepEqual(index.chunksOf(index.select({ matchers: [], tenant: undefined })[0]!), all);
});

test("the tenant label is nobody's label, and other tenants are not seen", async () => {
  const series = ["one", "two"].map((tenant) => {
    const own = seriesWith({ app: tenant === "one" ? "x" : "y" });
    return { ...own, labels: withTenantLabel(own.labels, tenant) };
  });
  const index = openIndex("two", (await build(series.sort(compareSeries))).bytes);
  const one = { matchers: [], tenant: "one" };
  assert.deepEqual([...index.labelValues("app", one, everything)], ["x"]);
  assert.deepEqual([...index.labelNames(one, everything)], ["app"]);
  assert.equal(index.labelValues("__loki_tenant__", one, everything).size, 0);
  assert.equal(index.select({ matchers: [], tenant: "three" }).length, 0);
  const asked = [matcher("__loki_tenant__", "=", "two")];
  assert.equal(index.select({ matchers: asked, tenant: "one" }).length, 0);
  const all = [matcher("__loki_tenant__", "=~", ".*")];
  assert.equal(index.select({ matchers: all, tenant: "one" }).length, 1);
});

const value = fc.constantFrom("a", "b", "c", "ab", "é", "\u{1f600}", "\uffee", "x|y");
const labelSets = fc.uniqueArray(
  fc.dictionary(fc.constantFrom("app", "env", "pod", "Zone", "_x"), value),
  { minLength: 1, maxLength: 40, selector: (labels) => Labels.from(labels).key },
);
const matchers = fc.array(
  fc.record({
    name: fc.constantFrom("app", "env", "pod", "Zone", "none", "__name__"),
    op: fc.constantFrom<MatchOp[]>("=", "!=", "=~", "!~"),
    value: fc.constantFrom("", "a", "b|c", "a.*", ".+", ".*", "é|\u{1f600}", "none", "a|"),
  }),
  { maxLength: 3 },
);

test("lookups answer as walking all series does", async () => {
  await fc.assert(
    fc.asyncProperty(labelSets, fc.array(matchers, { maxLength: 8 }), async (sets, queries) => {
      const series = sets.map((labels) => seriesWith(labels)).sort(compareSeries);
      const index = openIndex("random", (await build(series)).bytes);
      assert.deepEqual(seriesOf(index), series);
      for (const query of queries) {
        const asked = query.map(({ name, op, value: text }) => matcher(name, op, text));
        assert.deepEqual(found(index, asked), naive(series, asked));
      }
    }),
    { seed: 20_260_101, numRuns: 150 },
  );
});

function found(index: TsdbIndex, asked: readonly Matcher[]): string[] {
  const refs = index.select({ matchers: asked, tenant: undefined });
  return [...refs].map((ref) => index.labelsOf(ref).toString());
}

function naive(series: readonly IndexSeries[], asked: readonly Matcher[]): string[] {
  const real = asked.filter(({ name }) => name !== "__name__");
  return series
    .filter(({ labels }) => real.every(({ name, test: passes }) => passes(labels.get(name) ?? "")))
    .map(({ labels }) => labels.toString());
}

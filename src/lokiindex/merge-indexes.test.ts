import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChunkMeta } from "./chunk-meta.ts";
import { compareSeries, withTenantLabel } from "./compare-series.ts";
import {
  build,
  chunk,
  noTurn,
  openFixture,
  seriesOf,
  seriesWith,
  fixtureIndexes,
} from "./index-test-kit.ts";
import { mergeIndexes, type MergeHooks, type MergeSource } from "./merge-indexes.ts";
import { openIndex } from "./tsdb-index.ts";

async function sourceOf(
  own: readonly (readonly [Record<string, string>, readonly ChunkMeta[]])[],
  tenant?: string,
): Promise<MergeSource> {
  const series = own.map(([labels, chunks]) => {
    const one = seriesWith(labels, chunks);
    return tenant === undefined ? one : { ...one, labels: withTenantLabel(one.labels, tenant) };
  });
  const { bytes } = await build(series.sort(compareSeries));
  return { index: openIndex(tenant ?? "own", bytes), tenant };
}

async function merge(sources: readonly MergeSource[], hooks: MergeHooks = {}) {
  const built = await mergeIndexes(sources, { version: 3, nextTurn: noTurn, ...hooks });
  return built === undefined ? undefined : seriesOf(openIndex("merged", built.bytes));
}

const [one, two, three] = [1, 2, 3].map((n) => chunk({ minMs: n * 1000, checksum: n }));

test("Loki's own compaction gives the same bytes", async () => {
  for (const table of ["index_20088", "index_20089"]) {
    const [shipped] = fixtureIndexes(`snappy/bucket/index/${table}/*.tsdb.gz`);
    for (const tenant of ["acme", "fake"]) {
      const [compacted] = fixtureIndexes(`compacted/bucket/index/${table}/${tenant}/*.tsdb.gz`);
      const source = { index: openFixture(shipped!), tenant };
      const built = await mergeIndexes([source], { version: 3, nextTurn: noTurn });
      assert.ok(built!.bytes.equals(openFixture(compacted!).bytes), `${table} ${tenant}`);
    }
  }
});

test("series are joined by labels, chunks kept once and in order", async () => {
  const merged = await merge([
    await sourceOf(
      [
        [{ a: "1" }, [two!]],
        [{ b: "1" }, [one!]],
      ],
      "x",
    ),
    await sourceOf([[{ a: "1" }, [one!, two!]]]),
    await sourceOf(
      [
        [{ a: "1" }, [three!]],
        [{ c: "1" }, [one!]],
      ],
      "x",
    ),
  ]);
  const wanted = [
    seriesWith({ a: "1" }, [one!, two!, three!]),
    seriesWith({ b: "1" }, [one!]),
    seriesWith({ c: "1" }, [one!]),
  ];
  assert.deepEqual(merged, wanted.sort(compareSeries));
});

test("other tenants stay out", async () => {
  const source = await sourceOf([[{ a: "1" }, [one!]]], "x");
  assert.equal(await merge([{ index: source.index, tenant: "y" }]), undefined);
});

test("label sets that share a fingerprint stay apart", async () => {
  const forged = ["m", "k"].map((name) => ({ ...seriesWith({ [name]: "1" }), fingerprint: 5n }));
  const files = await Promise.all(forged.map((series) => build([series])));
  const merged = await merge(
    files.map(({ bytes }) => ({ index: openIndex("forged", bytes), tenant: undefined })),
  );
  assert.deepEqual(
    merged?.map(({ labels }) => labels.toString()),
    ['{k="1"}', '{m="1"}'],
  );
});

test("what retention drops is gone, told once, and an empty file is none", async () => {
  const source = await sourceOf([
    [{ a: "1" }, [one!, two!]],
    [{ b: "1" }, [one!]],
  ]);
  const told: string[] = [];
  const hooks: MergeHooks = {
    keep: (_, { checksum }) => checksum === 2,
    dropped: ({ labels }, { checksum }) => told.push(`${labels.toString()} ${checksum}`),
  };
  assert.deepEqual(await merge([source], hooks), [seriesWith({ a: "1" }, [two!])]);
  assert.deepEqual(told.sort(), ['{a="1"} 1', '{b="1"} 1']);
  assert.equal(await merge([source], { keep: () => false }), undefined);
});

test("a rewritten chunk takes the place of the old one", async () => {
  const source = await sourceOf([[{ a: "1" }, [one!, two!, three!]]]);
  const stands = new Map([
    [one!.checksum, [chunk({ minMs: 9000, checksum: 9 })]],
    [two!.checksum, []],
  ]);
  const merged = await merge([source], { replace: (_, old) => stands.get(old.checksum) ?? [old] });
  assert.deepEqual(
    merged?.[0]?.chunks.map(({ checksum }) => checksum),
    [3, 9],
  );
});

test("hundreds of files merge into what one file of all would be", async () => {
  const all = Array.from(
    { length: 300 },
    (_, i) => [{ n: `${i % 70}` }, [chunk({ checksum: i })]] as const,
  );
  const sources = await Promise.all(all.map((series) => sourceOf([series])));
  const byLabel = new Map<string, ChunkMeta[]>();
  for (const [{ n }, chunks] of all) byLabel.set(n, [...(byLabel.get(n) ?? []), ...chunks]);
  const wanted = [...byLabel].map(([n, chunks]) => seriesWith({ n }, chunks)).sort(compareSeries);
  assert.deepEqual(await merge(sources), wanted);
});

/**
 * An index file of Loki with very many series: how long it takes to write, merge, open and look
 * up, and what it holds. Run: node --expose-gc bench/scale/loki-index.ts [series]
 */
import { MiB } from "#base";
import {
  type IndexSeries,
  mergeIndexes,
  openIndex,
  parseShard,
  type SeriesSelect,
  verifyIndex,
  writeIndex,
} from "#lokiindex";
import { Labels, type Matcher } from "#model";
import { nextTurn } from "#world";
import { matcher, timed } from "./measure.ts";

const seriesCount = Number(process.argv[2] ?? 1_000_000);
const startMs = 1_735_689_600_000;
const range = { fromMs: startMs, toMs: startMs + 3_600_000 };
const noon = { fromMs: startMs + 1_000_000, toMs: startMs + 2_000_000 };

/** Fingerprints ascend, so that nothing has to be sorted to begin with. */
const series: Iterable<IndexSeries> = {
  *[Symbol.iterator]() {
    const step = 2n ** 64n / BigInt(seriesCount);
    for (let i = 0; i < seriesCount; i++) {
      const labels = Labels.ofSorted([
        ["app", `app-${i % 500}`],
        ["cluster", `eu-${i % 3}`],
        ["namespace", `ns-${i % 97}`],
        ["pod", `pod-${i.toString(36).padStart(6, "0")}`],
      ]);
      const minMs = startMs + (i % 3_000_000);
      const chunks = [0, 1].map((n) => ({
        minMs: minMs + n * 60_000,
        maxMs: minMs + n * 60_000 + 59_999,
        kib: 100,
        entries: 1000,
        checksum: (i * 2 + n) >>> 0,
      }));
      yield { fingerprint: BigInt(i) * step, labels, chunks };
    }
  },
};

const built = (await timed(
  `write ${seriesCount} series`,
  () => writeIndex(series, { version: 3, nextTurn }),
  (made) => `${(made!.bytes.length / MiB).toFixed(0)} MiB`,
))!;
const index = await timed(
  "open",
  () => openIndex("bench", built.bytes),
  (opened) => `held ${((opened.heldBytes - opened.bytes.length) / MiB).toFixed(1)} MiB beside it`,
);

const lookups: readonly (readonly [what: string, matchers: readonly Matcher[]])[] = [
  ['{pod="…"}', [matcher("pod", "=", "pod-00a3f1")]],
  ['{app="app-7"}', [matcher("app", "=", "app-7")]],
  [
    '{app="app-7", cluster="eu-1"}',
    [matcher("app", "=", "app-7"), matcher("cluster", "=", "eu-1")],
  ],
  ['{cluster="eu-1"}', [matcher("cluster", "=", "eu-1")]],
  ['{app=~"app-7|app-8|app-9"}', [matcher("app", "=~", "app-7|app-8|app-9")]],
  ['{app=~"app-1.*"}', [matcher("app", "=~", "app-1.*")]],
  [
    '{cluster="eu-1", app!~"app-1.*"}',
    [matcher("cluster", "=", "eu-1"), matcher("app", "!~", "app-1.*")],
  ],
  ['{app="app-7", pod=~".*7f"}', [matcher("app", "=", "app-7"), matcher("pod", "=~", ".*7f")]],
  ['{pod=~".+"}', [matcher("pod", "=~", ".+")]],
];
for (const [what, matchers] of lookups) {
  const select: SeriesSelect = { matchers, tenant: undefined };
  await timed(
    `select ${what}`,
    () => index.select(select),
    (refs) => `${refs.length} series`,
  );
}
const all: SeriesSelect = { matchers: [], tenant: undefined };
const shard = { ...all, shard: parseShard("5_of_16")! };
const app = { matchers: [matcher("app", "=", "app-7")], tenant: undefined };
await timed(
  "select shard 5 of 16",
  () => index.select(shard),
  (refs) => `${refs.length} series`,
);
await timed(
  'chunks of {app="app-7"}',
  () => [...index.seriesChunks(app, noon)],
  (found) => `${found.length} series`,
);
await timed(
  'values of pod of {app="app-7"}',
  () => index.labelValues("pod", app, noon),
  (values) => `${values.size} values`,
);
await timed(
  "names of everything",
  () => index.labelNames(all, noon),
  (names) => `${names.size}`,
);
await timed(
  "statistics of everything",
  () => index.stats(all, range),
  (stats) => `${stats.chunkCount} chunks`,
);
await timed(
  "merge with itself",
  () =>
    mergeIndexes(
      [
        { index, tenant: undefined },
        { index, tenant: undefined },
      ],
      { version: 3, nextTurn },
    ),
  (merged) => `${merged!.bytes.equals(built.bytes) ? "the same bytes" : "other bytes"}`,
);
await timed(
  "verify",
  () => verifyIndex("bench", built.bytes),
  (found) => `${found.length} problems`,
);
console.log(`peak of the process ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);

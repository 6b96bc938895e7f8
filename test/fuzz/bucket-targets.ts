/** Buckets of Loki's format with one object that is not what it should be, as queries and tools see them. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { migrateBucket, rebuildIndexes, statsOfBucket, verifyBucket, wholeBucket } from "#bucket";
import { formatChunkKey, crc32c } from "#lokichunk";
import { tenantLabel, writeIndex } from "#lokiindex";
import { Labels } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { newReadCounters } from "#storage";
import { ManualClock, seededRandom } from "#world";
import { newYearMs, openPeriods } from "../support/loki-buckets.ts";
import { isCorrupt, mayReject, smallest } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { sealChunk, sealIndex } from "./seals.ts";

const tiny = "test/fixtures/loki-bucket/tiny-none/bucket";
const table = "index/index_20089/";
const fingerprint = 0x852a_f07b_66ac_c10fn;
const minMs = 0x194_1f29_7c00;
const labels = Labels.from({ app: "web", env: "prod" });
const signal: AbortSignal = new AbortController().signal;
const range = { fromNs: 0n, toNs: 2n ** 62n };
const everything = { lines: true, lengths: true, metadata: "all" } as const;

async function indexOf(checksum: number, bytes: number): Promise<Buffer> {
  const chunks = [{ minMs, maxMs: minMs + 5, kib: Math.round(bytes / 1024), entries: 2, checksum }];
  const series = [
    { fingerprint, labels: Labels.from({ ...labels.toRecord(), [tenantLabel]: "fake" }), chunks },
  ];
  return (await writeIndex(series, { version: 3, nextTurn: () => Promise.resolve() }))!.bytes;
}

/** Every question and every tool, over these objects. */
async function ask(objects: Readonly<Record<string, Buffer>>): Promise<void> {
  const clock = new ManualClock({ nowMs: newYearMs });
  const stored = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  for (const [key, bytes] of Object.entries(objects)) await stored.put(key, bytes);
  clock.advance(86_400_000);
  const shape = { fromMs: 0, schema: "v13", indexPrefix: "index_" };
  const { store, periods } = openPeriods(stored, [shape], clock);
  const select = { tenant: "fake", matchers: [], range };
  const options = { signal, counters: newReadCounters(), warn: () => undefined };
  await mayReject(isCorrupt, async () => {
    const { blocks } = await store.plan(select, { lineTerms: [] }, options);
    for await (const { rowCount, lines } of store.read(blocks, everything, options)) {
      for (let row = 0; row < rowCount; row++) lines!.text(row);
    }
  });
  await mayReject(isCorrupt, () => store.series(select, options));
  await mayReject(isCorrupt, () => store.labelNames(select, options));
  await mayReject(isCorrupt, () => store.volumes(select, options));
  const place = { name: "memory", objects: stored, logical: stored, periods: periods.all };
  const bucket = { places: [place], periods, clock, random: seededRandom(1) };
  const [onFinding, onProgress, onChunk] = [() => undefined, () => undefined, () => undefined];
  const scope = wholeBucket;
  const { damage } = await verifyBucket(bucket, {
    scope,
    sample: 1,
    signal,
    onFinding,
    onProgress,
  });
  assert.ok(damage >= 0);
  await statsOfBucket(bucket, { scope, signal });
  const how = { isDryRun: true, listsUnlisted: true, removesDamaged: false };
  await rebuildIndexes(bucket, { scope, ...how, signal, onTable: () => undefined, onChunk });
  await mayReject(isCorrupt, () =>
    migrateBucket(bucket, {
      scope,
      target: undefined,
      isDryRun: false,
      skipsDamaged: true,
      signal,
      onStream: () => undefined,
      onTenantDay: () => undefined,
      onProgress,
    }),
  );
}

async function withChunk(chunk: Buffer): Promise<void> {
  const checksum = crc32c(chunk);
  const ref = { tenant: "fake", fingerprint, fromMs: minMs, throughMs: minMs + 5, checksum };
  const index = await indexOf(checksum, chunk.length);
  await ask({ [formatChunkKey(ref, "v12")]: chunk, [`${table}1-fuzzed.tsdb`]: index });
}

export const bucketTargets: readonly FuzzTarget[] = [
  {
    name: "bucket-chunk",
    seeds: [smallest(`${tiny}/fake/*/*`)],
    sealed: sealChunk,
    run: withChunk,
  },
  {
    name: "bucket-index",
    seeds: [gunzipSync(smallest(`${tiny}/index/*/*.gz`)), await indexOf(7, 341)],
    sealed: sealIndex,
    run: (index) => ask({ [`${table}1-fuzzed.tsdb`]: index }),
  },
];

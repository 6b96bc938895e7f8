/** Small records of Skald's own, in object stores and on disk, and what caches hold. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { isStoreError } from "#base";
import { isMigrated } from "#bucket";
import { PolicyRecord } from "#lifecycle";
import { ChunkMarks } from "#lokistore";
import type { LabelPair } from "#model";
import {
  MemcachedObjectStore,
  MemoryObjectStore,
  openDiskCache,
  openMemcached,
} from "#objectstore";
import { AlertStateStore } from "#ruler";
import { SegmentStore } from "#segment";
import { createLogger } from "#telemetry";
import { ManualClock, SimulatedDisk, systemClock } from "#world";
import { checkPeriods } from "../../src/app/period-record.ts";
import { readTableRecord, readTenantRecord } from "../../src/bucket/migrate-records.ts";
import { addPiece, checkPiece, encodePiece, readFacts } from "../../src/frontend/cached-piece.ts";
import { StepColumns } from "../../src/frontend/step-columns.ts";
import {
  decodeDeleteRequest,
  encodeDeleteRequest,
  maskOfRequest,
  newDeleteRequest,
} from "../../src/lifecycle/delete-request.ts";
import { afterOutage } from "../../src/ruler/alert-state.ts";
import { decodeRuleGroup } from "../../src/ruler/rule-proto.ts";
import { isCorrupt, mayReject, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { MemcachedAnswering } from "./memcached-answering.ts";
import { sealAt, sealJson } from "./seals.ts";

const jsonWords = [
  "null",
  "[]",
  "{}",
  "-1",
  "1e400",
  "1.5",
  '""',
  '"__proto__":',
  "true",
  ",",
  ":",
];

/** A store with the same bytes under each key. */
async function storeOf(bytes: Buffer, ...keys: readonly string[]): Promise<MemoryObjectStore> {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  for (const key of keys) await objects.put(key, bytes);
  return objects;
}

const deleteRequest = newDeleteRequest({
  id: "0000000a",
  tenant: "t",
  query: '{a="b"} |= "c"',
  startMs: 1,
  endMs: 2,
  createdMs: 3,
});

const place = { tenant: "t", namespace: "n", name: "g" };
const stateKey = "ruler-state/t/bg/Zw";
const alerts =
  '{"version":1,"evaluatedAtMs":5,"rules":[{"rule":"r","alerts":[{"labels":{"a":"b"},"annotations":{},"state":"pending","value":"+Inf","activeAtMs":1,"firedAtMs":2}]}]}';

async function alertState(bytes: Buffer): Promise<void> {
  const store = new AlertStateStore(await storeOf(bytes, stateKey));
  const kept = await mayReject(isCorrupt, () => store.load(place));
  if (kept === undefined) return;
  const { evaluatedAtMs, rules } = kept;
  assert.ok(Number.isFinite(evaluatedAtMs), `evaluated at ${evaluatedAtMs}`);
  const times = { nowMs: 1e9, evaluatedAtMs, intervalMs: 1, forMs: 60_000 };
  const more = { outageToleranceMs: 3_600_000, gracePeriodMs: 1 };
  for (const alert of [...rules.values()].flat()) {
    assert.ok(["pending", "firing", "inactive"].includes(alert.state), alert.state);
    assert.ok(Number.isFinite(alert.activeAtMs), `active at ${alert.activeAtMs}`);
    for (const [name, value] of [...alert.labels.pairs, ...alert.annotations.pairs]) {
      assert.ok(typeof name === "string" && typeof value === "string", `${name} is no text`);
    }
    afterOutage(alert, { ...times, ...more });
  }
  await store.save(place, kept);
}

const table = { place: "s3 b", keyPrefix: "index/i_20463/" };

async function migrated(bytes: Buffer): Promise<void> {
  // Whatever the names of records are, they are these bytes.
  const objects = await storeOf(bytes);
  const asking = new Proxy(objects, {
    get: (of, name) =>
      name === "get" ? () => Promise.resolve(Buffer.from(bytes)) : Reflect.get(of, name),
  });
  const record = await readTenantRecord(asking, table, "t");
  if (record !== undefined) {
    assert.ok(Array.isArray(record.portions) && Array.isArray(record.outdated), "lists");
    for (const portion of record.portions) assert.ok(portion === null || portion.segmentKey !== "");
  }
  const whole = await readTableRecord(asking, table);
  for (const key of whole?.indexKeys ?? []) assert.equal(typeof key, "string");
  await isMigrated({ ...table, indexKeys: ["index/i_20463/1-x.tsdb.gz"] }, [asking]);
}

const pieces =
  '[{"from":"2026-01-01","to":null,"store":"tsdb","schema":"v13","indexPrefix":"i_","pathPrefix":"index/"}]';
const periodRecord = `{"version":1,"crc":"0","periods":${pieces},"places":{"bucket":${pieces}}}`;

async function periods(bytes: Buffer): Promise<void> {
  const objects = await storeOf(bytes, "skald/periods.json");
  await objects.put("index/i_20463/1-x.tsdb.gz", Buffer.from("x"));
  const segments = new SegmentStore({ objects });
  await mayReject(
    // There is data it does not lead to, or its own places cannot be.
    isStoreError,
    async () =>
      checkPeriods({
        config: { allowChangedPeriods: false },
        stores: [{ place: "bucket", objects, segments, pieces: [] }],
        local: await storeOf(bytes, "periods.json"),
        elsewhere: async () => undefined,
        nowNs: 1_768_003_200_000_000_000n,
        log: createLogger({ level: "info", format: "logfmt", write: () => undefined }),
      }),
  );
}

const second = 1_000_000_000n;
const steps = { firstNs: 10n * second, lastNs: 20n * second };

function stepColumns(): StepColumns {
  return new StepColumns(steps, second);
}

function pieceSeed(): Buffer {
  const columns = stepColumns();
  const labels: readonly LabelPair[] = [["app", "a"]];
  const series = columns.seriesOf(labels);
  series.values.set([1, 2, Number.NaN]);
  series.present.set([1, 1, 0, 1]);
  return encodePiece({ key: "k", dataVersion: "v", stepNs: second, ...steps }, columns);
}

function cachedPiece(bytes: Buffer): void {
  mayThrow(isCorrupt, () => {
    checkPiece(bytes, "fuzzed");
    const facts = readFacts(bytes);
    const isAsked = facts.key === "k" && facts.stepNs === second && facts.dataVersion === "v";
    // A reader asks only for steps that lie in the piece.
    if (!isAsked || facts.firstNs !== steps.firstNs || facts.lastNs !== steps.lastNs) return;
    addPiece(bytes, stepColumns(), steps);
  });
}

const hash = "0123456789abcdef";
const slabDataStart = 84 * 1024;
const slabHeaderBytes = 64;
const slabEntryBytes = 40;

function slabEntry(page: number, body: Buffer, offset: number): Buffer {
  const entry = Buffer.alloc(slabEntryBytes);
  entry.write(hash, 0, "latin1");
  entry.writeUInt32LE(page, 16);
  entry.writeUInt32LE(body.length, 20);
  entry.writeUInt32LE(offset, 24);
  entry.writeUInt32LE(crc32(body), 28);
  return sealEntries(entry);
}

function sealEntries(input: Buffer): Buffer {
  for (let at = 0; at + slabEntryBytes <= Math.min(input.length, 400); at += slabEntryBytes) {
    input.writeUInt32LE(crc32(input.subarray(at, at + 36)), at + 36);
  }
  return input;
}

const pageBody = Buffer.from("the bytes of a page");
const slabSeed = Buffer.concat([
  slabEntry(0, pageBody, slabDataStart),
  slabEntry(1, pageBody, slabDataStart + 19),
  slabEntry(0xffff_ffff, Buffer.alloc(0), slabDataStart),
  slabEntry(2, pageBody.subarray(0, 3), slabDataStart),
]);

/** `table` is what the file has of it; pages follow where they belong. */
async function diskCache(entries: Buffer): Promise<void> {
  const files = new SimulatedDisk();
  await files.makeFolder("/cache");
  {
    const path = "/cache/00000001.slab";
    await using file = await files.open(path, { create: true, exclusive: true });
    await file.write([Buffer.from("SKALDOC1")], 0);
    await file.write([entries.subarray(0, slabDataStart - slabHeaderBytes)], slabHeaderBytes);
    await file.write([pageBody, pageBody], slabDataStart);
  }
  const observer = { got: () => {}, written: () => {}, evicted: () => {}, skipped: () => {} };
  const failed = (error: unknown): void => {
    throw error;
  };
  const cache = await openDiskCache({
    files,
    clock: new ManualClock({ nowMs: 0 }),
    folder: "/cache",
    bytesMax: 64 * 2 ** 20,
    observer: { ...observer, failed },
  });
  for (const page of cache.pagesOf(hash)?.values() ?? []) {
    const body = await cache.read([page]);
    assert.ok(body === undefined || body.length === page.length, "a page of another length");
  }
  await cache.close();
}

let answering: Promise<MemcachedAnswering> | undefined;

/** Whatever a memcached holds, what is read is the object's bytes. */
async function memcached(item: Buffer): Promise<void> {
  answering ??= MemcachedAnswering.start();
  const server = await answering;
  server.item = item;
  const cache = openMemcached({
    clock: systemClock,
    addresses: [server.address],
    timeoutMs: 5_000,
    itemBytesMax: 0,
    expirySeconds: 0,
    failuresMax: 1_000,
    pauseMs: 1,
    observer: { got: () => undefined, failed: () => undefined },
  });
  const inner = await storeOf(pageBody, "a");
  const store = new MemcachedObjectStore(inner, { cache, place: "p", isImmutable: () => true });
  assert.deepEqual(await store.get("a"), pageBody);
  assert.deepEqual(await store.get("a", { range: { from: 2, to: 9 } }), pageBody.subarray(2, 9));
  cache.close();
}

async function chunkMarks(bytes: Buffer): Promise<void> {
  const files = new SimulatedDisk();
  await files.makeFolder("/marks");
  const name = bytes.toString("latin1", 0, 24);
  const fileName = `${name.replace(/[^\w.-]/g, "1")}.marks`;
  {
    const path = `/marks/${fileName}`;
    await using file = await files.open(path, { create: true, exclusive: true });
    await file.write([bytes.subarray(24)], 0);
  }
  const marks = new ChunkMarks({ files, folder: "/marks", clock: new ManualClock({ nowMs: 5 }) });
  for (const file of await marks.all()) {
    assert.ok(Number.isSafeInteger(file.markedMs), `marked at ${file.markedMs}`);
    await marks.keysOf(file);
  }
}

export const recordTargets: readonly FuzzTarget[] = [
  {
    name: "delete-request",
    seeds: [
      encodeDeleteRequest(deleteRequest),
      encodeDeleteRequest({
        ...deleteRequest,
        state: "erased",
        erasedMs: 4,
        leaving: ["v1/t/x.seg"],
        journal: { id: "j", toSequence: 9 },
      }),
      ...texts('{"format":"skald delete request","version":1,"id":"0","tenant":"t"}'),
    ],
    words: [...jsonWords, '"journal":null', '"erased":null', '"leaving":'],
    sealed: sealJson((rest) => `${JSON.stringify(rest, undefined, 1)}\n`),
    run: (bytes) =>
      mayThrow(isCorrupt, () => {
        const request = decodeDeleteRequest("fuzzed", bytes);
        maskOfRequest(request, () => 0n);
        const { lines, bytes: erasedBytes } = request.erased;
        assert.ok(Number.isFinite(lines) && Number.isFinite(erasedBytes), "erased");
        encodeDeleteRequest(request);
      }),
  },
  {
    name: "retention-record",
    seeds: texts('{"format":"skald retention record","version":1,"digest":"d","sinceMs":5}'),
    words: jsonWords,
    run: async (bytes) => {
      const objects = await storeOf(bytes, "retention/t.json");
      const record = new PolicyRecord({ objects, clock: new ManualClock({ nowMs: 9 }) });
      const since = await record.knownSinceMs("t", "d");
      assert.ok(since === undefined || Number.isSafeInteger(since));
      await record.sinceMs("t", "d");
    },
  },
  { name: "alert-state", seeds: texts(alerts), words: jsonWords, run: alertState },
  {
    name: "rule-object",
    seeds: [
      Buffer.from('\n\u0001g\u0012\u0002ns\u001a\u0002\b<"\u0006\n\u0001e\u001a\u0001a'),
      Buffer.from("0a01671a04080a1001", "hex"),
    ],
    run: (bytes) => mayThrow(isCorrupt, () => decodeRuleGroup(bytes, "rules/t/a/b")),
  },
  {
    name: "migration-record",
    seeds: texts(
      '{"version":1,"tenant":"t","digest":"d","portions":[null,{"segmentKey":"k","streams":1,"lineBytes":2,"sum":{}}],"outdated":[],"isDone":true,"damagedChunks":[]}',
      `{"version":1,"place":"s3 b","keyPrefix":"index/i_20463/","day":1,"tenants":["t"],"indexKeys":["index/i_20463/1-x.tsdb.gz"],"entries":3}`,
    ),
    words: jsonWords,
    run: migrated,
  },
  {
    name: "period-record",
    seeds: texts(periodRecord, `{"periods":${pieces}}`, `{"places":{"gone":${pieces}}}`),
    words: [...jsonWords, '"0000-01-01"', '"9999-12-31"', '"skald"'],
    sealed: sealJson(({ periods: all, places }) => JSON.stringify(all ?? places)),
    run: periods,
  },
  {
    name: "results-cache",
    seeds: [pieceSeed()],
    sealed: sealAt(8, 12),
    run: cachedPiece,
  },
  { name: "disk-cache", seeds: [slabSeed], sealed: sealEntries, run: diskCache },
  {
    name: "memcached",
    seeds: [Buffer.alloc(0), Buffer.from("12345"), Buffer.alloc(40, 0xff)],
    run: memcached,
    close: async () => {
      await (await answering)?.close();
      answering = undefined;
    },
  },
  {
    name: "chunk-marks",
    seeds: [Buffer.from("1768003200000-1.........a/b/1:2:3\nfake/x")],
    run: chunkMarks,
  },
];

import assert from "node:assert/strict";
import { test } from "node:test";
import { isStoreError } from "#base";
import { decompressSnappyBlock } from "#codec";
import { defaultLimits, type Limits } from "#config";
import type { EntryBatch } from "#model";
import fc from "fast-check";
import { decodePushRecord, encodePushRecord } from "./push-record.ts";
import { rowsOf, snappyPush, testDistributor } from "./push-test-kit.ts";

type Entry = readonly [ns: bigint, line: string, metadata: Record<string, string>];
type Stream = readonly [labels: Record<string, string>, entries: readonly Entry[]];

const word = fc.constantFrom(
  "level=info",
  "error",
  "x",
  "é",
  " ",
  '{"level":"warn"}',
  "\n",
  "=",
  "",
);
const entry: fc.Arbitrary<Entry> = fc.tuple(
  fc.bigInt({ min: -(10n ** 18n), max: 4n * 10n ** 18n }),
  fc.array(word, { maxLength: 4 }).map((words) => words.join("")),
  fc.dictionary(
    fc.constantFrom("a", "level", "a.b", "detected_level", "severity_number", "z", "__error__"),
    fc.constantFrom("1", "warn", "17", "", "odd"),
    { maxKeys: 4 },
  ),
);
const stream: fc.Arbitrary<Stream> = fc.tuple(
  fc.dictionary(fc.constantFrom("app", "level", "env"), fc.constantFrom("a", "info", "é"), {
    maxKeys: 3,
  }),
  fc.array(entry, { maxLength: 8 }),
);
const request = fc.array(stream, { minLength: 1, maxLength: 4 });

function assertSame(record: readonly Buffer[], batch: EntryBatch): void {
  const decoded = decodePushRecord(Buffer.concat(record));
  assert.equal(decoded.tenant, "t");
  assert.deepEqual(rowsOf(decoded.batch), rowsOf(batch));
  const streamsOf = ({ streams }: EntryBatch): unknown =>
    streams.map(({ labels, fromRow, toRow }) => [labels.toString(), fromRow, toRow]);
  assert.deepEqual(streamsOf(decoded.batch), streamsOf(batch));
  assert.equal(decoded.batch.rowCount, batch.rowCount);
}

const limitSets: readonly Partial<Limits>[] = [
  { discoverLogLevels: false },
  { discoverLogLevels: true },
  { discoverLogLevels: true, logLevelFields: ["a"], logLevelFromJsonMaxDepth: 0 },
  { discoverLogLevels: true, maxLineBytes: 8, incrementDuplicateTimestamp: true },
  { discoverLogLevels: true, maxLineBytes: 8, truncateLongLines: true, truncateIdentifier: "…" },
  { discoverLogLevels: true, discoverServiceName: [], maxLabelNamesPerSeries: 1 },
];

test("lines, metadata and streams of any length, and sets that rows share", () => {
  const lengths = [0, 1, 40, 41, 127, 128, 16_383, 16_384, 70_000];
  const values = lengths.flatMap((length, i) =>
    [1, 2].map((twin) => [
      `${1_768_003_201_000_000_000n + BigInt(i * 10 + twin)}`,
      `${twin}${"l".repeat(length)}`,
      { a: "m".repeat(length), shared: "s", ["n".repeat(Math.min(length, 300) + 1)]: "x" },
    ]),
  );
  const { accepted } = testDistributor({
    maxLineBytes: 0,
    maxStructuredMetadataBytes: 0,
    discoverLogLevels: true,
  }).json({
    streams: [
      { stream: { app: "long" }, values },
      { stream: { app: "short" }, values: values.slice(0, 2) },
    ],
  });
  assert.ok(accepted !== undefined);
  assert.equal(accepted.batch.rowCount, 20);
  assertSame(accepted.record, accepted.batch);
});

test("a record gives back the batch that was accepted, from protobuf", () => {
  const property = fc.property(request, fc.constantFrom(...limitSets), (streams, limits) => {
    const { accepted } = testDistributor(limits).push({
      contentType: "application/x-protobuf",
      body: snappyPush(streams),
    });
    if (accepted !== undefined) assertSame(accepted.record, accepted.batch);
  });
  fc.assert(property, { seed: 10, numRuns: 300 });
});

test("a message without compression is accepted as its snappy block is", () => {
  const property = fc.property(request, fc.constantFrom(...limitSets), (streams, limits) => {
    const block = snappyPush(streams);
    const bounds = { compressedBytesMax: 2 ** 20, rawBytesMax: 2 ** 22 };
    const message = decompressSnappyBlock(block, bounds);
    const { accepted: fromBlock, reply } = testDistributor(limits).push({
      contentType: "application/x-protobuf",
      body: block,
    });
    const alone = testDistributor(limits).push({ kind: "loki-message", body: message });
    assert.deepEqual(alone.reply, reply);
    assert.deepEqual(rowsOf(alone.accepted?.batch), rowsOf(fromBlock?.batch));
    if (alone.accepted !== undefined) assertSame(alone.accepted.record, alone.accepted.batch);
  });
  fc.assert(property, { seed: 12, numRuns: 200 });
});

test("a record gives back the batch that was accepted, from JSON", () => {
  const property = fc.property(request, fc.constantFrom(...limitSets), (streams, limits) => {
    const { accepted } = testDistributor(limits).json({
      streams: streams.map(([labels, entries]) => ({
        stream: labels,
        values: entries.map(([ns, line, metadata]) => [ns.toString(), line, metadata]),
      })),
    });
    if (accepted !== undefined) assertSame(accepted.record, accepted.batch);
  });
  fc.assert(property, { seed: 11, numRuns: 300 });
});

const plain: readonly Stream[] = [[{ app: "a" }, [[1n, "level=info x", { k: "v" }]]]];
const input = { contentType: "application/x-protobuf", tenant: "t" };

test("the request's own block is kept when every entry was accepted as it came", () => {
  const body = snappyPush(plain);
  const { accepted } = testDistributor({ discoverLogLevels: true }).push({ ...input, body });
  assert.ok(accepted !== undefined);
  const record = Buffer.concat(accepted.record);
  assert.ok(record.subarray(-body.length).equals(body));
  assert.equal(rowsOf(accepted.batch)[0]?.metadata["detected_level"], "info");
});

test("the golden record is what docs/formats/push-record.md shows", () => {
  const golden =
    "01010174020205" + "6c6576656c036c766c" + "0102036170700161" + "0c736572766963655f6e616d650161";
  const limits = { discoverLogLevels: true, logLevelFields: ["level", "lvl"] };
  const body = snappyPush(plain);
  const { accepted } = testDistributor(limits).push({ ...input, body });
  const record = Buffer.concat(accepted?.record ?? []);
  assert.equal(record.toString("hex"), golden + body.toString("hex"));
  assert.equal(decodePushRecord(record).tenant, "t");
});

test("records are independent of the configuration of the day they are read", () => {
  const { accepted } = testDistributor({ discoverLogLevels: true }).push({
    ...input,
    body: snappyPush(plain),
  });
  const { batch } = decodePushRecord(Buffer.concat(accepted?.record ?? []));
  assert.equal(rowsOf(batch)[0]?.metadata["detected_level"], "info");
  assert.ok(defaultLimits.discoverServiceName.length > 0);
  assert.equal(rowsOf(batch)[0]?.labels, '{app="a", service_name="a"}');
});

test("a damaged record is a StoreError or another batch, never anything else", () => {
  const { accepted } = testDistributor({ discoverLogLevels: true }).push({
    ...input,
    body: snappyPush(plain),
  });
  const whole = Buffer.concat(accepted?.record ?? []);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(
      () => decodePushRecord(whole.subarray(0, length)),
      (error) => isStoreError(error, "corrupt"),
    );
  }
  const property = fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
    const damaged = Buffer.from(whole);
    damaged[at] = value;
    try {
      decodePushRecord(damaged);
    } catch (error) {
      assert.ok(isStoreError(error, "corrupt"), String(error));
    }
  });
  fc.assert(property, { seed: 12, numRuns: 500 });
});

test("an empty batch makes a record, too", () => {
  const { accepted } = testDistributor().push({ ...input, body: snappyPush(plain) });
  const batch = accepted!.batch;
  const none = { ...batch, rowCount: 0, streams: [] };
  assertSame(encodePushRecord({ tenant: "t", batch: none }), none);
});

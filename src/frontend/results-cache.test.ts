import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import type { MatrixSeries } from "#query";
import { type DiskOperation, SimulatedDisk } from "#world";
import { addPiece, checkPiece, encodePiece, readFacts } from "./cached-piece.ts";
import { PieceFolder } from "./piece-folder.ts";
import { type CacheOutcome, ResultsCache } from "./results-cache.ts";
import { StepColumns } from "./step-columns.ts";

const stepNs = 1_000_000_000n;
const steps = { firstNs: 0n, lastNs: 9n * stepNs };
const answer: readonly MatrixSeries[] = [
  { labels: [], timesMs: Float64Array.of(2000, 5000), values: Float64Array.of(Number.NaN, -0) },
  {
    labels: [
      ["a", "é"],
      ["b", ""],
    ],
    timesMs: Float64Array.of(9000),
    values: Float64Array.of(1e300),
  },
];

function columnsOf(series: readonly MatrixSeries[]): StepColumns {
  const columns = new StepColumns(steps, stepNs);
  assert.ok(columns.addAnswer(series, steps));
  return columns;
}

function pieceOf(key: string, dataVersion = "v", part = steps): Buffer {
  return encodePiece({ key, dataVersion, stepNs, ...part }, columnsOf(answer));
}

test("a piece reads back as it was, any part of it", () => {
  const bytes = pieceOf("k");
  checkPiece(bytes, "piece");
  const facts = { key: "k", dataVersion: "v", stepNs, ...steps };
  assert.deepEqual(readFacts(bytes), facts);
  const columns = new StepColumns(steps, stepNs);
  addPiece(bytes, columns, { firstNs: 0n, lastNs: 2n * stepNs });
  addPiece(bytes, columns, { firstNs: 3n * stepNs, lastNs: 9n * stepNs });
  assert.deepEqual(columns.answer(), answer);
});

test("a part of a piece has no series that are not in it", () => {
  const columns = new StepColumns({ firstNs: 3n * stepNs, lastNs: 5n * stepNs }, stepNs);
  addPiece(pieceOf("k"), columns, columns.steps);
  assert.deepEqual(columns.answer(), [
    { labels: [], timesMs: Float64Array.of(5000), values: Float64Array.of(-0) },
  ]);
});

test("two series of the same labels are not taken for one", () => {
  const columns = new StepColumns(steps, stepNs);
  assert.equal(columns.addAnswer([answer[0]!, answer[0]!], steps), false);
});

test("a byte that changed anywhere is found out", () => {
  const bytes = pieceOf("k");
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const spoiled = Buffer.from(bytes);
      spoiled[at]! ^= mask;
      assert.throws(() => checkPiece(spoiled, "piece"), { kind: "corrupt" });
    }),
    { seed: 3, numRuns: 200 },
  );
  for (const length of [0, 3, 11, bytes.length - 1]) {
    const cut = bytes.subarray(0, length);
    assert.throws(() => checkPiece(cut, "piece"), { kind: "corrupt" });
  }
});

/** The piece with `change` done to it and a checksum that fits. */
function changedPiece(change: (bytes: Buffer) => Buffer): Buffer {
  const bytes = change(Buffer.from(pieceOf("k")));
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

test("a piece that ends too soon, or whose steps are none, is corrupt, whatever its checksum", () => {
  const whole = pieceOf("k");
  for (let length = 13; length < whole.length; length++) {
    const cut = changedPiece((bytes) => bytes.subarray(0, length));
    checkPiece(cut, "piece");
    const columns = new StepColumns(steps, stepNs);
    assert.throws(() => addPiece(cut, columns, steps), { kind: "corrupt" }, `${length} bytes`);
  }
  const factsAt = 12 + 4 + 1 + 4 + 1;
  for (const step of [0n, -1n]) {
    const stepless = changedPiece((bytes) => {
      bytes.writeBigInt64LE(step, factsAt + 16);
      return bytes;
    });
    assert.throws(() => readFacts(stepless), { kind: "corrupt" });
  }
  const endless = changedPiece((bytes) => bytes.fill(0xff, 16, 20));
  assert.throws(() => readFacts(endless), { kind: "corrupt" });
});

/** A cache over a disk, and what it found. */
async function open(
  disk: SimulatedDisk,
  options: { bytesMax?: number; memoryBytesMax?: number } = {},
): Promise<{ cache: ResultsCache; found: CacheOutcome[]; failures: string[] }> {
  const found: CacheOutcome[] = [];
  const failures: string[] = [];
  const folder = await PieceFolder.open({
    files: disk,
    folder: "/cache",
    bytesMax: options.bytesMax ?? 1_000_000,
    onFailure: (reason) => failures.push(reason),
  });
  const { memoryBytesMax = 100_000 } = options;
  const onLookup = (outcome: CacheOutcome): void => void found.push(outcome);
  return { cache: new ResultsCache({ memoryBytesMax, folder, onLookup }), found, failures };
}

test("what was kept is found in memory, and after a restart on disk", async () => {
  const disk = new SimulatedDisk();
  const first = await open(disk);
  first.cache.put("k", pieceOf("k"));
  const wanted = { key: "k", dataVersion: "v", ...steps };
  assert.ok(await first.cache.get(wanted));
  await first.cache.close();
  const second = await open(disk);
  assert.ok(await second.cache.get(wanted));
  assert.ok(await second.cache.get(wanted));
  assert.deepEqual([...first.found, ...second.found], ["memory", "disk", "memory"]);
});

test("another version, more steps than there are, another key: not found", async () => {
  const { cache, found } = await open(new SimulatedDisk());
  const part = { firstNs: 2n * stepNs, lastNs: 7n * stepNs };
  cache.put("k", pieceOf("k", "v", part));
  const wanted = { key: "k", dataVersion: "v", ...part };
  for (const other of [
    { ...wanted, dataVersion: "w" },
    { ...wanted, firstNs: stepNs },
    { ...wanted, lastNs: 8n * stepNs },
    { ...wanted, key: "l" },
  ]) {
    assert.equal(await cache.get(other), undefined);
  }
  assert.ok(await cache.get({ ...wanted, firstNs: 3n * stepNs }));
  assert.deepEqual(found, ["stale", "stale", "stale", "missing", "memory"]);
});

test("a spoiled file is dropped, and the piece kept anew", async () => {
  const disk = new SimulatedDisk();
  const first = await open(disk);
  first.cache.put("k", pieceOf("k"));
  await first.cache.close();
  const [file] = await disk.list("/cache");
  disk.corrupt(`/cache/${file!.name}`, 40);
  const { cache, found } = await open(disk);
  const wanted = { key: "k", dataVersion: "v", ...steps };
  assert.equal(await cache.get(wanted), undefined);
  assert.deepEqual(await disk.list("/cache"), []);
  cache.put("k", pieceOf("k"));
  await cache.close();
  assert.deepEqual(found, ["corrupt"]);
  assert.equal((await disk.list("/cache")).length, 1);
});

test("a power cut leaves pieces or nothing", async () => {
  const property = fc.asyncProperty(fc.nat(), async (seed) => {
    const disk = new SimulatedDisk();
    await disk.makeFolder("/cache");
    await disk.syncFolder("/");
    const first = await open(disk);
    for (const key of ["k", "l", "m"]) first.cache.put(key, pieceOf(key));
    await first.cache.close();
    disk.crash(seed);
    const { cache } = await open(disk);
    for (const key of ["k", "l", "m"]) {
      const bytes = await cache.get({ key, dataVersion: "v", ...steps });
      if (bytes !== undefined) assert.deepEqual(bytes, pieceOf(key));
    }
  });
  await fc.assert(property, { seed: 5, numRuns: 50 });
});

test("the folder is bounded: what was used least recently goes first", async () => {
  const disk = new SimulatedDisk();
  const size = pieceOf("k0").length;
  const options = { bytesMax: 3 * size, memoryBytesMax: 0 };
  const { cache } = await open(disk, options);
  const wanted = (key: string) => ({ key, dataVersion: "v", ...steps });
  for (const key of ["k0", "k1", "k2"]) cache.put(key, pieceOf(key));
  while (cache.diskBytes < 3 * size) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(await cache.get(wanted("k0")));
  cache.put("k3", pieceOf("k3"));
  await cache.close();
  assert.equal(cache.diskBytes, 3 * size);
  const kept = [];
  for (const key of ["k0", "k1", "k2", "k3"]) if (await cache.get(wanted(key))) kept.push(key);
  assert.deepEqual(kept, ["k0", "k2", "k3"]);
  const smaller = await open(disk, { bytesMax: 2 * size });
  assert.equal(smaller.cache.diskBytes, 2 * size);
});

test("memory is bounded", async () => {
  const { cache } = await open(new SimulatedDisk(), { memoryBytesMax: 2000 });
  for (let i = 0; i < 50; i++) cache.put(`k${i}`, pieceOf(`k${i}`));
  assert.ok(cache.memoryBytes <= 2000);
  assert.ok(cache.memoryBytes > 1000);
});

const faults: readonly DiskOperation[] = ["open", "write", "rename", "read"];
for (const operation of faults) {
  test(`a disk that fails to ${operation} costs the piece and is named`, async () => {
    let isFaulty = false;
    const faultOf = (asked: DiskOperation): "io" | undefined =>
      isFaulty && asked === operation ? "io" : undefined;
    const { cache, failures } = await open(new SimulatedDisk({ faultOf }), { memoryBytesMax: 0 });
    isFaulty = true;
    cache.put("k", pieceOf("k"));
    await cache.close();
    assert.equal(await cache.get({ key: "k", dataVersion: "v", ...steps }), undefined);
    assert.equal(failures.length, 1);
  });
}

test("what an interrupted write left is removed", async () => {
  const disk = new SimulatedDisk();
  await disk.makeFolder("/cache");
  const path = `/cache/${"0".repeat(40)}.tmp`;
  await (await disk.open(path, { create: true, exclusive: true })).close();
  await open(disk);
  assert.deepEqual(await disk.list("/cache"), []);
});

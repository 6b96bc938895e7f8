import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isStoreError, MiB, StoreError } from "#base";
import { MemoryObjectStore } from "#objectstore";
import { SegmentStore } from "#segment";
import {
  type DiskFault,
  type DiskOperation,
  ManualClock,
  seededRandom,
  SimulatedDisk,
} from "#world";
import {
  afterMs,
  expectedOf,
  never,
  putSegment,
  readAll,
  testCompactor,
  type TestRow,
} from "./compaction-test-kit.ts";
import { SpoolFolder } from "./spool.ts";

const folder = "/data/merge";

interface TestSpools {
  readonly disk: SimulatedDisk;
  readonly spools: SpoolFolder;
  readonly failures: unknown[];
}

function newSpools(options: {
  readonly heldBytes: number;
  readonly faultOf?: (operation: DiskOperation, path: string) => DiskFault | undefined;
}): TestSpools {
  const { heldBytes, faultOf } = options;
  const disk = new SimulatedDisk(faultOf === undefined ? {} : { faultOf });
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  const random = seededRandom(5);
  return {
    disk,
    failures,
    spools: new SpoolFolder({ files: disk, random, folder, failed, heldBytes }),
  };
}

/** A buffer of its own, as those of blocks are. */
function piece(length: number, fill: number): Buffer {
  return Buffer.from(new Uint8Array(length).fill(fill).buffer);
}

const noFault = (): undefined => undefined;
const disks: { what: string; faultOf: (operation: DiskOperation) => DiskFault | undefined }[] = [
  { what: "a sound disk", faultOf: noFault },
  { what: "a disk without room", faultOf: (one) => (one === "write" ? "full" : undefined) },
  { what: "a disk that takes half", faultOf: (one) => (one === "write" ? "short-io" : undefined) },
  { what: "a disk that opens nothing", faultOf: (one) => (one === "open" ? "io" : undefined) },
];

for (const { what, faultOf } of disks) {
  test(`${what}: every range reads as it was appended`, async () => {
    const lengths = fc.array(fc.nat(40), { maxLength: 12 });
    const property = fc.asyncProperty(lengths, fc.nat(60), async (pieces, heldBytes) => {
      const { spools, failures } = newSpools({ heldBytes, faultOf });
      await using spool = spools.open();
      const whole = Buffer.concat(pieces.map((length, at) => piece(length, at + 1)));
      for (const [at, length] of pieces.entries()) await spool.append(piece(length, at + 1));
      assert.equal(spool.sizeBytes, whole.length);
      assert.ok(failures.length <= (faultOf === noFault ? 0 : 1), "told once");
      for (let from = 0; from <= whole.length; from += 7) {
        for (let to = from; to <= whole.length; to += 11) {
          const want = whole.toString("hex", from, to);
          assert.equal((await spool.read({ from, to })).toString("hex"), want, `${from} to ${to}`);
        }
      }
    });
    await fc.assert(property, { numRuns: 40, seed: 7 });
  });
}

test("what is small never gets to the disk", async () => {
  const { disk, spools } = newSpools({ heldBytes: 100 });
  await using spool = spools.open();
  await spool.append(piece(100, 1));
  await assert.rejects(disk.list(folder), (error) => isStoreError(error, "missing"));
  await spool.append(piece(1, 2));
  assert.equal(disk.usedBytes, 0, "the file has no name");
  assert.deepEqual(await disk.list(folder), []);
});

test("a disk that is nearly full is not filled", async () => {
  for (const { freeBytes, failuresWanted } of [
    { freeBytes: 512 * MiB - 1, failuresWanted: 1 },
    { freeBytes: 512 * MiB, failuresWanted: 0 },
  ]) {
    const { disk, spools, failures } = newSpools({ heldBytes: 0 });
    disk.freeBytes = async () => freeBytes;
    await using spool = spools.open();
    await spool.append(piece(100, 1));
    assert.equal(failures.length, failuresWanted);
    assert.ok(failures.every((error) => isStoreError(error, "full")));
    assert.ok((await spool.read({ from: 0, to: 100 })).equals(piece(100, 1)));
  }
});

test("memory of what is on disk is given back", async () => {
  const { spools } = newSpools({ heldBytes: 150 });
  await using spool = spools.open();
  const pieces = [piece(100, 1), piece(100, 2), piece(100, 3)];
  for (const one of pieces) await spool.append(one);
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [0, 0, 100],
  );
});

test("names that a crash has left go once, other files stay", async () => {
  const { disk, spools } = newSpools({ heldBytes: 0 });
  await spools.clear();
  await disk.makeFolder(folder);
  const again = new SpoolFolder({
    files: disk,
    random: seededRandom(6),
    folder,
    failed: (error) => assert.fail(String(error)),
  });
  for (const name of ["0a-1.spool", "notes"]) {
    await using _file = await disk.open(`${folder}/${name}`, { create: true, exclusive: true });
  }
  await again.clear();
  assert.deepEqual(
    (await disk.list(folder)).map(({ name }) => name),
    ["notes"],
  );
});

const clock = new ManualClock({ nowMs: afterMs });

function rowsOf(n: number): TestRow[] {
  return Array.from({ length: 90 }, (_, i) => ({
    app: i % 5 === 0 ? "thin" : "fat",
    ms: i * 10 + n,
    line: `line ${i} of ${n} ${"x".repeat(i)}`,
    metadata: { level: `${i % 3}` },
  }));
}

async function mergedBytes(spools: SpoolFolder | undefined): Promise<Buffer> {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  const stored = [0, 1, 2].map((n) => rowsOf(n));
  for (const [n, rows] of stored.entries()) await putSegment(objects, n, rows);
  const segments = new SegmentStore({ objects });
  const policy = { blockTargetBytes: 1024, deleteDelayMs: 0 };
  const more = spools === undefined ? {} : { spools };
  const { compactor, merged, failures } = testCompactor({
    objects,
    segments,
    clock,
    policy,
    ...more,
  });
  await compactor.runOnce(never);
  assert.deepEqual(failures, []);
  assert.deepEqual(await readAll(segments), expectedOf(stored));
  return objects.get(merged[0]!.key);
}

test("an object that waited on disk is the same, byte for byte", async () => {
  const plain = await mergedBytes(undefined);
  for (const { faultOf } of disks) {
    for (const heldBytes of [0, 300]) {
      assert.ok((await mergedBytes(newSpools({ heldBytes, faultOf }).spools)).equals(plain));
    }
  }
});

test("lines that cannot be read back fail the merge; the next round does it", async () => {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  const stored = [0, 1, 2].map((n) => rowsOf(n));
  for (const [n, rows] of stored.entries()) await putSegment(objects, n, rows);
  let isBroken = true;
  const faultOf = (operation: DiskOperation): DiskFault | undefined =>
    operation === "read" && isBroken ? "io" : undefined;
  const { spools, disk } = newSpools({ heldBytes: 0, faultOf });
  const segments = new SegmentStore({ objects });
  const { compactor, merged, failures } = testCompactor({ objects, segments, clock, spools });
  await compactor.runOnce(never);
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof StoreError, String(failures[0]));
  assert.deepEqual(await readAll(segments), expectedOf(stored));
  isBroken = false;
  await compactor.runOnce(never);
  assert.equal(merged.length, 1);
  assert.deepEqual(await readAll(segments), expectedOf(stored));
  assert.equal(disk.usedBytes, 0);
});

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import test from "node:test";
import fc from "fast-check";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import {
  decodeFileStart,
  decodeRecordHeader,
  encodeFileStart,
  encodeRecordHeader,
} from "./journal-format.ts";
import { appendText, replayed } from "./journal.contract.ts";
import { openLocalJournal } from "./local-journal.ts";

const golden = new URL("./testdata/version-1.journal", import.meta.url);
const path = "/journal/0000000001.journal";
const texts = ["", "first line", "8 bytes.", "\0\xff\n"];
const sequence = fc.maxSafeNat();
const u32 = fc.nat(2 ** 32 - 1);

function openOn(disk: SimulatedDisk): ReturnType<typeof openLocalJournal> {
  const clock = new ManualClock({ nowNs: 1_700_000_000_123_456_789n });
  return openLocalJournal({ files: disk, clock, random: seededRandom(42), folder: "/journal" });
}

/** Run with UPDATE_GOLDEN=1 after a deliberate change of the format, with a new version number. */
test("the bytes of a file are those of version 1", async () => {
  const disk = new SimulatedDisk();
  const journal = await openOn(disk);
  for (const text of texts) await appendText(journal, text);
  await journal.close();
  const bytes = await disk.read(path);
  if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(golden, bytes);
  assert.ok(bytes.equals(await readFile(golden)));
});

test("a file of version 1 is read", async () => {
  const disk = new SimulatedDisk();
  await disk.makeFolder("/journal");
  await using file = await disk.open(path, { create: true, exclusive: true });
  await file.write([await readFile(golden)], 0);
  const journal = await openOn(disk);
  assert.deepEqual(
    (await replayed(journal)).map((record) => record.text),
    texts,
  );
  assert.deepEqual(journal.damage, []);
  await journal.close();
});

test("record headers come back, and no other salt reads them", () => {
  const header = fc.record(
    {
      sequence,
      durableSequence: sequence,
      bodyBytes: u32,
      bodyCrc: u32,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(header, u32, u32, (record, salt, otherSalt) => {
      const bytes = encodeRecordHeader(record, salt);
      assert.deepEqual(decodeRecordHeader(bytes, 0, salt), record);
      if (otherSalt !== salt) assert.equal(decodeRecordHeader(bytes, 0, otherSalt), undefined);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("file headers come back from either copy", () => {
  const header = fc.record(
    {
      fileNumber: sequence,
      firstSequence: sequence,
      followsSequence: sequence,
      runId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      createdNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      salt: u32,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(header, fc.nat(63), (file, at) => {
      const start = encodeFileStart(file);
      assert.deepEqual(decodeFileStart(start), file);
      start[at]! ^= 1;
      assert.deepEqual(decodeFileStart(start), file);
      start[4096 + at]! ^= 1;
      assert.equal(decodeFileStart(start), undefined);
    }),
    { seed: 1, numRuns: 200 },
  );
});

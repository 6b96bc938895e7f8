/** Bytes gone bad on disk: what is read past them, and what the report says. */
import assert from "node:assert/strict";
import test from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { isStoreError } from "#base";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { recordHeaderBytes, recordsOffset, secondHeaderOffset } from "./journal-format.ts";
import { appendText, replayed } from "./journal.contract.ts";
import type { Journal, JournalDamage } from "./journal.ts";
import { openLocalJournal } from "./local-journal.ts";

const folder = "/journal";
const firstFile = `${folder}/0000000001.journal`;
const secondFile = `${folder}/0000000002.journal`;
const bodyBytes = 96;
const recordBytes = recordHeaderBytes + bodyBytes;

let runs = 0;
function openOn(disk: SimulatedDisk, fileBytesMax?: number): Promise<Journal> {
  const random = seededRandom(++runs);
  const clock = new ManualClock({ nowMs: 0 });
  const limit = fileBytesMax === undefined ? {} : { fileBytesMax };
  return openLocalJournal({ files: disk, clock, random, folder, ...limit });
}

const textOf = (sequence: number): string => String(sequence).padEnd(bodyBytes, "SREC");

/** Records 1 to `count`, each acknowledged before the next; `perFile` of them in each file. */
async function written(count: number, perFile = 100): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const journal = await openOn(disk, recordsOffset + perFile * recordBytes);
  for (let sequence = 1; sequence <= count; sequence++) await appendText(journal, textOf(sequence));
  await journal.close();
  return disk;
}

async function reopened(
  disk: SimulatedDisk,
): Promise<{ sequences: number[]; damage: readonly JournalDamage[]; nextSequence: number }> {
  const journal = await openOn(disk);
  const records = await replayed(journal);
  for (const { sequence, text } of records) assert.equal(text, textOf(sequence));
  const nextSequence = await appendText(journal, textOf(journal.lastSequence + 1));
  await journal.close();
  const sequences = records.map((record) => record.sequence);
  return { sequences, damage: journal.damage, nextSequence };
}

const headerOf = (sequence: number): number => recordsOffset + (sequence - 1) * recordBytes;

test("a bad body or header costs one record and is reported where it is", async () => {
  const disk = await written(9);
  disk.corrupt(firstFile, headerOf(3) + recordHeaderBytes + 50);
  disk.corrupt(firstFile, headerOf(6) + 5);
  const { sequences, damage, nextSequence } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 4, 5, 7, 8, 9]);
  assert.equal(nextSequence, 10);
  assert.deepEqual(
    damage.map(({ file, offset, bytes, kind }) => [file, offset, bytes, kind]),
    [
      [firstFile, headerOf(3), recordBytes, "corrupt"],
      [firstFile, headerOf(6), recordBytes, "corrupt"],
    ],
  );
  assert.match(damage[0]!.reason, /^record 3: body crc [0-9a-f]+ but computed [0-9a-f]+$/);
  assert.match(damage[1]!.reason, /after record 5$/);
});

test("a torn tail is cut once, and its number is free again", async () => {
  const disk = await written(5);
  await using file = await disk.open(firstFile, { create: false, exclusive: false });
  await file.truncate(headerOf(5) + 40);
  const { sequences, damage, nextSequence } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 3, 4]);
  assert.equal(nextSequence, 5);
  assert.deepEqual(
    damage.map(({ offset, bytes, kind }) => [offset, bytes, kind]),
    [[headerOf(5), 40, "torn-tail"]],
  );
  const again = await reopened(disk);
  assert.deepEqual(again.sequences, [1, 2, 3, 4, 5]);
  assert.deepEqual(again.damage, []);
});

test("a tail of zeros is torn, too", async () => {
  const disk = await written(2);
  await using file = await disk.open(firstFile, { create: false, exclusive: false });
  await file.write([Buffer.alloc(10_000)], headerOf(3));
  const { sequences, damage } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2]);
  assert.equal(damage[0]?.kind, "torn-tail");
});

test("a lost tail of acknowledged records is corruption, and its numbers stay taken", async () => {
  const disk = await written(6);
  disk.corrupt(firstFile, headerOf(5) + recordHeaderBytes);
  disk.corrupt(firstFile, headerOf(6) + recordHeaderBytes);
  const { sequences, damage, nextSequence } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 3, 4]);
  assert.deepEqual(
    damage.map((item) => item.kind),
    ["corrupt", "torn-tail"],
  );
  assert.equal(nextSequence, 7);
});

test("damage in a file that was finished is always corruption", async () => {
  const disk = await written(6, 3);
  disk.corrupt(firstFile, headerOf(3));
  const { sequences, damage } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 4, 5, 6]);
  assert.equal(damage[0]?.kind, "corrupt");
});

test("one bad copy of the file header is no damage; two set the file aside", async () => {
  const disk = await written(6, 3);
  disk.corrupt(firstFile, 30);
  assert.deepEqual((await reopened(disk)).sequences, [1, 2, 3, 4, 5, 6]);
  disk.corrupt(firstFile, secondHeaderOffset + 30);
  const { sequences, damage } = await reopened(disk);
  assert.deepEqual(sequences, [4, 5, 6, 7]);
  assert.deepEqual([damage[0]?.kind, damage[0]?.file], ["corrupt", firstFile]);
  assert.ok((await disk.stat(`${firstFile}.unreadable`)).sizeBytes > recordsOffset);
});

test("numbers of a last file that cannot be read are not given again", async () => {
  const disk = await written(6, 3);
  disk.corrupt(secondFile, 30);
  disk.corrupt(secondFile, secondHeaderOffset + 30);
  const { sequences, nextSequence } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 3]);
  assert.ok(nextSequence > 6);
});

test("a file that vanished is reported", async () => {
  const disk = await written(9, 3);
  await disk.remove(secondFile);
  const { sequences, damage } = await reopened(disk);
  assert.deepEqual(sequences, [1, 2, 3, 7, 8, 9]);
  assert.match(damage[0]!.reason, /^records 4 to 6 are missing/);
  assert.equal(damage[0]!.kind, "corrupt");
});

test("a newer format is refused and left alone", async () => {
  const disk = await written(1);
  const start = await disk.read(firstFile);
  start.writeUInt32LE(2, 8);
  start.writeUInt32LE(crc32(start.subarray(0, 60)), 60);
  await using file = await disk.open(firstFile, { create: false, exclusive: false });
  await file.write([start], 0);
  await assert.rejects(openOn(disk), (error) => isStoreError(error, "corrupt"));
  assert.deepEqual(await disk.read(firstFile), start);
});

test("any one bad byte costs at most one record, and never an invented one", async () => {
  const count = 12;
  const property = fc.asyncProperty(
    fc.integer({ min: 0, max: recordsOffset + count * recordBytes - 1 }),
    fc.integer({ min: 1, max: 255 }),
    async (offset, mask) => {
      const disk = await written(count);
      disk.corrupt(firstFile, offset, mask);
      const { sequences } = await reopened(disk);
      assert.ok(sequences.length >= count - 1, `${sequences.length} records`);
      assert.deepEqual(
        sequences,
        [...new Set(sequences)].sort((l, r) => l - r),
      );
    },
  );
  await fc.assert(property, { seed: 1, numRuns: 150 });
});

test("records larger than a read of the replay come back whole", async () => {
  const disk = new SimulatedDisk();
  let journal = await openOn(disk);
  const sizes = [5_000_000, 10, 4_194_304 - 32, 9_000_001, 0, 3_000_000, 3_000_000];
  for (const [i, size] of sizes.entries()) await journal.append([Buffer.alloc(size, i)], () => {});
  await journal.close();
  journal = await openOn(disk);
  const seen: number[] = [];
  for await (const { sequence, body } of journal.replay(1)) {
    assert.ok(body.equals(Buffer.alloc(sizes[sequence - 1]!, sequence - 1)), `${sequence}`);
    seen.push(body.length);
  }
  assert.deepEqual(seen, sizes);
  assert.deepEqual(journal.damage, []);
  await journal.close();
});

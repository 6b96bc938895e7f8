import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { isStoreError } from "#base";
import {
  type FileInfo,
  type Files,
  ManualClock,
  seededRandom,
  SimulatedDisk,
  systemFiles,
} from "#world";
import { recordHeaderBytes, recordsOffset } from "./journal-format.ts";
import { appendText, journalContract, replayed } from "./journal.contract.ts";
import type { Journal } from "./journal.ts";
import { type LocalJournalOptions, openLocalJournal } from "./local-journal.ts";

const folder = "/data/journal";

function openOn(files: Files, options?: Partial<LocalJournalOptions>): Promise<Journal> {
  const clock = new ManualClock({ nowMs: 1_700_000_000_000 });
  return openLocalJournal({ files, clock, random: seededRandom(1), folder, ...options });
}

journalContract("local files on the system's disk", async () => {
  const temporary = await mkdtemp(join(tmpdir(), "skald-journal-"));
  return {
    open: () => openOn(systemFiles, { folder: join(temporary, "journal") }),
    dispose: () => rm(temporary, { recursive: true }),
  };
});

journalContract("small local files on a simulated disk", async () => {
  const disk = new SimulatedDisk();
  let opened = 0;
  return {
    open: () => openOn(disk, { fileBytesMax: recordsOffset + 150, random: seededRandom(++opened) }),
    dispose: async () => undefined,
  };
});

test("appends that wait share one sync", async () => {
  let syncs = 0;
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const faultOf = (operation: string): undefined => {
    if (operation === "sync") syncs++;
  };
  const journal = await openOn(new SimulatedDisk({ pause, faultOf }));
  await appendText(journal, "makes the file");
  const caller = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await appendText(journal, "x");
  };
  syncs = 0;
  await Promise.all(Array.from({ length: 64 }, caller));
  assert.equal(syncs, 10);
  await journal.close();
});

test("a journal has one owner", async () => {
  const disk = new SimulatedDisk();
  const journal = await openOn(disk);
  await assert.rejects(openOn(disk), (error) => isStoreError(error, "denied"));
  await journal.close();
  await (await openOn(disk)).close();
});

test("a journal keeps its identity; one that was deleted and begins anew has another", async () => {
  const disk = new SimulatedDisk();
  const first = await openOn(disk);
  await appendText(first, "x");
  await first.close();
  const again = await openOn(disk);
  assert.match(first.id, /^[0-9a-f]{32}$/);
  assert.equal(again.id, first.id);
  await again.close();
  for (const { name } of await disk.list(folder)) {
    if (name.endsWith(".journal")) await disk.remove(`${folder}/${name}`);
  }
  const anew = await openOn(disk, { random: seededRandom(9) });
  assert.notEqual(anew.id, first.id);
  await anew.close();
});

test("files rotate at their limit; a larger record has a file of its own", async () => {
  const disk = new SimulatedDisk();
  const room = 10 * (recordHeaderBytes + 8);
  const journal = await openOn(disk, { fileBytesMax: recordsOffset + room });
  const journalFiles = async (): Promise<FileInfo[]> =>
    (await disk.list(folder)).filter(({ name }) => name.endsWith(".journal"));
  const fileCount = async (): Promise<number> => (await journalFiles()).length;
  for (let i = 0; i < 10; i++) await appendText(journal, "8 bytes!");
  assert.equal(await fileCount(), 1);
  await appendText(journal, "8 bytes!");
  assert.equal(await fileCount(), 2);
  await appendText(journal, "x".repeat(5_000));
  await appendText(journal, "");
  assert.equal(await fileCount(), 4);
  let sizeBytes = 0;
  for (const info of await journalFiles()) sizeBytes += info.sizeBytes;
  assert.equal(journal.sizeBytes, sizeBytes);
  await journal.truncate(12);
  assert.equal(await fileCount(), 2);
  assert.equal(journal.firstSequence, 12);
  await journal.close();
});

test("beyond the queue's limit an append is unavailable, at the limit it is not", async () => {
  const disk = new SimulatedDisk();
  const journal = await openOn(disk, { queuedBytesMax: 2 * (recordHeaderBytes + 8) });
  const first = appendText(journal, "12345678");
  const second = appendText(journal, "12345678");
  await assert.rejects(appendText(journal, ""), (error) => isStoreError(error, "unavailable"));
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  assert.equal(await appendText(journal, "larger than the limit when alone".repeat(10)), 3);
  await journal.close();
});

test("an apply that throws fails its own append only", async () => {
  const journal = await openOn(new SimulatedDisk());
  const bad = journal.append([Buffer.from("x")], () => {
    throw new Error("bug");
  });
  const good = appendText(journal, "y");
  await assert.rejects(bad, /bug/);
  assert.equal(await good, 2);
  await journal.close();
});

test("numbers that the caller has seen are not given again", async () => {
  const journal = await openOn(new SimulatedDisk());
  assert.deepEqual(await replayed(journal, 41), []);
  assert.equal(await appendText(journal, "x"), 41);
  await journal.close();
});

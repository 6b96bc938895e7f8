import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { SimulatedDisk } from "#world";
import { StoredRanges } from "./stored-ranges.ts";

const path = "/data/wal/stored-ranges";

function open(disk: SimulatedDisk, journalId = "j1", firstSequence = 1): Promise<StoredRanges> {
  const firstOf = (): number => firstSequence;
  return StoredRanges.open({ files: disk.asProcess(), path, journalId, firstSequence: firstOf });
}

const range = (tenant: string, fromSequence: number, toSequence: number) => ({
  tenant,
  day: 20_089,
  fromSequence,
  toSequence,
});

function shown(ranges: StoredRanges, tenant: string): string[] {
  return ranges.of(tenant, 20_089).map((one) => `${one.fromSequence}-${one.toSequence}`);
}

test("ranges survive a power cut, by tenant, day and journal", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const disk = new SimulatedDisk({ seed });
    const ranges = await open(disk);
    await ranges.add(range("one", 1, 4));
    await ranges.add(range("two", 2, 5));
    disk.crash(seed);
    const again = await open(disk);
    assert.deepEqual(shown(again, "one"), ["1-4"]);
    assert.deepEqual(shown(again, "two"), ["2-5"]);
    assert.deepEqual(again.of("one", 20_090), []);
    assert.deepEqual(shown(await open(disk, "j2"), "one"), []);
  }
});

test("what is torn or damaged is not believed, nor what comes after it", async () => {
  const disk = new SimulatedDisk();
  const ranges = await open(disk);
  for (let i = 0; i < 3; i++) await ranges.add(range("one", i * 10, i * 10 + 5));
  const files = disk.asProcess();
  const { length } = await files.read(path);
  disk.corrupt(path, Math.floor(length / 2));
  const again = await open(disk);
  assert.deepEqual(shown(again, "one"), ["0-5"]);
  await again.add(range("one", 50, 60));
  assert.deepEqual(shown(await open(disk), "one"), ["0-5", "50-60"]);
});

test("a line whose checksum holds and whose numbers are none ends what is read", async () => {
  for (const numbers of ["x 1 2", "1 NaN 2", "1 2 1e400", "1 2", "1 2 3 4", "1 0.5 2"]) {
    const disk = new SimulatedDisk();
    await (await open(disk)).add(range("one", 1, 5));
    const text = `j1 one ${numbers}`;
    const line = `${text} ${crc32(text).toString(16).padStart(8, "0")}\n`;
    const { length } = await disk.read(path);
    {
      await using file = await disk.open(path, { create: false, exclusive: false });
      await file.write([Buffer.from(line)], length);
    }
    assert.deepEqual(shown(await open(disk), "one"), ["1-5"], numbers);
    await (await open(disk)).add(range("one", 7, 9));
    assert.deepEqual(shown(await open(disk), "one"), ["1-5", "7-9"], numbers);
  }
});

test("the file does not grow for ever", async () => {
  const disk = new SimulatedDisk();
  let first = 1;
  const files = disk.asProcess();
  const ranges = await StoredRanges.open({
    files,
    path,
    journalId: "j1",
    firstSequence: () => first,
  });
  let largest = 0;
  for (let i = 1; i <= 2_500; i++) {
    await ranges.add(range("one", i, i));
    first = Math.max(1, i - 5);
    largest = Math.max(largest, (await files.stat(path)).sizeBytes);
  }
  assert.ok(largest < 60_000, `${largest} bytes`);
  assert.deepEqual(shown(await open(disk), "one").at(-1), "2500-2500");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, SimulatedDisk } from "#world";
import { ChunkMarks } from "./chunk-marks.ts";

const folder = "/marks";

async function namesIn(disk: SimulatedDisk): Promise<string[]> {
  return (await disk.list(folder)).map(({ name }) => name);
}

test("what a crash left half-written is removed, marks that are whole stay", async () => {
  const clock = new ManualClock({ nowMs: 1_000 });
  const disk = new SimulatedDisk();
  const marks = new ChunkMarks({ files: disk, folder, clock });
  await marks.add(["t/1/a", "t/1/b"]);
  await using part = await disk.open(`${folder}/900-4.marks.part`, {
    create: true,
    exclusive: true,
  });
  await part.write([Buffer.from("t/1/")], 0);
  const found = await new ChunkMarks({ files: disk, folder, clock }).all();
  assert.deepEqual(
    found.map(({ name }) => name),
    ["1000-0.marks"],
  );
  assert.deepEqual(await namesIn(disk), ["1000-0.marks"]);
  assert.deepEqual(await marks.keysOf(found[0]!), ["t/1/a", "t/1/b"]);
});

test("a write that fails leaves nothing that the next look does not remove", async () => {
  const clock = new ManualClock({ nowMs: 1_000 });
  let isBroken = true;
  const disk = new SimulatedDisk({
    faultOf: (operation) => (isBroken && operation === "sync" ? "io" : undefined),
  });
  const marks = new ChunkMarks({ files: disk, folder, clock });
  await assert.rejects(marks.add(["t/1/a"]));
  isBroken = false;
  assert.deepEqual(await namesIn(disk), ["1000-0.marks.part"]);
  assert.deepEqual(await marks.all(), []);
  assert.deepEqual(await namesIn(disk), []);
});

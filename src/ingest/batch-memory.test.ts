import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB } from "#base";
import type { EntryBatch } from "#model";
import type { Block, BlockRef } from "#storage";
import { ManualClock } from "#world";
import { BatchMemory } from "./batch-memory.ts";
import { Head } from "./head.ts";
import { HeadBlocks } from "./head-blocks.ts";
import { HeadStore } from "./head-store.ts";
import { decodePushRecord } from "./push-record.ts";
import { rowsOf, snappyPush, testDistributor, testNowNs } from "./push-test-kit.ts";

test("a buffer comes back after the last holder let go, and not before", () => {
  const memory = new BatchMemory();
  const lease = memory.lease();
  const buffer = lease.take(100 * KiB);
  lease.hold();
  lease.letGo();
  assert.equal(memory.freeBytes, 0);
  lease.letGo();
  assert.equal(memory.freeBytes, buffer.length);
  assert.equal(memory.take(90 * KiB), buffer);
  assert.equal(memory.freeBytes, 0);
});

test("a buffer is at least as large as asked for, and hardly larger", () => {
  const memory = new BatchMemory();
  for (const kib of [1, 31, 32, 33, 64, 65, 1000, 9000]) {
    const buffer = memory.take(kib * KiB);
    assert.ok(buffer.length >= kib * KiB && buffer.length < kib * KiB + 64 * KiB, `${kib}`);
    assert.equal(buffer.byteOffset, 0);
    memory.give(buffer);
  }
  assert.equal(memory.take(400 * KiB).length, 448 * KiB, "not the one of 1000 KiB");
});

test("small buffers are left to the collector, huge ones and surplus are given back at once", () => {
  const memory = new BatchMemory({ freeBytesMax: MiB });
  const [small, huge] = [memory.take(KiB), memory.take(20 * MiB)];
  memory.give(small);
  memory.give(huge);
  assert.equal(memory.freeBytes, 0);
  assert.deepEqual([small.length, huge.length], [KiB, 0]);
  const many = Array.from({ length: 10 }, () => memory.take(256 * KiB));
  for (const buffer of many) memory.give(buffer);
  assert.equal(memory.freeBytes, MiB);
  assert.equal(many.filter(({ length }) => length === 0).length, 6);
});

test("the reserve goes as buffers are made, and comes back as they leave", () => {
  const memory = new BatchMemory({ reserveBytes: 99 * MiB });
  assert.equal(memory.reservedBytes, 99 * MiB);
  const buffers = Array.from({ length: 60 }, () => memory.take(MiB));
  assert.equal(memory.reservedBytes, 33 * MiB);
  for (const buffer of buffers) memory.give(buffer);
  assert.equal(memory.reservedBytes, 66 * MiB, "it keeps 32 of them");
  memory.trim();
  memory.trim();
  assert.equal(memory.reservedBytes, 99 * MiB);
  const many = Array.from({ length: 120 }, () => memory.take(MiB));
  assert.equal(memory.reservedBytes, 0);
  for (const buffer of many) memory.give(buffer);
  assert.equal(memory.reservedBytes, 66 * MiB);
});

test("what is left to the collector counts until nobody pushes any more", () => {
  const memory = new BatchMemory({ reserveBytes: 33 * MiB });
  memory.take(MiB);
  memory.trim();
  assert.equal(memory.reservedBytes, 0);
  memory.trim();
  assert.equal(memory.reservedBytes, 33 * MiB);
});

test("trim lets go of what was not needed since the last one", () => {
  const memory = new BatchMemory();
  const three = [1, 2, 3].map(() => memory.take(MiB));
  for (const buffer of three) memory.give(buffer);
  memory.trim();
  assert.equal(memory.freeBytes, 3 * MiB, "it just came back");
  memory.give(memory.take(MiB));
  memory.trim();
  assert.equal(memory.freeBytes, MiB, "one was needed meanwhile");
  memory.trim();
  assert.equal(memory.freeBytes, 0);
});

const lines = ["first line of some length", "second", "third one level=warn", ""];

function pushInto(memory: BatchMemory): EntryBatch {
  const entries = lines.map((line, i) => [testNowNs + BigInt(i), line, { n: `${i}` }] as const);
  const body = snappyPush([[{ app: "a" }, entries]]);
  const distributor = testDistributor({ discoverLogLevels: true }, undefined, memory);
  const { accepted, reply } = distributor.push({ contentType: "application/x-protobuf", body });
  assert.equal(reply.status, 204, reply.text);
  const record = Buffer.concat(accepted!.record);
  const replayed = decodePushRecord(record, memory).batch;
  assert.deepEqual(rowsOf(replayed), rowsOf(accepted!.batch));
  replayed.lease!.letGo();
  return accepted!.batch;
}

const range = { fromNs: testNowNs - 1_000n, toNs: testNowNs + 1_000n };

async function readBlocks(store: HeadStore, refs: readonly BlockRef[]): Promise<string[]> {
  const found: string[] = [];
  const blocks: AsyncIterable<Block> = store.read(refs);
  for await (const block of blocks) found.push(...block.lines!.texts());
  return found;
}

function headOf(memory: BatchMemory): { head: Head; batch: EntryBatch; store: HeadStore } {
  const clock = new ManualClock({ nowNs: testNowNs });
  const head = new Head({ clock });
  const batch = pushInto(memory);
  head.apply({ tenant: "t", batch, sequence: 1 });
  batch.lease!.letGo();
  return { head, batch, store: new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) }) };
}

test("a part that is cut gives the memory of its entries back", () => {
  const memory = new BatchMemory({ pooledFromBytes: 1, overwrites: true });
  const { head, batch } = headOf(memory);
  const before = memory.freeBytes;
  assert.deepEqual(
    rowsOf(batch).map(({ line }) => line),
    lines,
  );
  for (const part of head.parts()) head.remove(part);
  assert.ok(memory.freeBytes > before);
  assert.equal(batch.bytes[0], 0xdd, "somebody else's by now");
});

test("what a query planned it can read after the cut", async () => {
  const memory = new BatchMemory({ pooledFromBytes: 1, overwrites: true });
  const { head, store } = headOf(memory);
  const plan = await store.plan({ tenant: "t", matchers: [], range });
  const before = memory.freeBytes;
  for (const part of head.parts()) head.remove(part);
  assert.equal(memory.freeBytes, before);
  assert.deepEqual(await readBlocks(store, plan.blocks), lines);
});

test("who listens may keep what it hears", () => {
  const memory = new BatchMemory({ pooledFromBytes: 1, overwrites: true });
  const head = new Head({ clock: new ManualClock({ nowNs: testNowNs }) });
  const heard: EntryBatch[] = [];
  head.subscribe("t", (batch) => heard.push(batch));
  const batch = pushInto(memory);
  head.apply({ tenant: "t", batch, sequence: 1 });
  batch.lease!.letGo();
  for (const part of head.parts()) head.remove(part);
  assert.deepEqual(
    rowsOf(heard[0]).map(({ line }) => line),
    lines,
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block } from "#storage";
import { MemoryLogStore, type PlainEntry, plainReadOptions } from "./memory-log-store.ts";

const entries: PlainEntry[] = [3, 1, 2, 2].map((t, i) => ({
  tenant: "t",
  labels: { app: i === 3 ? "b" : "a" },
  timeNs: BigInt(t),
  line: `line ${t}`,
  metadata: t === 3 ? { id: "x" } : {},
}));
const select = { tenant: "t", matchers: [], range: { fromNs: 0n, toNs: 10n } };
const skip = { lineTerms: [] };
const needs = { lines: true, lengths: false, metadata: "all" } as const;

async function readAll(store: MemoryLogStore): Promise<Block[]> {
  const plan = await store.plan(select, skip, plainReadOptions());
  const blocks: Block[] = [];
  for await (const block of store.read(plan.blocks, needs, plainReadOptions())) blocks.push(block);
  return blocks;
}

test("rows come sorted by stream and time, blocks hold one stream and so many rows", async () => {
  const blocks = await readAll(MemoryLogStore.of([...entries, ...entries], { blockRowsMax: 2 }));
  assert.deepEqual(
    blocks.map((block) => block.lines!.texts()),
    [["line 1", "line 2"], ["line 3"], ["line 2"]],
  );
  assert.equal(blocks[1]!.metadata[0]!.values.text(0), "x");
});

test("streams can share a block", async () => {
  const [block] = await readAll(MemoryLogStore.of(entries, { blockStreamsMax: 2 }));
  assert.deepEqual([...block!.streamOfRow!], [0, 0, 0, 1]);
  assert.deepEqual([...block!.offsets], [0, 1, 2, 1]);
});

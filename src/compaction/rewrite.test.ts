import assert from "node:assert/strict";
import { test } from "node:test";
import { minute, StoreError } from "#base";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import { type ListedSegment, SegmentSource, SegmentStore } from "#segment";
import type { Block } from "#storage";
import { ManualClock } from "#world";
import {
  afterMs,
  expectedOf,
  never,
  putSegment,
  readAll,
  type TestCompactor,
  testCompactor,
  type TestRow,
} from "./compaction-test-kit.ts";
import type { Erasure } from "./run-rewrite.ts";

const deleteDelayMs = 10 * minute;
const kind = 200;

class Kit {
  readonly clock = new ManualClock({ nowMs: afterMs });
  readonly objects = new MemoryObjectStore({ nowMs: () => this.clock.nowMs() });
  readonly segments = new SegmentStore({ objects: this.objects });
  readonly test: TestCompactor = testCompactor({
    objects: this.objects,
    segments: this.segments,
    clock: this.clock,
    policy: { deleteDelayMs, blockTargetBytes: 256, inputsMax: 1 },
  });

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.objects.list("v1/")) keys.push(key);
    return keys;
  }

  async live(): Promise<ListedSegment[]> {
    await this.segments.refresh("fake");
    return this.test.compactor.live("fake");
  }

  async later(): Promise<void> {
    this.clock.advance(deleteDelayMs);
    await this.test.compactor.runOnce(never);
  }
}

function erasing(word: string, name = word): Erasure {
  return {
    name,
    eraser: {
      hiddenRows: ({ lines }: Block) =>
        Uint16Array.from(lines!.texts(), (line) => Number(line.includes(word))),
    },
    keepsSections: false,
    account: {
      kind,
      write: (before, erasedBy) =>
        Buffer.from(`${before?.toString() ?? ""}${word}:${erasedBy.get(1)?.entries ?? 0};`),
    },
  };
}

const rows = Array.from({ length: 40 }, (_, i): TestRow => {
  const metadata = { level: `${i % 3}` };
  return { app: i % 4 === 0 ? "b" : "a", ms: i * 10, line: `${i % 5 ? "x" : "y"} ${i}`, metadata };
});
const withoutY = rows.filter(({ line }) => !line.includes("y"));

test("rows are erased, the rest stays, the old segment goes after the delay", async () => {
  const kit = new Kit();
  await putSegment(kit.objects, 1, rows, { options: { blockTargetBytes: 256 } });
  const [segment] = await kit.live();
  const outcome = await kit.test.compactor.rewrite(segment!, erasing("y"), never);
  assert.ok(outcome !== undefined && "key" in outcome);
  assert.equal(outcome.erasedEntries, rows.length - withoutY.length);
  assert.deepEqual(await readAll(kit.segments), expectedOf([withoutY]));
  assert.equal((await kit.keys()).length, 2);
  await kit.later();
  assert.deepEqual(await kit.keys(), [outcome.key]);
  assert.deepEqual(kit.test.failures, []);
});

test("nothing is put when there is no row to erase", async () => {
  const kit = new Kit();
  await putSegment(kit.objects, 1, rows);
  const [segment] = await kit.live();
  assert.equal(await kit.test.compactor.rewrite(segment!, erasing("z"), never), undefined);
  assert.equal((await kit.keys()).length, 1);
});

test("a second erasure takes the account of the first along, and other sections go", async () => {
  const kit = new Kit();
  await putSegment(kit.objects, 1, rows, { sections: [{ kind: 201, bytes: Buffer.from("x") }] });
  const [segment] = await kit.live();
  await kit.test.compactor.rewrite(segment!, erasing("y"), never);
  const [second] = await kit.live();
  await kit.test.compactor.rewrite(second!, erasing("x 1"), never);
  const [last] = await kit.live();
  const source = await SegmentSource.open(kit.objects, last!);
  assert.equal((await source.section(kind, never))?.toString(), "y:8;x 1:9;");
  assert.equal(await source.section(201, never), undefined);
});

test("all rows may go: an empty segment stands for the old one until it is dropped", async () => {
  const kit = new Kit();
  const range = { journalId: "j", fromSequence: 1, toSequence: 9 };
  await putSegment(kit.objects, 1, rows, { journal: [range] });
  const [segment] = await kit.live();
  await kit.test.compactor.rewrite(segment!, erasing("", "all"), never);
  assert.deepEqual(await readAll(kit.segments), new Map());
  assert.deepEqual(await kit.segments.coveredSequences("fake", segment!.day), [range]);
  const [empty] = await kit.live();
  assert.equal(await kit.test.compactor.drop(empty!), false, "its source would come back");
  await kit.later();
  assert.equal(await kit.test.compactor.drop(empty!), true);
  assert.equal((await kit.keys()).length, 1, "queries under way may still read it");
  await kit.segments.refresh("fake");
  assert.deepEqual(await kit.segments.segments("fake"), [], "listing does not bring it back");
  await kit.later();
  assert.deepEqual(await kit.keys(), []);
});

test("a segment that is not live is neither rewritten nor dropped", async () => {
  const kit = new Kit();
  await putSegment(kit.objects, 1, rows);
  const [segment] = await kit.live();
  await kit.test.compactor.rewrite(segment!, erasing("y"), never);
  assert.equal(await kit.test.compactor.rewrite(segment!, erasing("x"), never), undefined);
  assert.equal(await kit.test.compactor.drop(segment!), false);
});

test("what a failed merge has put does not bring erased rows back", async () => {
  const kit = new Kit();
  let isDown = false;
  const inner = kit.objects;
  const objects: ObjectStore = {
    name: inner.name,
    get: (key, options) => inner.get(key, options),
    put: (key, body) => inner.put(key, body),
    delete: (key) => inner.delete(key),
    list: (prefix, options) => inner.list(prefix, options),
    listFolders: (prefix) => inner.listFolders(prefix),
    head: async (key) => {
      if (isDown) throw new StoreError("unavailable", "no answer");
      return inner.head(key);
    },
  };
  const { segments, clock } = kit;
  const policy = { deleteDelayMs, blockTargetBytes: 256 };
  const { compactor } = testCompactor({ objects, segments, clock, policy });
  await putSegment(kit.objects, 1, rows.slice(0, 20));
  await putSegment(kit.objects, 2, rows.slice(20));
  isDown = true;
  await compactor.runOnce(never);
  assert.equal((await kit.keys()).length, 3, "put, and not read back");
  isDown = false;
  for (const segment of await segments.segments("fake")) {
    await compactor.rewrite(segment, erasing("y"), never);
  }
  for (let round = 0; round < 3; round++) {
    clock.advance(deleteDelayMs);
    await segments.refresh("fake");
    await compactor.runOnce(never);
    assert.deepEqual(await readAll(segments), expectedOf([withoutY]), `round ${round}`);
  }
});

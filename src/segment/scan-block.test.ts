import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB, StoreError } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type Block, type ColumnNeeds, newReadCounters, type ReadOptions } from "#storage";
import { seededRandom, systemClock } from "#world";
import { buildSegment } from "./build-segment.ts";
import { type LineScanner, type LineSearcher, scanLines } from "./line-scan.ts";
import { segmentStreamsOf } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
const id = "019ad5c3e800" + "0123456789abcdef";
const needs = { lines: true, lengths: false, metadata: "all" } as const;

const random = seededRandom(4);

/** Does not compress well: what lies in the first window is searched by the reader. */
function noise(i: number): string {
  return random.bytes(i % 3 === 0 ? 500 : 600).toString("hex");
}

/** Lines of two fat streams and of many thin ones that share blocks: 9 MiB in all. */
async function storedLines(): Promise<MemoryObjectStore> {
  const objects = new MemoryObjectStore(systemClock);
  const streams = Array.from({ length: 40 }, (_, s) => ({
    labels: { app: s < 2 ? "fat" : "thin", nr: `${s}` },
    entries: Array.from({ length: s < 2 ? 4000 : 20 }, (__, i) => ({
      timeNs: range.fromNs + BigInt(i) * 1_000_000n,
      line: `${i % 7 === 0 ? "hit" : "other"} ${s} ${i} ${noise(i)}`,
    })),
  }));
  const input = { tenant: "fake", day, streams: segmentStreamsOf(streams) };
  const options = { id, blockTargetBytes: 256 * KiB };
  const built = await buildSegment({ ...input, journal: [], replaces: [] }, options);
  await objects.put(built.key, built.parts);
  return objects;
}

function readOptions(): ReadOptions & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const warn = (message: string): number => warnings.push(message);
  return { signal: new AbortController().signal, counters: newReadCounters(), warn, warnings };
}

async function read(
  objects: MemoryObjectStore,
  asked: ColumnNeeds,
  scanner: LineScanner | undefined,
  matches: string,
): Promise<{ blocks: Block[]; warnings: readonly string[] }> {
  const store = new SegmentStore({ objects, ...(scanner === undefined ? {} : { scanner }) });
  const options = readOptions();
  const test = (value: string): boolean => value.startsWith(matches);
  const matchers = [{ name: "nr", op: "=~", value: matches, test }] as const;
  const { blocks } = await store.plan(
    { tenant: "fake", matchers, range },
    { lineTerms: [] },
    options,
  );
  const found: Block[] = [];
  for await (const block of store.read(blocks, asked, options)) found.push(block);
  return { blocks: found, warnings: options.warnings };
}

/** As a thread would: on copies, with `filters` as a text to look for. */
function scannerOf(answer: (done: number) => "do" | "lose" | "corrupt" = () => "do"): LineScanner {
  let count = 0;
  return {
    scansAtOnce: 4,
    prepare: () => true,
    scan: (scan) => {
      const what = answer(count++);
      if (what === "lose") return Promise.resolve(undefined);
      if (what === "corrupt") return Promise.reject(new StoreError("corrupt", "crc 1, not 2"));
      const copy = structuredClone(scan);
      const search: LineSearcher = {
        mayPass: (lines) => lines.includes(scan.filters),
        passing: (lines) =>
          Uint8Array.from(lines.texts(), (text) => Number(text.includes(scan.filters))),
      };
      return Promise.resolve(scanLines(copy, search));
    },
  };
}

const objects = await storedLines();

for (const matches of ["", "1"]) {
  test(`a scanner finds what is there, and gives the same lines (nr=~"${matches}.*")`, async () => {
    const plain = await read(objects, needs, undefined, matches);
    const search = { filters: "hit", keepsLines: true };
    // One block's work is lost on the way: it comes as if there were no scanner.
    const lost = 1;
    const scanner = scannerOf((done) => (done === lost ? "lose" : "do"));
    const scanned = await read(objects, { ...needs, search }, scanner, matches);
    assert.deepEqual(scanned.warnings, []);
    assert.equal(scanned.blocks.length, plain.blocks.length);
    let searched = 0;
    for (const [i, block] of scanned.blocks.entries()) {
      const texts = plain.blocks[i]!.lines!.texts();
      assert.deepEqual(block.lines!.texts(), texts);
      assert.deepEqual(block.offsets, plain.blocks[i]!.offsets);
      assert.deepEqual(block.streamOfRow, plain.blocks[i]!.streamOfRow);
      if (block.passing === undefined) continue;
      searched++;
      assert.deepEqual(
        Array.from(block.passing),
        texts.map((text) => Number(text.includes("hit"))),
      );
    }
    const bytes = plain.blocks.reduce((sum, { ref }) => sum + ref.facts.lineBytes, 0);
    assert.equal(searched > 0, bytes >= 8 * MiB, "small reads are searched by the reader");
  });
}

test("lines that nobody reads do not come", async () => {
  for (const [filters, keepsLines] of [
    ["hit", false],
    ["nowhere", true],
  ] as const) {
    const { blocks } = await read(
      objects,
      { ...needs, search: { filters, keepsLines } },
      scannerOf(),
      "",
    );
    for (const { passing, lines } of blocks) {
      if (passing !== undefined) assert.equal(lines, undefined);
    }
    assert.ok(blocks.some(({ passing }) => passing !== undefined));
  }
});

test("lengths of lines that nobody reads come when they are asked for", async () => {
  const search = { filters: "hit", keepsLines: false };
  const asked = { ...needs, lengths: true, search };
  const plain = await read(objects, needs, undefined, "");
  const { blocks } = await read(objects, asked, scannerOf(), "");
  for (const [i, { lengths }] of blocks.entries()) {
    const texts = plain.blocks[i]!.lines!.texts();
    assert.deepEqual(
      Array.from(lengths!),
      texts.map((text) => text.length),
    );
  }
});

test("a block that a scanner finds corrupt is left out and named", async () => {
  const scanner = scannerOf((done) => (done === 0 ? "corrupt" : "do"));
  const asked = { ...needs, search: { filters: "hit", keepsLines: true } };
  const plain = await read(objects, needs, undefined, "");
  const { blocks, warnings } = await read(objects, asked, scanner, "");
  assert.equal(blocks.length, plain.blocks.length - 1);
  assert.match(warnings.join(), /^block \d+ of .* left out: crc 1, not 2$/);
});

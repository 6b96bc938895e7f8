import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type Block, type FieldNeeds, type FieldReader, newReadCounters } from "#storage";
import { seededRandom, systemClock } from "#world";
import { ColumnKind } from "./block-builder.ts";
import { buildSegment } from "./build-segment.ts";
import { decodeFooter } from "./decode-footer.ts";
import { fieldNamesMax } from "./field-columns.ts";
import { segmentStreamsOf, type TestEntry } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
const id = "019ad5c3e800" + "0123456789abcdef";

/** Lines of `name=value` with a blank between; a value of `?` is not plain, a line of `!` breaks. */
const readPairs: FieldReader = (lines, _, sink) => {
  for (let row = 0; row < lines.count; row++) {
    let at = lines.from(row);
    if (lines.text(row).startsWith("!")) return undefined;
    for (const pair of lines.text(row).split(" ")) {
      const [name, value] = pair.split("=");
      const from = at + name!.length + 1;
      if (value === "?") sink.addOther(name!);
      else if (value !== undefined) sink.add(row, name!, lines.bytes, from, at + pair.length);
      at += pair.length + 1;
    }
  }
  return "logfmt";
};

interface TestStream {
  readonly app: string;
  readonly lines: readonly string[];
}

async function storeOf(streams: readonly TestStream[], damages?: "fields") {
  const objects = new MemoryObjectStore(systemClock);
  const input = streams.map(({ app, lines }) => ({
    labels: { app },
    entries: lines.map((line, i): TestEntry => ({ timeNs: range.fromNs + BigInt(i), line })),
  }));
  const how = { journal: [], replaces: [], tenant: "fake", day, streams: segmentStreamsOf(input) };
  const built = await buildSegment(how, { id, fields: readPairs });
  const bytes = Buffer.concat(built.parts);
  if (damages !== undefined) {
    const { footerBytes, bodyBytes } = built.facts;
    const name = built.key;
    const footer = decodeFooter({ name, bodyBytes, bytes: bytes.subarray(-footerBytes) });
    const { kinds, offsets } = footer.blocks.columns;
    bytes[offsets[kinds.indexOf(ColumnKind.logfmtField)]!]! ^= 1;
  }
  await objects.put(built.key, [bytes]);
  return new SegmentStore({ objects });
}

async function blocksOf(
  store: SegmentStore,
  fields: Partial<FieldNeeds>,
  app?: string,
  warnings: string[] = [],
): Promise<Block[]> {
  const expectedCount = warnings.length;
  const warn = (message: string): number => warnings.push(message);
  const options = { signal: new AbortController().signal, counters: newReadCounters(), warn };
  const test = (value: string): boolean => value === app;
  const matchers = app === undefined ? [] : [{ name: "app", op: "=", value: app, test } as const];
  const { blocks } = await store.plan(
    { tenant: "fake", matchers, range },
    { lineTerms: [] },
    options,
  );
  const needs: FieldNeeds = { parser: "logfmt", names: [], insteadOfLines: true, ...fields };
  const found: Block[] = [];
  const asked = { lines: true, lengths: false, metadata: [], fields: needs } as const;
  for await (const block of store.read(blocks, asked, options)) found.push(block);
  if (expectedCount === 0) assert.deepEqual(warnings, []);
  return found;
}

/** Values by field, undefined where a row has none; undefined when lines have to be parsed. */
function valuesOf(block: Block): Record<string, (string | undefined)[]> | undefined {
  if (block.fields === undefined) return undefined;
  const texts = ({ ids, values }: Block["metadata"][number]): (string | undefined)[] =>
    Array.from(ids, (id) => (id === 0 ? undefined : values.text(id - 1)));
  return Object.fromEntries(block.fields.map((column) => [column.name, texts(column)]));
}

/** Text that does not compress, so that columns are small beside it. */
const ballast = seededRandom(1).bytes(400).toString("hex");
const plain = {
  app: "a",
  lines: ["x=1 y=a", "y=b", "x=1 z=?", "x=22 y=a"].map((line) => `${line} ${ballast}`),
};

test("fields come as columns, and lines do not come", async () => {
  const store = await storeOf([plain]);
  const [block] = await blocksOf(store, { names: ["x", "y", "missing"] });
  assert.deepEqual(valuesOf(block!), {
    x: ["1", undefined, "1", "22"],
    y: ["a", "b", undefined, "a"],
  });
  assert.equal(block!.lines, undefined);
  // And once more, from memory.
  const [again] = await blocksOf(store, { names: ["x", "y", "missing"] });
  assert.deepEqual(valuesOf(again!), valuesOf(block!));
  assert.deepEqual(again!.offsets, block!.offsets);
});

test("lines come along when somebody reads them", async () => {
  const [block] = await blocksOf(await storeOf([plain]), { names: ["x"], insteadOfLines: false });
  assert.deepEqual(block!.lines!.texts(), plain.lines);
  assert.deepEqual(valuesOf(block!)!["x"], ["1", undefined, "1", "22"]);
});

const parsed: [why: string, needs: Partial<FieldNeeds>, streams: TestStream[]][] = [
  ["a field has a value that is not plain", { names: ["x", "z"] }, [plain]],
  ["the block's fields are of another parser", { names: ["x"], parser: "json" }, [plain]],
  ["some line does not parse", { names: ["x"] }, [{ app: "a", lines: ["x=1", "!"] }]],
  [
    "there are very many fields",
    { names: ["n1"] },
    [
      {
        app: "a",
        lines: [Array.from({ length: fieldNamesMax + 1 }, (_, i) => `n${i}=1`).join(" ")],
      },
    ],
  ],
  [
    "the values are many and long",
    { names: ["id"] },
    [{ app: "a", lines: Array.from({ length: 50 }, (_, i) => `id=${"long".repeat(5)}${i} x=1`) }],
  ],
];
for (const [why, needs, streams] of parsed) {
  test(`lines have to be parsed where ${why}`, async () => {
    const [block] = await blocksOf(await storeOf(streams), needs);
    assert.equal(block!.fields, undefined);
    assert.deepEqual(block!.lines!.texts(), streams[0]!.lines);
  });
}

test("damaged fields are named, and lines come in their place", async () => {
  const warnings = ["some are expected"];
  const [block] = await blocksOf(await storeOf([plain], "fields"), { names: ["x"] }, "a", warnings);
  assert.equal(block!.fields, undefined);
  assert.deepEqual(block!.lines!.texts(), plain.lines);
  assert.match(warnings[1]!, /^fields of block 0 of .* not used: .*crc/);
  assert.equal(warnings.length, 2);
});

test("streams that share a block have their own rows", async () => {
  const store = await storeOf([plain, { app: "b", lines: ["x=3 c", "x=4 c"] }]);
  assert.deepEqual((await blocksOf(store, { names: ["x"] })).map(valuesOf), [
    { x: ["1", undefined, "1", "22", "3", "4"] },
  ]);
  assert.deepEqual((await blocksOf(store, { names: ["x"] }, "b")).map(valuesOf), [
    { x: ["3", "4"] },
  ]);
});

test("fields take no more than a third of what the lines take", async () => {
  const random = seededRandom(7);
  const lines = Array.from({ length: 5000 }, () => {
    const digits = Array.from({ length: 8 }, () => random.bytes(4).readUInt32LE());
    return digits.map((value, i) => `n${i}=${value}`).join(" ");
  });
  const store = await storeOf([{ app: "a", lines }]);
  const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
  const found = await Promise.all(names.map((name) => blocksOf(store, { names: [name] })));
  const stored = found.filter(([block]) => block!.fields !== undefined);
  assert.ok(stored.length >= 1 && stored.length <= 3, `${stored.length} of 8 are stored`);
});

const numberCases: [claim: string, values: (i: number) => string][] = [
  ["whole numbers", (i) => `${i * 37}`],
  ["with a unit and decimals", (i) => `${(i * 1.237).toFixed(3)}ms`],
  ["below one", (i) => `0.00${i + 100}`],
  ["of very many digits", (i) => `${12_345_678_901_200 + i}`],
  ["from none to all digits", (i) => (i % 2 === 0 ? "0" : `${99_999_999_999_999 - i}`)],
  ["too long to pack", (i) => `${123_456_789_012_000 + i}`],
  ["too long for a double", (i) => `12345678901234567${i}`.slice(-17)],
  ["with a zero in front among others", (i) => (i === 77 ? "007" : `${i * 7}`)],
  ["with other decimals among others", (i) => (i === 77 ? "1.50" : `${i}.5`)],
  ["with another unit among others", (i) => (i === 77 ? "1s" : `${i}ms`)],
  ["negative ones among others", (i) => `${i - 100}`],
  ["some rows without", (i) => (i % 3 === 0 ? "?none" : `${i}KB`)],
  ["of many shapes", (i) => [`${i}ms`, `${i}.5ms`, `1.${i}s`, `${i}`, `0.0${i}h`][i % 5]!],
  ["of too many shapes", (i) => `${i}x${i}`],
  ["addresses", (i) => `10.${i}.0.${i * 3}`],
  ["shapes and rows without", (i) => (i % 3 === 0 ? "?none" : `${i}${i % 2 === 0 ? "ms" : "s"}`)],
  ["long ones of several shapes", (i) => `${i}.${123_456_789 - (i % 3) * 115_000_000}ms`],
  ["a dot at the end among others", (i) => (i === 77 ? "1." : `${i}`)],
];
for (const [claim, valueOf] of numberCases) {
  test(`numbers come back as they were written: ${claim}`, async () => {
    const values = Array.from({ length: 200 }, (_, i) => valueOf(i));
    const isNone = (value: string): boolean => value.startsWith("?");
    const lines = values.map((value) => (isNone(value) ? ballast : `n=${value} ${ballast}`));
    const store = await storeOf([{ app: "a", lines }]);
    const found: (string | undefined)[] = [];
    for (const block of await blocksOf(store, { names: ["n"] })) {
      found.push(...(valuesOf(block)?.["n"] ?? linesOf(block)));
    }
    assert.deepEqual(
      found,
      values.map((value) => (isNone(value) ? undefined : value)),
    );
  });
}

test("durations of several shapes are stored as numbers, though they are long", async () => {
  const random = seededRandom(8);
  const lines = Array.from({ length: 3000 }, () => {
    const nanos = random.bytes(4).readUInt32LE() / 7;
    const dur = nanos < 1e8 ? `${(nanos / 1e3).toFixed(3)}us` : `${(nanos / 1e6).toFixed(6)}ms`;
    return `dur=${dur} ${random.bytes(40).toString("hex")}`;
  });
  for (const block of await blocksOf(await storeOf([{ app: "a", lines }]), { names: ["dur"] })) {
    assert.deepEqual(
      valuesOf(block)?.["dur"],
      lines.map((line) => /dur=(\S+)/.exec(line)![1]),
    );
  }
});

/** For columns that were not worth their bytes. */
function linesOf(block: Block): (string | undefined)[] {
  return block.lines!.texts().map((line) => /^n=(\S+)/.exec(line)?.[1]);
}

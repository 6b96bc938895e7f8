import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteStrings } from "#columns";
import type { Matcher } from "#model";
import {
  allTime,
  keysOf,
  openTestStore,
  readAll,
  readOptions,
  type TestStream,
  writeStreams,
} from "./store-test-kit.ts";
import { joinRows, type JoinedRows } from "./join-rows.ts";

const equals = (name: string, value: string): Matcher => ({
  name,
  op: "=",
  value,
  test: (text) => text === value,
});

function lines(app: string, count: number, fromMs = 0): TestStream {
  const entries = Array.from(
    { length: count },
    (_, i) => [fromMs + i * 10, `${app} ${i} ${"x".repeat(i % 90)}`] as const,
  );
  return { app, entries };
}

function rowsOf({ app, entries }: TestStream): string[] {
  return entries.map(([ms, line]) => `${app} ${ms} ${line}`);
}

test("what was written is read, by tenant and matchers", async () => {
  const kit = openTestStore();
  const [web, api] = [lines("web", 300), lines("api", 50)];
  const written = await writeStreams(kit, "one", [web, api]);
  await writeStreams(kit, "two", [web]);
  assert.equal(written.entryCount, 350);
  assert.ok(written.chunkCount > 2, "small targets make several chunks");
  const all = await readAll(kit.store, "one");
  assert.deepEqual(all.rows, [...rowsOf(web), ...rowsOf(api)].sort());
  assert.deepEqual(all.warnings, []);
  const some = await readAll(kit.store, "one", [equals("app", "api")]);
  assert.deepEqual(some.rows, rowsOf(api).sort());
  assert.deepEqual((await readAll(kit.store, "three")).rows, []);
  assert.deepEqual(await kit.store.tenants(), ["one", "two"]);
});

test("writing the same again writes the same objects", async () => {
  const kit = openTestStore();
  const web = lines("web", 100);
  const first = await writeStreams(kit, "one", [web]);
  const before = await keysOf(kit.objects, "one/");
  await writeStreams(kit, "one", [web]);
  assert.deepEqual(await keysOf(kit.objects, "one/"), before, "chunks are named by their content");
  assert.equal(first.chunkCount, before.length);
  const { rows } = await readAll(kit.store, "one");
  assert.deepEqual(rows, rowsOf(web).sort(), "two index files list each chunk, it is read once");
});

test("a damaged or missing chunk is named and the rest answers", async () => {
  for (const damage of ["flip", "cut", "missing"] as const) {
    const kit = openTestStore();
    const [web, api] = [lines("web", 20), lines("api", 20)];
    await writeStreams(kit, "one", [web, api]);
    const [key = ""] = await keysOf(kit.objects, "one/");
    const body = Buffer.from(await kit.objects.get(key));
    if (damage === "flip") body[body.length - 40]! ^= 1;
    if (damage === "missing") await kit.objects.delete(key);
    else await kit.objects.put(key, damage === "cut" ? body.subarray(0, -9) : body);
    const { rows, warnings } = await readAll(kit.store, "one");
    assert.equal(rows.length, 20, damage);
    assert.equal(warnings.length, 1, damage);
    assert.match(warnings[0]!, new RegExp(key), damage);
    if (damage !== "missing") assert.match(warnings[0]!, /checksum|crc/i, damage);
  }
});

test("a damaged index file is named and the others answer", async () => {
  const kit = openTestStore();
  const web = lines("web", 20);
  const broken = await writeStreams(kit, "one", [lines("api", 20)]);
  await writeStreams(kit, "one", [web]);
  const key = broken.indexKeys[0]!;
  await kit.objects.put(key, (await kit.objects.get(key)).subarray(0, 60));
  const { rows, warnings } = await readAll(kit.store, "one");
  assert.deepEqual(rows, rowsOf(web).sort());
  assert.match(warnings.join(), new RegExp(key.slice(key.lastIndexOf("/") + 1)));
  const { options, warnings: ofSeries } = readOptions();
  const select = { tenant: "one", matchers: [], range: allTime };
  assert.equal((await kit.store.series(select, options)).length, 1);
  assert.equal(ofSeries.length, 1);
});

test("files of another process are seen within a minute, those it deleted at once", async () => {
  const kit = openTestStore();
  const other = openTestStore({ objects: kit.objects, clock: kit.clock });
  const web = lines("web", 5);
  const first = await writeStreams(other, "one", [web]);
  assert.equal((await readAll(kit.store, "one")).rows.length, 5);
  await writeStreams(other, "one", [lines("api", 5)]);
  assert.equal((await readAll(kit.store, "one")).rows.length, 5, "known for a while");
  kit.clock.advance(60_000);
  assert.equal((await readAll(kit.store, "one")).rows.length, 10);
  const fresh = openTestStore({ objects: kit.objects, clock: kit.clock });
  await fresh.store.stored("one", allTime).catch(() => []);
  await fresh.store.filesOf((await fresh.store.tables())[0]!, { isFresh: true });
  await kit.objects.delete(first.indexKeys[0]!);
  const { rows, warnings } = await readAll(fresh.store, "one");
  assert.equal(rows.length, 5);
  assert.deepEqual(warnings, [], "a file that was merged away is no fault");
});

test("an entry at the last instant of a day is in both tables and read once", async () => {
  const kit = openTestStore();
  const dayMs = 86_400_000;
  const written = await writeStreams(kit, "one", [
    { app: "web", entries: [[dayMs - 0.25, "late"]] },
  ]);
  assert.equal(written.indexKeys.length, 2);
  assert.equal((await readAll(kit.store, "one")).rows.length, 1);
});

test("a range of many years asks for the tables there are, not for each day", async () => {
  const kit = openTestStore();
  await writeStreams(kit, "one", [lines("web", 5)]);
  let listCount = 0;
  const { objects } = kit;
  const list = objects.list.bind(objects);
  objects.list = (...args) => {
    listCount++;
    return list(...args);
  };
  assert.equal((await readAll(kit.store, "one")).rows.length, 5);
  assert.equal(listCount, 1);
});

test("entries of days that Loki's compactor does not know have their tables", async () => {
  const kit = openTestStore();
  const far = [-20_089 * 86_400_000, -30_000 * 86_400_000, 80_000 * 86_400_000];
  for (const ms of far) {
    const written = await writeStreams(kit, "one", [{ app: "web", entries: [[ms, "far"]] }]);
    assert.equal(written.indexKeys.length, 1);
  }
  const everything = { fromNs: -(2n ** 63n), toNs: 2n ** 63n };
  const { options } = readOptions();
  const select = { tenant: "one", matchers: [], range: everything };
  const plan = await kit.store.plan(select, { lineTerms: [] }, options);
  assert.equal(plan.blocks.length, 3);
  assert.deepEqual(
    (await kit.store.tables()).map(({ name }) => name),
    ["index_-9911", "index_0", "index_100089"],
  );
});

test("facts are estimates until a chunk was read", async () => {
  const kit = openTestStore();
  await writeStreams(kit, "one", [lines("web", 10)]);
  const { options } = readOptions();
  const select = { tenant: "one", matchers: [], range: allTime };
  const before = await kit.store.plan(select, { lineTerms: [] }, options);
  assert.deepEqual(
    before.blocks.map(({ facts }) => facts.isEstimate),
    [true],
  );
  await readAll(kit.store, "one");
  const after = await kit.store.plan(select, { lineTerms: [] }, options);
  const { isEstimate, entryCount, minNs, maxNs, isAscii } = after.blocks[0]!.facts;
  assert.deepEqual([isEstimate, entryCount, isAscii], [false, 10, true]);
  assert.equal(maxNs - minNs, 90_000_000n);
  // A spread must keep every fact: other stores wrap blocks that way.
  assert.equal({ ...after.blocks[0]!.facts }.streams.length, 1);
});

const part = (baseNs: bigint, texts: readonly string[], values: readonly string[]): JoinedRows => {
  const distinct = [...new Set(values.filter((value) => value !== ""))];
  return {
    rowCount: texts.length,
    baseNs,
    offsets: Float64Array.from(texts, (_, i) => i * 10),
    lines: ByteStrings.ofTexts(texts, 1),
    lengths: Uint32Array.from(texts, (text) => text.length),
    metadata: [
      {
        name: "m",
        ids: Uint32Array.from(values, (value) => distinct.indexOf(value) + 1),
        values: ByteStrings.ofTexts(distinct, 0),
      },
    ],
  };
};

function shown({ rowCount, baseNs, offsets, lines: texts, metadata }: JoinedRows): string[] {
  return Array.from({ length: rowCount }, (_, row) => {
    const column = metadata[0]!;
    const id = column.ids[row]!;
    const value = id === 0 ? "-" : column.values.text(id - 1);
    return `${baseNs + BigInt(offsets[row]!)} ${texts!.text(row)} ${value}`;
  });
}

test("blocks are joined: in order as they are, else sorted, entries of two blocks once", () => {
  const a = part(100n, ["a", "b", "c"], ["x", "", "y"]);
  const next = part(130n, ["d"], ["x"]);
  assert.deepEqual(shown(joinRows([a, next], 1)), ["100 a x", "110 b -", "120 c y", "130 d x"]);
  const before = part(90n, ["z", "a"], ["y", "x"]);
  assert.deepEqual(shown(joinRows([a, before], 1)), ["90 z y", "100 a x", "110 b -", "120 c y"]);
  const touching = part(120n, ["c", "e"], ["y", "z"]);
  assert.deepEqual(shown(joinRows([a, touching], 1)), ["100 a x", "110 b -", "120 c y", "130 e z"]);
  const otherValue = part(120n, ["c"], ["x"]);
  assert.equal(joinRows([a, otherValue], 1).rowCount, 4, "other metadata: another entry");
  const many = Array.from({ length: 40 }, (_, i) => part(100n, [`l${i % 20}`], ["v"]));
  assert.equal(joinRows(many, 1).rowCount, 20);
  assert.equal(joinRows([], 1).rowCount, 0);
});

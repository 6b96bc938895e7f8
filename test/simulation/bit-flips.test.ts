/**
 * One bit flipped anywhere in any stored file, under the whole engine: it starts, never gives a line
 * that was not sent or one that was deleted, says in its log or as a warning which file is damaged
 * when something is missing, and what is missing lay in that file.
 */
import "./ordered-compression.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { chosenSeed, seedText } from "../support/chosen-seed.ts";
import { Book } from "./book.ts";
import { configOf, dataFolder, type Engine, type Format, startEngine } from "./engine.ts";

const startMs = Date.UTC(2026, 0, 11, 23, 50);
const tenant = "one";
const never: AbortSignal = new AbortController().signal;

interface Stored {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly nowMs: number;
  readonly book: Book;
  readonly kept: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
}

interface Running {
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly log: string[];
}

async function start(disk: SimulatedDisk, nowMs: number, format: Format): Promise<Running> {
  const clock = new ManualClock({ nowMs });
  const log: string[] = [];
  const world = { clock, random: seededRandom(nowMs), files: disk.asProcess() };
  const loaded = await configOf(format);
  const engine = await startEngine({ loaded, world, onLog: (line) => log.push(line) });
  return { engine, clock, log };
}

async function ask(
  { engine, clock }: Running,
  text: string,
): Promise<{ lines: string[]; warnings: readonly string[] }> {
  const toNs = clock.nowNs() + 1n;
  const { data, warnings } = await engine.queries.run({
    tenants: [tenant],
    text,
    kind: "range",
    fromNs: toNs - 40n * 86_400_000_000_000n,
    toNs,
    stepNs: undefined,
    intervalNs: 0n,
    limit: 1_000_000,
    direction: "forward",
    limits: engine.limits.for(tenant),
    signal: never,
  });
  assert.ok(data.kind === "streams");
  const lines = data.streams.flatMap(({ entries }) => entries.map(({ line }) => line));
  return { lines, warnings };
}

async function push({ engine, clock }: Running, book: Book, group: number): Promise<string[]> {
  const lines: string[] = [];
  for (let n = 0; n < 6; n++) {
    const entries = Array.from({ length: 20 }, (_, i) => {
      const timeNs = clock.nowNs() - BigInt(i) * 3_000_000_000_000n;
      return book.entry({ tenant, app: `a${i % 3}`, timeNs, group }, `pad ${i} ${n}`);
    });
    const streams = entries.map(({ app, timeNs, line }) => ({
      stream: { app, sim: "x" },
      values: [[`${timeNs}`, line, { n: `${n}` }]],
    }));
    const { accepted } = engine.ingest.distributor.push({
      tenant,
      kind: "loki",
      contentType: "application/json",
      contentEncoding: undefined,
      body: Buffer.from(JSON.stringify({ streams })),
    });
    await engine.ingest.ingester.push(tenant, accepted!.batch, accepted!.record);
    lines.push(...entries.map(({ line }) => line));
    clock.advance(1_000);
  }
  return lines;
}

/** Two parts stored, one in the journal, one delete request that waits for its time. */
async function stored(format: Format): Promise<Stored> {
  const disk = new SimulatedDisk();
  const running = await start(disk, startMs, format);
  const { engine, clock } = running;
  const book = new Book();
  const deleted = new Set(await push(running, book, 0));
  await engine.ingest.ingester.flush(never);
  const kept = [...(await push(running, book, 1))];
  await engine.ingest.ingester.flush(never);
  clock.advance(2_000);
  await engine.life.deletes.create(tenant, {
    query: '{sim="x"} |= "g0."',
    start: "2025-12-01T00:00:00Z",
    end: String(Math.floor(clock.nowMs() / 1000)),
    maxInterval: "",
  });
  kept.push(...(await push(running, book, 2)));
  assert.deepEqual((await ask(running, '{sim="x"}')).lines.sort(), [...kept].sort());
  await engine.stop();
  const files = new Map<string, Buffer>();
  for (const path of await pathsBelow(disk, dataFolder)) files.set(path, await disk.read(path));
  return { files, nowMs: clock.nowMs(), book, kept: new Set(kept), deleted };
}

async function pathsBelow(disk: SimulatedDisk, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isFolder } of await disk.list(folder)) {
    if (isFolder) found.push(...(await pathsBelow(disk, join(folder, name))));
    else found.push(join(folder, name));
  }
  return found;
}

async function copyOf({ files }: Stored): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  for (const [path, bytes] of files) {
    await disk.makeFolder(join(path, ".."));
    await using file = await disk.open(path, { create: true, exclusive: true });
    await file.write([bytes], 0);
  }
  return disk;
}

async function flip(
  all: Stored,
  format: Format,
  at: { path: string; offset: number; bit: number },
) {
  const where = `${at.path} byte ${at.offset} bit ${at.bit}`;
  const disk = await copyOf(all);
  disk.corrupt(at.path, at.offset, 1 << at.bit);
  const running = await start(disk, all.nowMs, format);
  const { lines, warnings } = await ask(running, '{sim="x"}');
  const seen = new Set(lines);
  const name = at.path.split("/").at(-1)!;
  const said = [...warnings, ...running.log].join("\n");
  for (const line of lines) {
    const isDeleted = all.deleted.has(line);
    assert.ok(all.kept.has(line) || isDeleted, `${where}: nobody sent ${line}`);
    // A request that cannot be read hides nothing, and is named.
    const isTold = at.path.includes("/deletes/") && said.includes(name);
    assert.ok(!isDeleted || isTold, `${where}: ${line} is back, said: ${said}`);
  }
  assert.equal(seen.size, lines.length, `${where}: a line came twice`);
  const missing = [...all.kept].filter((line) => !seen.has(line));
  if (missing.length > 0) {
    // Loki's file system store writes the end of a chunk's key in base64.
    const isNamed = [name, Buffer.from(name, "base64").toString()].some((one) =>
      said.includes(one),
    );
    assert.ok(isNamed, `${where}: ${missing.length} lines are missing, said: ${said}`);
    assert.ok(missing.length <= 120, `${where}: ${missing.length} lines are missing`);
  }
  await running.engine.stop();
}

const chosen = chosenSeed();
const runs = (["skald", "loki"] as const).flatMap((format) => [
  { format, seed: 5, flipCount: 60, which: "seed 5" },
  { format, seed: chosen, flipCount: 20, which: seedText(chosen) },
]);

for (const { format, seed, flipCount, which } of runs) {
  test(`a flipped bit costs what it hit and is named, ${format}, ${which}`, async () => {
    const all = await stored(format);
    const random = seededRandom(seed);
    const paths = [...all.files].filter(([, bytes]) => bytes.length > 0).map(([path]) => path);
    assert.ok(paths.length > 5, paths.join(" "));
    for (let n = 0; n < flipCount; n++) {
      // Each file in turn, so that small ones are hit as often as large ones; not always the first ones.
      const path = paths[(n + seed) % paths.length]!;
      const offset = Math.floor(random.fraction() * all.files.get(path)!.length);
      await flip(all, format, { path, offset, bit: Math.floor(random.fraction() * 8) });
    }
  });
}

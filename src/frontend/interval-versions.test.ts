import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOfNs, type EntryBatch, Labels } from "#model";
import { seededRandom } from "#world";
import { IntervalVersions, type StoredPart } from "./interval-versions.ts";

const minute = 60_000_000_000n;
const hour = 60n * minute;
const noon = 1_768_003_200_000_000_000n + 12n * hour;

/** One entry at each time. */
function batchAt(...timesNs: readonly bigint[]): EntryBatch {
  const none = new Uint32Array(timesNs.length);
  return {
    rowCount: timesNs.length,
    streams: [{ labels: Labels.empty, fromRow: 0, toRow: timesNs.length }],
    bytes: Buffer.alloc(0),
    lineStarts: none,
    lineEnds: none,
    epochSeconds: Float64Array.from(timesNs, (time) => Number(time / 1_000_000_000n)),
    nanos: none,
    metadataOfRow: none,
    metadata: { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 },
  };
}

/** One life of a process after the other over the same head and segments. */
class Lives {
  readonly stored: StoredPart[] = [];
  readonly headDays = new Set<number>();
  #count = 0;
  versions = this.begin();

  begin(): IntervalVersions {
    this.versions = new IntervalVersions({
      random: seededRandom(this.#count++),
      stored: () => Promise.resolve([...this.stored]),
      headDays: () => this.headDays,
    });
    return this.versions;
  }

  push(...timesNs: readonly bigint[]): void {
    this.versions.observe("t", batchAt(...timesNs));
    for (const time of timesNs) this.headDays.add(dayOfNs(time));
  }

  flush(key: string, minNs: bigint, maxNs: bigint): void {
    this.headDays.clear();
    this.stored.push({ key, minNs, maxNs });
  }

  /** Of the hour that begins so many hours after noon. */
  async of(hours: bigint, tenants: readonly string[] = ["t"]): Promise<string> {
    const range = { fromNs: noon + hours * hour, toNs: noon + (hours + 1n) * hour };
    const around = { fromNs: range.fromNs - 24n * hour, toNs: range.toNs + 24n * hour };
    return (await this.versions.at(tenants, around)).of(range);
  }
}

test("an entry changes the version of its ten minutes, and of no other hour", async () => {
  const lives = new Lives();
  lives.push(noon);
  const before = [await lives.of(-1n), await lives.of(0n), await lives.of(1n)];
  lives.push(noon + 59n * minute);
  const after = [await lives.of(-1n), await lives.of(0n), await lives.of(1n)];
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.equal(after[2], before[2]);
});

test("every batch counts, also one like the last", async () => {
  const lives = new Lives();
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    lives.push(noon, noon + 30n * minute);
    seen.add(await lives.of(0n));
  }
  assert.equal(seen.size, 5);
});

test("other tenants do not matter, unless they are asked for", async () => {
  const lives = new Lives();
  const [own, both] = [await lives.of(0n), await lives.of(0n, ["t", "u"])];
  lives.headDays.add(dayOfNs(noon));
  lives.versions.observe("u", batchAt(noon));
  assert.equal(await lives.of(0n), own);
  assert.notEqual(await lives.of(0n, ["t", "u"]), both);
});

test("a segment changes what it overlaps, whatever the order of the list", async () => {
  const lives = new Lives();
  const empty = await lives.of(0n);
  lives.stored.push({ key: "a", minNs: noon, maxNs: noon + minute });
  const one = await lives.of(0n);
  lives.stored.unshift({ key: "b", minNs: noon + minute, maxNs: noon + minute });
  const two = await lives.of(0n);
  lives.stored.push({ key: "c", minNs: noon + hour, maxNs: noon + 2n * hour });
  assert.equal(await lives.of(0n), two);
  lives.stored.reverse();
  assert.equal(await lives.of(0n), two);
  assert.equal(new Set([empty, one, two]).size, 3);
});

test("what was stored keeps its version when the head receives more of its day", async () => {
  const lives = new Lives();
  lives.push(noon, noon + hour);
  lives.flush("a", noon, noon + hour);
  const stored = [await lives.of(0n), await lives.of(1n)];
  lives.push(noon + hour);
  assert.equal(await lives.of(0n), stored[0]);
  assert.notEqual(await lives.of(1n), stored[1]);
});

test("after a restart only what is stored has its version back", async () => {
  const lives = new Lives();
  lives.push(noon);
  const inHead = await lives.of(0n);
  lives.begin();
  lives.push(noon);
  assert.notEqual(await lives.of(0n), inHead, "the journal may have brought more");
  lives.flush("a", noon, noon);
  const stored = await lives.of(0n);
  lives.begin();
  assert.equal(await lives.of(0n), stored);
});

test("what was pushed, lost and pushed again in other lives never has the same version", async () => {
  const lives = new Lives();
  const seen = new Set<string>();
  for (let life = 0; life < 10; life++) {
    lives.begin();
    for (let i = 0; i < 3; i++) {
      lives.push(noon);
      seen.add(await lives.of(0n));
    }
  }
  assert.equal(seen.size, 30);
});

test("more ten minutes than are remembered: all of the tenant count as changed", async () => {
  const lives = new Lives();
  lives.push(noon);
  const before = await lives.of(0n);
  const old = Array.from({ length: 8_192 }, (_, i) => noon - BigInt(i + 1000) * 10n * minute);
  lives.versions.observe("t", batchAt(...old));
  assert.notEqual(await lives.of(0n), before);
  assert.notEqual(await lives.of(3n), "");
});

test("more tenants than are remembered: those left out count as changed", async () => {
  const lives = new Lives();
  lives.push(noon);
  const before = await lives.of(0n);
  const many = batchAt(...Array.from({ length: 8_000 }, (_, i) => BigInt(i) * 10n * minute));
  for (let i = 0; i < 33; i++) lives.versions.observe(`u${i}`, many);
  assert.notEqual(await lives.of(0n), before);
});

test("times before 1970 have versions", async () => {
  const lives = new Lives();
  const range = { fromNs: -hour, toNs: 0n };
  const version = async (): Promise<string> => (await lives.versions.at(["t"], range)).of(range);
  const before = await version();
  lives.push(-minute);
  assert.notEqual(await version(), before);
});

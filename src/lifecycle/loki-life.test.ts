/** Deletes and retention on data in Loki's format. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { day, hour, minute } from "#base";
import { ByteStrings } from "#columns";
import { defaultLimits, type Limits } from "#config";
import { batchOfRows } from "#lokichunk";
import { ChunkMarks, LokiCompactor, LokiPeriods, LokiStore, LokiWriter } from "#lokistore";
import { Labels } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { createLogger } from "#telemetry";
import { ManualClock, SimulatedDisk } from "#world";
import { maskOfRequest } from "./delete-request.ts";
import { entriesOf, everything, never } from "./lifecycle-test-kit.ts";
import { LokiEraser } from "./loki-eraser.ts";
import { LokiRequests } from "./loki-requests.ts";
import { LokiRetention } from "./loki-retention.ts";
import { LokiSizes } from "./loki-sizes.ts";
import { PolicyRecord } from "./policy-record.ts";
import { RetentionRunner } from "./retention-runner.ts";
import { Retention } from "./retention.ts";

const startDay = 20_089;
const startMs = startDay * day;
const deleteDelayMs = 2 * hour;
const log = createLogger({ level: "error", format: "json", write: () => undefined });

class Kit {
  readonly clock = new ManualClock({ nowMs: startMs + 20 * hour });
  readonly objects = new MemoryObjectStore({ nowMs: () => this.clock.nowMs() });
  readonly store: LokiStore;
  readonly compactor: LokiCompactor;
  readonly #writer: LokiWriter;
  #files = 0;

  constructor() {
    const { clock, objects } = this;
    const period = {
      fromMs: 0,
      toMs: Number.POSITIVE_INFINITY,
      schema: "v13",
      indexPrefix: "index_",
      pathPrefix: "index/",
      objects,
    };
    const periods = new LokiPeriods([period]);
    this.store = new LokiStore({ periods, period, clock });
    const chunks = { encoding: "snappy" as const, blockBytes: 400, targetBytes: 2_000 };
    const files = new SimulatedDisk({ seed: 1 }).asProcess();
    const marks = new ChunkMarks({ files, folder: "/data/marks", clock });
    this.#writer = new LokiWriter({ periods, marks, stores: [this.store], chunks });
    this.compactor = new LokiCompactor({
      periods,
      stores: [this.store],
      clock,
      events: {
        merged: () => undefined,
        swept: () => undefined,
        failed: (error) => assert.fail(String(error)),
      },
      checkIntervalMs: hour,
      marks,
      deleteDelayMs,
    });
  }

  async write(
    app: string,
    lines: readonly string[],
    { tenant = "t", atMs = startMs } = {},
  ): Promise<void> {
    const batch = batchOfRows({
      rowCount: lines.length,
      baseNs: BigInt(atMs) * 1_000_000n,
      offsets: Float64Array.from(lines, (_, i) => i * 1e9),
      lines: ByteStrings.ofTexts(lines, 1),
      metadata: [],
    });
    const rows = [{ batch, fromRow: 0, toRow: lines.length }];
    const nameNs = BigInt(startMs) * 1_000_000n + BigInt(++this.#files);
    await this.#writer.write(
      {
        tenant,
        day: Math.floor(atMs / day),
        streams: [{ labels: Labels.from({ app }), rows }],
        nameNs,
        ingestedAtMs: startMs,
      },
      never,
    );
  }

  async lines(tenant = "t"): Promise<string[]> {
    const found = await entriesOf(this.store, tenant);
    return found.map((text) => text.split(" ").slice(1).join(" "));
  }

  async chunkCount(): Promise<number> {
    let count = 0;
    for await (const { key } of this.objects.list("t/")) if (key !== "") count++;
    return count;
  }

  async chunkBytes(tenant: string): Promise<number> {
    let bytes = 0;
    for await (const { sizeBytes } of this.objects.list(`${tenant}/`)) bytes += sizeBytes;
    return bytes;
  }

  /** Retention by age and size of chunks alone, there being no segments. */
  retention(limits: Partial<Limits>, totalBytesMax: number): RetentionRunner {
    const { clock, objects, compactor } = this;
    const merged = { for: () => ({ ...defaultLimits, ...limits }) };
    const retention = new Retention({ limits: merged, clock, log, isEnabled: true });
    const record = new PolicyRecord({ objects, clock });
    return new RetentionRunner({
      stores: [],
      retention,
      limits: merged,
      record,
      clock,
      log,
      isEnabled: true,
      deleteDelayMs,
      totalBytesMax,
      ofLoki: new LokiSizes({ compactor, retention, log }),
      agedOfLoki: new LokiRetention({ compactor, retention, record, clock, log, deleteDelayMs }),
    });
  }
}

test("a delete writes chunks anew, is searched for, and the old chunks go after the delay", async () => {
  const kit = new Kit();
  await kit.write("a", ["plain 0", "secret 1", "plain 2", "secret 3"]);
  await kit.write("b", ["secret 4"]);
  const request = { id: "1", query: '{app="a"} |= "secret"', startMs, endMs: startMs + day };
  const job = { tenant: "t", ids: ["1"], masks: [maskOfRequest(request, () => 0n)] };
  const { compactor, clock, store } = kit;
  const eraser = new LokiEraser({ compactor, stores: [store], clock });
  assert.deepEqual(await eraser.erase(job, never), { isClean: true, problems: [] });
  const left = [`a ${startMs}000000 plain 0`, `a ${startMs + 2000}000000 plain 2`];
  assert.deepEqual(await kit.lines(), [...left, `b ${startMs}000000 secret 4`]);
  assert.deepEqual([...(await eraser.erased(job))], [["1", { lines: 2, bytes: 16 }]]);
  const leaving = await eraser.leaving();
  assert.equal(await eraser.areGone(leaving), false);
  assert.equal(await kit.chunkCount(), 3);
  clock.advance(deleteDelayMs + 1);
  await compactor.runOnce(never);
  assert.equal(await eraser.areGone(leaving), true);
  assert.equal(await kit.chunkCount(), 2);
  // Again it costs a search only.
  assert.deepEqual(await eraser.erase(job, never), { isClean: true, problems: [] });
  assert.deepEqual([...(await eraser.erased(job))], [["1", { lines: 2, bytes: 16 }]]);
});

test("chunks leave when all of their entries are expired and the policy is old enough", async () => {
  const kit = new Kit();
  await kit.write("a", ["one"]);
  await kit.write("b", ["two"]);
  const { clock, compactor, objects } = kit;
  const retentionStream = [{ selector: '{app="a"}', priority: 1, periodMs: 30 * hour }];
  const limits = { ...defaultLimits, retentionStream };
  const retention = new Retention({ limits: { for: () => limits }, clock, log, isEnabled: true });
  const record = new PolicyRecord({ objects, clock });
  const life = new LokiRetention({ compactor, retention, record, clock, log, deleteDelayMs });
  clock.advance(9 * hour);
  await life.runOnce(never);
  assert.equal((await kit.lines()).length, 2, "not expired");
  clock.advance(2 * hour);
  await life.runOnce(never);
  assert.equal((await kit.lines()).length, 2, "expired, the policy was seen just now");
  clock.advance(deleteDelayMs);
  await life.runOnce(never);
  assert.deepEqual(await kit.lines(), [`b ${startMs}000000 two`]);
  assert.equal(await kit.chunkCount(), 2, "objects wait for the delay");
  clock.advance(deleteDelayMs + 1);
  await compactor.runOnce(never);
  assert.equal(await kit.chunkCount(), 1);
});

test("while chunks take more than a size, the hours that ended first go", async () => {
  const kit = new Kit();
  for (const tenant of ["t", "u"]) {
    for (let at = 0; at < 4; at++) {
      // The last of them ends on the day after, so two tables list it.
      const atMs = startMs + 20 * hour + at * (hour + 20 * minute) - 2_000;
      await kit.write("a", [`${at} a`, `${at} b`, `${at} c`], { tenant, atMs });
    }
  }
  const one = (await kit.chunkBytes("t")) / 4;
  // What no index lists is not counted: dropping others would not make it go.
  await kit.objects.put("t/1/1:2:3", Buffer.alloc(10_000));
  const { clock, compactor } = kit;
  clock.advance(day);
  const tenantLimit = kit.retention({ retentionSizeBytes: Math.ceil(one * 3) }, 0);
  const plan = await tenantLimit.plan(clock.nowMs());
  assert.deepEqual(
    plan.map(({ tenant, object, reason, action }) => [tenant, object, reason, action]),
    ["t", "u"].map((tenant) => [
      tenant,
      `1 chunks of ${new Date(startMs + 20 * hour).toISOString()}`,
      "tenant size",
      "drop",
    ]),
  );
  assert.equal((await kit.lines()).length, 12, "a plan touches nothing");
  await tenantLimit.runOnce(never);
  for (const tenant of ["t", "u"]) {
    const left = await kit.lines(tenant);
    assert.deepEqual([left.length, left.some((line) => line.includes(" 0 "))], [9, false]);
  }
  await tenantLimit.runOnce(never);
  assert.equal((await kit.lines()).length, 9, "what waits for its end is not counted again");
  const total = kit.retention({}, Math.ceil(one * 1.5));
  await total.runOnce(never);
  const left = [...(await kit.lines("t")), ...(await kit.lines("u"))];
  assert.equal(left.length, 3);
  assert.ok(left.every((line) => line.includes(" 3 ")));
  clock.advance(deleteDelayMs + 1);
  await compactor.runOnce(never);
  assert.equal((await kit.chunkCount()) - 1, (await kit.lines("t")).length / 3);
});

test("a plan names chunks that expire, by day", async () => {
  const kit = new Kit();
  await kit.write("a", ["one"]);
  const aged = kit.retention({ retentionPeriodMs: 3 * day }, 0);
  assert.deepEqual(await aged.plan(startMs + 3 * day), []);
  const [item] = await aged.plan(startMs + 4 * day);
  assert.deepEqual(
    [item?.object, item?.reason, (item?.storedBytes ?? 0) > 0],
    ["1 chunks of 2025-01-01", "age", true],
  );
});

test("a database of delete requests that cannot be read keeps queries from answering", async () => {
  const kit = new Kit();
  const { objects, clock } = kit;
  const places = [{ objects, pathPrefix: "index/" }];
  const failures: string[] = [];
  const open = (): LokiRequests =>
    new LokiRequests({ places, clock, failed: (reason) => void failures.push(reason) });
  assert.deepEqual(await open().masks("t", everything), []);
  const known = open();
  await known.masks("t", everything);
  const key = "index/delete_requests/delete_requests.gz";
  await objects.put(key, gzipSync(Buffer.from("no database")));
  await assert.rejects(open().masks("t", everything), /delete_requests/);
  clock.advance(6 * 60_000);
  await known.masks("t", everything);
  await known.masks("t", everything);
  assert.deepEqual(await known.masks("t", everything), [], "what was known holds on");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StoreError } from "#base";
import { dayStartNs } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { formatSegmentKey, SegmentStore } from "#segment";
import { createLogger } from "#telemetry";
import { checkPeriods, leftOver, type PeriodPiece } from "./period-record.ts";

function piece(from: string, to: string | null, change: Partial<PeriodPiece> = {}): PeriodPiece {
  return {
    from,
    to,
    store: "tsdb",
    schema: "v13",
    indexPrefix: "i_",
    pathPrefix: "index/",
    ...change,
  };
}

const native = { store: "skald", schema: "", indexPrefix: "", pathPrefix: "" } as const;
const first = "0000-01-01";

/** A bucket and a local disk, over several starts. */
class Starts {
  readonly bucket = new MemoryObjectStore({ nowMs: () => 0 });
  readonly local = new MemoryObjectStore({ nowMs: () => 0 });
  log = "";
  allowChangedPeriods = false;

  async start(pieces: readonly PeriodPiece[], place = "bucket"): Promise<void> {
    const segments = new SegmentStore({ objects: this.bucket });
    const here = { place, objects: this.bucket, segments };
    await checkPeriods({
      config: this,
      stores: [{ ...here, pieces }],
      local: this.local,
      elsewhere: async () => undefined,
      nowNs: BigInt(Date.UTC(2026, 0, 10)) * 1_000_000n,
      log: createLogger({
        level: "info",
        format: "logfmt",
        write: (line) => {
          this.log += line;
        },
      }),
    });
  }

  /** A table of 2026-01-10. */
  async store(prefix = "index/i_"): Promise<void> {
    await this.bucket.put(`${prefix}20463/1-x.tsdb.gz`, Buffer.from("x"));
  }
}

const refused = /there is data that the periods do not lead to any more/;

test("the same periods, and new ones in the future, are taken", async () => {
  const starts = new Starts();
  await starts.start([piece(first, null)]);
  await starts.store();
  await starts.start([piece(first, null)]);
  await starts.start([piece(first, "2026-01-11"), piece("2026-01-11", null, native)]);
  // What has no data yet may change as often as it likes.
  await starts.start([
    piece(first, "2026-01-12"),
    piece("2026-01-12", null, { indexPrefix: "n_" }),
  ]);
  await starts.start([piece(first, null)]);
  assert.equal(starts.log, "");
});

const changes: readonly (readonly [what: string, pieces: readonly PeriodPiece[]])[] = [
  ["another kind of store", [piece(first, null, native)]],
  ["another prefix", [piece(first, null, { indexPrefix: "other_" })]],
  ["another folder of tables", [piece(first, null, { pathPrefix: "idx/" })]],
  ["another schema", [piece(first, null, { schema: "v12" })]],
  ["a new period in the past", [piece(first, "2026-01-10"), piece("2026-01-10", null, native)]],
  ["a period that went", [piece("2026-01-11", null)]],
];

for (const [what, pieces] of changes) {
  test(`with data, it is refused: ${what}`, async () => {
    const starts = new Starts();
    await starts.start([piece(first, null)]);
    await starts.start(pieces);
    await starts.start([piece(first, null)]);
    await starts.store();
    await assert.rejects(starts.start(pieces), (error: StoreError) => {
      assert.equal(error.kind, "denied");
      assert.match(error.message, refused);
      return error.message.includes("index/i_20463");
    });
    // The record is as it was: putting the periods back is enough.
    await starts.start([piece(first, null)]);
    starts.allowChangedPeriods = true;
    await starts.start(pieces);
    assert.match(starts.log, /schema periods changed/);
    starts.allowChangedPeriods = false;
    await starts.start(pieces);
  });
}

test("segments count as data, too", async () => {
  const starts = new Starts();
  await starts.start([piece(first, null, native)]);
  const startNs = dayStartNs(20_463);
  const key = formatSegmentKey({
    tenant: "a",
    day: 20_463,
    minNs: startNs,
    maxNs: startNs + 1n,
    id: "0".repeat(28),
    replacesCount: 0,
    bodyBytes: 1,
    footerBytes: 1,
  });
  await starts.bucket.put(key, Buffer.from("x"));
  await starts.start([piece(first, "2026-01-11", native), piece("2026-01-11", null)]);
  await assert.rejects(starts.start([piece(first, null)]), refused);
});

test("a store that is no longer configured is missed", async () => {
  const starts = new Starts();
  await starts.start([piece(first, null)]);
  await assert.rejects(starts.start([piece(first, null)], "another bucket"), /not configured/);
});

test("a bucket that cannot be written to is read all the same", async () => {
  const starts = new Starts();
  await starts.store();
  starts.bucket.put = async () => {
    throw new StoreError("denied", "read only");
  };
  await starts.start([piece(first, null)]);
  assert.match(starts.log, /cannot be written/);
  await assert.rejects(starts.start([piece(first, null, native)]), refused);
});

test("a store that does not answer says so", async () => {
  const starts = new Starts();
  starts.bucket.get = async () => {
    throw new StoreError("unavailable", "no route");
  };
  await assert.rejects(starts.start([piece(first, null)]), { kind: "unavailable" });
});

test("a record that is no record is told and replaced", async () => {
  const starts = new Starts();
  for (const text of ["", "[]", '{"periods":[{"from":"x"}]}', '{"periods":3}']) {
    await starts.bucket.put("skald/periods.json", Buffer.from(text));
    await starts.start([piece(first, null)]);
  }
  assert.equal(starts.log.match(/cannot be read/g)?.length, 4);
});

test("what is left over is what no piece covers, day by day", () => {
  const dayText = (day: number): string =>
    new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
  const pieces = fc.array(
    fc
      .record({ from: fc.nat(20), days: fc.integer({ min: 1, max: 8 }), isNative: fc.boolean() })
      .map(({ from, days, isNative }) =>
        piece(dayText(from), dayText(from + days), isNative ? native : {}),
      ),
    { maxLength: 4 },
  );
  const has = (list: readonly PeriodPiece[], day: string, store: string): boolean =>
    list.some((one) => one.store === store && one.from <= day && day < (one.to ?? "9"));
  fc.assert(
    fc.property(pieces, pieces, (known, now) => {
      const left = leftOver(known, now);
      for (let day = 0; day < 30; day++) {
        for (const store of ["skald", "tsdb"]) {
          const text = dayText(day);
          const want = has(known, text, store) && !has(now, text, store);
          assert.equal(has(left, text, store), want, `${text} ${store}`);
        }
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("a record that names no day of the calendar is told of, and written anew", async () => {
  const starts = new Starts();
  await starts.start([piece(first, null)]);
  const wrong = { version: 1, periods: [piece("2026-21-01", null)] };
  await starts.bucket.put("skald/periods.json", Buffer.from(JSON.stringify(wrong)));
  await starts.start([piece(first, null)]);
  assert.match(starts.log, /the record of schema periods cannot be read.*expected a period/);
  starts.log = "";
  await starts.start([piece(first, null)]);
  assert.equal(starts.log, "");
});

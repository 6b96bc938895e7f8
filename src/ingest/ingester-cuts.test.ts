/** How cuts overlap with pushes and with each other, over a writer that does what the test says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "#base";
import { openLocalJournal } from "#journal";
import { createLogger } from "#telemetry";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { Head } from "./head.ts";
import type { HeadPart } from "./head-part.ts";
import {
  type CutPolicy,
  type CutProgress,
  Ingester,
  type PartWriter,
  type WrittenSegment,
} from "./ingester.ts";
import { smallCuts, testDistributor, testNowNs } from "./push-test-kit.ts";

const startMs = Date.UTC(2026, 0, 10, 23, 59);
const policy: CutPolicy = { ...smallCuts, headBytesPause: 25_000 };

interface HeldCut {
  readonly part: HeadPart;
  readonly onProgress: CutProgress;
  readonly copied: PromiseWithResolvers<void>;
  readonly stored: PromiseWithResolvers<WrittenSegment>;
  isStoring: boolean;
}

/** An ingester whose parts are copied and stored when the test says so; 25,000 bytes may wait. */
async function heldIngester(): Promise<{
  readonly ingester: Ingester;
  readonly head: Head;
  readonly cuts: HeldCut[];
  /** A push of 10,000 bytes of lines. */
  readonly send: () => Promise<void>;
}> {
  const clock = new ManualClock({ nowMs: startMs });
  const head = new Head({ clock });
  const cuts: HeldCut[] = [];
  const writer: PartWriter = {
    begin: async (part, onProgress) => {
      const copied = Promise.withResolvers<void>();
      const stored = Promise.withResolvers<WrittenSegment>();
      const cut: HeldCut = { part, onProgress, copied, stored, isStoring: false };
      cuts.push(cut);
      await copied.promise;
      return {
        store: () => {
          cut.isStoring = true;
          return stored.promise;
        },
      };
    },
    covered: () => Promise.resolve([]),
  };
  const files = new SimulatedDisk().asProcess();
  const random = seededRandom(1);
  const ingester = new Ingester({
    journal: await openLocalJournal({ files, clock, random, folder: "/data/wal" }),
    head,
    writer,
    policy,
    clock,
    log: createLogger({ level: "error", format: "json", write: () => undefined }),
    events: { segmentWritten: () => undefined, segmentFailed: () => undefined },
  });
  const values = [[`${testNowNs}`, "z".repeat(10_000)]];
  const { accepted } = testDistributor().json({ streams: [{ stream: { app: "a" }, values }] });
  const { batch, record } = accepted!;
  return { ingester, head, cuts, send: () => ingester.push("one", batch, record) };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const written: WrittenSegment = { key: "k", sizeBytes: 1, entryCount: 3 };

test("pushes that wait go on as far as a cut has got", async () => {
  const { ingester, head, cuts, send } = await heldIngester();
  const done: number[] = [];
  for (let i = 0; i < 3; i++) await send();
  const cutting = ingester.flush(new AbortController().signal);
  const waiting = [3, 4].map(async (i) => {
    await send();
    done.push(i);
  });
  await settle();
  assert.deepEqual([done, cuts.length], [[], 1]);
  cuts[0]!.onProgress(0.1);
  await settle();
  assert.deepEqual(done, [], "30,000 bytes less 3,000 are still too many");
  cuts[0]!.onProgress(0.5);
  await settle();
  assert.deepEqual(done, [3, 4]);
  cuts[0]!.copied.resolve();
  cuts[0]!.stored.resolve(written);
  await Promise.all([cutting, ...waiting]);
  assert.equal(head.parts().length, 1);
});

test("while a part is stored the next one is copied, and stored after it", async () => {
  const { ingester, head, cuts, send } = await heldIngester();
  const stop = new AbortController();
  for (let i = 0; i < 2; i++) await send();
  const running = ingester.run(stop.signal);
  await settle();
  assert.equal(cuts.length, 1);
  cuts[0]!.onProgress(1);
  for (let i = 0; i < 2; i++) await send();
  cuts[0]!.copied.resolve();
  await settle();
  assert.deepEqual(
    cuts.map((cut) => cut.isStoring),
    [true, false],
    "the second began before the first was stored",
  );
  cuts[1]!.copied.resolve();
  await settle();
  assert.equal(cuts[1]!.isStoring, false, "one at a time");
  cuts[0]!.stored.resolve(written);
  await settle();
  assert.equal(cuts[1]!.isStoring, true);
  assert.equal(head.parts().length, 1);
  cuts[1]!.stored.resolve(written);
  await settle();
  assert.equal(head.parts().length, 0);
  stop.abort();
  await running;
});

test("a part that could not be stored comes again, with the one that was copied meanwhile", async () => {
  const { ingester, head, cuts, send } = await heldIngester();
  const { signal } = new AbortController();
  await send();
  const [first] = head.parts();
  first!.isSealed = true;
  await send();
  assert.equal(head.parts().length, 2);
  const failing = ingester.flush(signal);
  await settle();
  cuts[0]!.copied.resolve();
  await settle();
  cuts[0]!.stored.reject(new StoreError("unavailable", "the store is down"));
  cuts[1]!.copied.resolve();
  await assert.rejects(failing, /the store is down/);
  assert.equal(cuts[1]!.isStoring, false);
  assert.equal(head.parts().length, 2, "nothing is lost");
  const again = ingester.flush(signal);
  for (const at of [2, 3]) {
    await settle();
    cuts[at]!.copied.resolve();
    cuts[at]!.stored.resolve(written);
  }
  await again;
  assert.deepEqual(
    cuts.slice(2).map(({ part }) => part.order),
    cuts.slice(0, 2).map(({ part }) => part.order),
  );
  assert.equal(head.parts().length, 0);
});

/**
 * Very many thin streams on the way in: head, questions to it, cut.
 * `node --expose-gc bench/scale/thin-ingest.ts [streams] [streams per push]` (100,000 and 500).
 */
import { MiB } from "#base";
import { Head, HeadBlocks, HeadStore, SegmentPartWriter } from "#ingest";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { SegmentStore } from "#segment";
import { ManualClock, seededRandom } from "#world";
import { makeLabels, thinBatch } from "./batches.ts";
import { heldBytes, matcher, readOptions, timed } from "./measure.ts";

const day = 20_513;
const daySecond = Number(dayStartNs(day) / 1_000_000_000n);
const streamCount = Number(process.argv[2] ?? 100_000);
const perPush = Number(process.argv[3] ?? 500);
const rounds = 6;

const clock = new ManualClock({ nowMs: daySecond * 1000 });
const random = seededRandom(1);
const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
const head = new Head({ clock });
const store = new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) });
const segments = new SegmentStore({ objects });
const writer = new SegmentPartWriter({ objects, segments, clock, random, journalId: "one" });
const labels = makeLabels(streamCount);
for (const one of labels) void one.key;
let sequence = 0;

function pushAll(round: number): void {
  for (let from = 0; from < streamCount; from += perPush) {
    const some = labels.slice(from, from + perPush);
    const batch = thinBatch(some, { second: daySecond + round * 10, nanos: sequence });
    head.apply({ tenant: "fake", batch, sequence: ++sequence });
  }
}

const whole = {
  tenant: "fake",
  range: { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay },
};
const all = { ...whole, matchers: [] };
const app = { ...whole, matchers: [matcher("app", "=", "app-7")] };
const skip = { lineTerms: [] };

async function askHead(): Promise<void> {
  const size = (found: { length: number }): string => `${found.length}`;
  const blocks = (plan: { blocks: { length: number } }): string => `${plan.blocks.length} blocks`;
  await timed("  plan of everything", () => store.plan(all), blocks);
  await timed("  plan of everything again", () => store.plan(all), blocks);
  await timed("  plan where app=", () => store.plan(app), blocks);
  await timed("  values of app", () => store.labelValues(all, "app"), size);
  await timed("  labels", () => store.labelNames(all), size);
  await timed("  series where app=", () => store.series(app), size);
  await timed("  volumes where app=", () => store.volumes(app, readOptions()), size);
  await timed(
    "  read where app=",
    async () => {
      let rows = 0;
      const { blocks: refs } = await store.plan(app);
      for await (const block of store.read(refs)) rows += block.rowCount;
      return rows;
    },
    String,
  );
}

globalThis.gc?.();
const before = heldBytes();
for (let round = 0; round < rounds; round++) {
  await timed(`round ${round}: ${streamCount} lines, ${perPush} a push`, () => pushAll(round));
  if (round === 0 || round === rounds - 1) await askHead();
}
globalThis.gc?.();
const perStream = (heldBytes() - before) / streamCount;
const estimate = `${(head.heapBytes / MiB).toFixed(0)} MiB estimated`;
console.log(`head: ${perStream.toFixed(0)} bytes a stream held, ${estimate}`);
const [part] = head.parts("fake");
part!.isSealed = true;
await timed(
  "cut",
  async () => {
    const copied = await writer.begin(part!);
    return copied.store(new AbortController().signal);
  },
  (written) => `${(written.sizeBytes / MiB).toFixed(1)} MiB`,
);
await timed("remove the part", () => head.remove(part!));
await timed(
  "plan of everything, from the segment",
  () => segments.plan(all, skip, readOptions()),
  (plan) => `${plan.blocks.length} blocks`,
);

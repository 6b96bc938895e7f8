/**
 * A tenant's day of very many streams in one segment:
 * `node --expose-gc bench/scale/many-streams.ts [streams]` (1,000,000 when omitted).
 */
import { MiB } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { buildSegment, SegmentStore } from "#segment";
import { makeLabels, thinBatch } from "./batches.ts";
import { heldBytes, matcher, readOptions, timed } from "./measure.ts";

const day = 20_513;
const second = Number(dayStartNs(day) / 1_000_000_000n);
const streamCount = Number(process.argv[2] ?? 1_000_000);
const objects = new MemoryObjectStore({ nowMs: () => 0 });

async function build(): Promise<string> {
  const labels = makeLabels(streamCount);
  const batch = thinBatch(labels, { second: second + 3600, nanos: 0 });
  const streams = labels.map((one, i) => ({
    labels: one,
    rows: [{ batch, fromRow: i, toRow: i + 1 }],
  }));
  const built = await timed(
    `build ${streamCount} streams`,
    () =>
      buildSegment(
        { tenant: "fake", day, streams, journal: [], replaces: [] },
        { id: "019ad5c3e8000123456789abcdef" },
      ),
    ({ facts }) => `footer ${(facts.footerBytes / MiB).toFixed(1)} MiB, ${facts.blockCount} blocks`,
  );
  await objects.put(built.key, built.parts);
  return built.key;
}

async function ask(): Promise<void> {
  const store = new SegmentStore({ objects });
  const whole = {
    tenant: "fake",
    range: { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay },
  };
  const all = { ...whole, matchers: [] };
  const app = { ...whole, matchers: [matcher("app", "=", "app-7")] };
  const podRegex = { ...whole, matchers: [matcher("pod", "=~", "app-1.*-1234.*")] };
  const appRegex = { ...whole, matchers: [matcher("app", "=~", "app-1.")] };
  const part = {
    ...all,
    range: { fromNs: all.range.fromNs, toNs: all.range.fromNs + 7200n * 1_000_000_000n },
  };
  const skip = { lineTerms: [] };
  const count = (found: { length: number }): string => `${found.length}`;
  const blocks = (plan: { blocks: { length: number } }): string => `${plan.blocks.length} blocks`;
  await timed(
    "labels (first: reads the footer)",
    () => store.labelNames(all, readOptions()),
    count,
  );
  for (const round of ["first", "again"]) {
    await timed(`labels, ${round}`, () => store.labelNames(all, readOptions()), count);
    await timed(
      `labels of two hours, ${round}`,
      () => store.labelNames(part, readOptions()),
      count,
    );
    await timed(
      `values of app, ${round}`,
      () => store.labelValues(all, "app", readOptions()),
      count,
    );
    await timed(
      `values of app where app=, ${round}`,
      () => store.labelValues(app, "app", readOptions()),
      count,
    );
    await timed(
      `values of pod where app=, ${round}`,
      () => store.labelValues(app, "pod", readOptions()),
      count,
    );
    await timed(`series where app=, ${round}`, () => store.series(app, readOptions()), count);
    await timed(`plan where app=, ${round}`, () => store.plan(app, skip, readOptions()), blocks);
    await timed(
      `plan where app=~, ${round}`,
      () => store.plan(appRegex, skip, readOptions()),
      blocks,
    );
    await timed(
      `plan where pod=~, ${round}`,
      () => store.plan(podRegex, skip, readOptions()),
      blocks,
    );
    await timed(`volumes where app=, ${round}`, () => store.volumes(app, readOptions()), count);
  }
  await timed("values of pod (all)", () => store.labelValues(all, "pod", readOptions()), count);
  await timed("plan of everything", () => store.plan(all, skip, readOptions()), blocks);
  console.log(`held at the end: ${(heldBytes() / MiB).toFixed(0)} MiB`);
}

await build();
globalThis.gc?.();
console.log(`held before the first question: ${(heldBytes() / MiB).toFixed(0)} MiB`);
await ask();

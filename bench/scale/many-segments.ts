/**
 * A month in very many small segments on this machine's disk:
 * `node --expose-gc bench/scale/many-segments.ts [segments] [days] [streams]` (10,000, 30, 40).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { type ObjectStore, openFilesystemObjectStore } from "#objectstore";
import { buildSegment, newSegmentId, SegmentStore } from "#segment";
import { seededRandom, systemClock, systemFiles } from "#world";
import { makeLabels, thinBatch } from "./batches.ts";
import { heldBytes, matcher, readOptions, timed } from "./measure.ts";

const firstDay = 20_513;
const segmentCount = Number(process.argv[2] ?? 10_000);
const dayCount = Number(process.argv[3] ?? 30);
const streamCount = Number(process.argv[4] ?? 40);
const random = seededRandom(1);
const labels = makeLabels(streamCount);

/** Written without syncs: what is measured is reading. */
async function fill(objects: ObjectStore): Promise<string> {
  const perDay = Math.ceil(segmentCount / dayCount);
  for (let n = 0; n < segmentCount; n++) {
    const day = firstDay + Math.floor(n / perDay);
    const second = Number(dayStartNs(day) / 1_000_000_000n) + (n % perDay) * 200;
    const batch = thinBatch(labels, { second, nanos: n });
    const streams = labels.map((one, i) => ({
      labels: one,
      rows: [{ batch, fromRow: i, toRow: i + 1 }],
    }));
    const built = await buildSegment(
      { tenant: "fake", day, streams, journal: [], replaces: [] },
      { id: newSegmentId(systemClock, random) },
    );
    await objects.put(built.key, built.parts);
  }
  return `${segmentCount} segments of ${streamCount} streams`;
}

async function ask(objects: ObjectStore): Promise<void> {
  const store = new SegmentStore({ objects });
  const range = { fromNs: dayStartNs(firstDay), toNs: dayStartNs(firstDay + dayCount) };
  const all = { tenant: "fake", matchers: [], range };
  const app = { ...all, matchers: [matcher("app", "=", "app-7")] };
  const lastDay = { ...app, range: { fromNs: range.toNs - nsPerDay, toNs: range.toNs } };
  const skip = { lineTerms: [] };
  const words = { lineTerms: [[Buffer.from("nowhere-to-be-found")]] };
  const count = (found: { length: number }): string => `${found.length}`;
  const blocks = (plan: { blocks: { length: number } }): string => `${plan.blocks.length} blocks`;
  await timed("list", () => store.segments("fake"), count);
  const { plan } = { plan: store.plan.bind(store) };
  await timed("plan one day, app=, cold", () => plan(lastDay, skip, readOptions()), blocks);
  await timed("plan all days, app=, cold", () => plan(app, skip, readOptions()), blocks);
  await timed("plan all days, app=, warm", () => plan(app, skip, readOptions()), blocks);
  await timed("plan all days, warm", () => plan(all, skip, readOptions()), blocks);
  await timed("plan all days, a word, cold", () => plan(all, words, readOptions()), blocks);
  await timed("plan all days, a word, warm", () => plan(all, words, readOptions()), blocks);
  await timed("plan one day, app=, warm", () => plan(lastDay, skip, readOptions()), blocks);
  await timed("labels", () => store.labelNames(all, readOptions()), count);
  await timed("values of pod", () => store.labelValues(all, "pod", readOptions()), count);
  await timed("series", () => store.series(all, readOptions()), count);
  await timed("volumes where app=", () => store.volumes(app, readOptions()), count);
  await timed("list again", () => store.refresh("fake"));
  console.log(`held at the end: ${(heldBytes() / MiB).toFixed(0)} MiB`);
}

const folder = await mkdtemp(join(tmpdir(), "skald-scale-"));
try {
  const files = { ...systemFiles, syncFolder: () => Promise.resolve() };
  const where = { files, clock: systemClock, random, folder: join(folder, "objects") };
  const objects = await openFilesystemObjectStore(where);
  await timed("fill", () => fill(objects), String);
  globalThis.gc?.();
  console.log(`held before: ${(heldBytes() / MiB).toFixed(0)} MiB`);
  await ask(objects);
} finally {
  await rm(folder, { recursive: true });
}

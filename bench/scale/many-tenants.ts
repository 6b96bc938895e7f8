/**
 * Many tenants with small pushes; half of them fall silent after the first round. How many objects
 * come of it, and is the journal held back by the silent ones?
 * `node --expose-gc bench/scale/many-tenants.ts [tenants] [rounds]` (200, 60; a round is 10 s).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB, minute } from "#base";
import { encodePushRecord, Head, Ingester, SegmentPartWriter } from "#ingest";
import { openLocalJournal } from "#journal";
import { dayStartNs } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { SegmentStore } from "#segment";
import { createLogger } from "#telemetry";
import { ManualClock, seededRandom, systemFiles } from "#world";
import { makeLabels, thinBatch } from "./batches.ts";
import { heldBytes, StallMeter } from "./measure.ts";

const daySecond = Number(dayStartNs(20_513) / 1_000_000_000n);
const tenantCount = Number(process.argv[2] ?? 200);
const roundCount = Number(process.argv[3] ?? 60);
/** As the server has it, but for the journal, which is smaller so that its bound is reached. */
const policy = {
  idleMs: 30 * minute,
  ageMaxMs: 120 * minute,
  partBytesMax: 20 * MiB,
  headBytesTarget: 24 * MiB,
  headBytesPause: 32 * MiB,
  headBytesMax: 256 * MiB,
  journalBytesTarget: 16 * MiB,
  journalBytesKept: MiB,
};

const folder = await mkdtemp(join(tmpdir(), "skald-scale-"));
const clock = new ManualClock({ nowMs: daySecond * 1000 });
const random = seededRandom(1);
const journal = await openLocalJournal({
  files: systemFiles,
  clock,
  random,
  folder: join(folder, "wal"),
  fileBytesMax: 2 * MiB,
});
const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
const segments = new SegmentStore({ objects });
const head = new Head({ clock });
const writer = new SegmentPartWriter({ objects, segments, clock, random, journalId: journal.id });
const reasons = new Map<string, number>();
let bytes = 0;
const ingester = new Ingester({
  journal,
  head,
  writer,
  policy,
  clock,
  log: createLogger({ level: "error", format: "json", write: (line) => console.log(line) }),
  events: {
    segmentWritten: ({ sizeBytes }, _durationMs, reason) => {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      bytes += sizeBytes;
    },
    segmentFailed: (error) => console.log("failed", error),
  },
});

const labels = makeLabels(200);
const linesPerPush = 40;

async function pushRound(round: number): Promise<void> {
  const pushes: Promise<void>[] = [];
  for (let n = 0; n < tenantCount; n++) {
    if (round > 0 && n % 2 === 0) continue;
    const some = labels.slice((n * 7) % 100, ((n * 7) % 100) + linesPerPush);
    const batch = thinBatch(some, { second: daySecond + round * 10, nanos: n });
    const tenant = `tenant-${n}`;
    pushes.push(ingester.push(tenant, batch, encodePushRecord({ tenant, batch })));
  }
  await Promise.all(pushes);
}

/** Time stands still for the ingester, its disk and threads do not: they get what a round takes. */
async function untilCut(): Promise<void> {
  const untilMs = performance.now() + 500;
  const isDue = (): boolean =>
    head.heapBytes > policy.headBytesTarget || journal.sizeBytes > policy.journalBytesTarget;
  while (isDue() && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advanceAndSettle(1);
  }
}

const stop = new AbortController();
await ingester.replay();
const running = ingester.run(stop.signal);
const stalls = new StallMeter();
let journalMax = 0;
let heldMax = 0;
for (let round = 0; round < roundCount; round++) {
  await pushRound(round);
  await clock.advanceAndSettle(10_000);
  await untilCut();
  journalMax = Math.max(journalMax, journal.sizeBytes);
  heldMax = Math.max(heldMax, heldBytes());
  if (round % 10 !== 9) continue;
  const figures = [
    `journal ${(journal.sizeBytes / MiB).toFixed(1)} MiB`,
    `head ${(head.heapBytes / MiB).toFixed(1)} MiB in ${head.parts().length} parts`,
    `${[...reasons].map(([reason, count]) => `${count} by ${reason}`).join(", ")}`,
    `${(bytes / MiB).toFixed(1)} MiB stored`,
  ];
  console.log(`after round ${round + 1}: ${figures.join(" · ")}`);
}
const stallMs = await stalls.end();
console.log(
  `most: journal ${(journalMax / MiB).toFixed(1)} MiB of ${policy.journalBytesTarget / MiB} wanted, ` +
    `memory ${(heldMax / MiB).toFixed(0)} MiB, stall ${stallMs.toFixed(0)} ms`,
);
stop.abort();
await running;
await journal.close();
await rm(folder, { recursive: true });

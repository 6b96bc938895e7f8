/**
 * Appends to a local journal on the real disk, and the speed of a replay.
 * Run: node_modules/.bin/node bench/micro/journal.bench.ts [folder]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { KiB, MiB } from "#base";
import { openLocalJournal } from "#journal";
import { systemClock, systemFiles, systemRandom } from "#world";

const secondsPerCase = 3;
const cases = [
  { bodyBytes: 100 * KiB, callers: 1 },
  { bodyBytes: 100 * KiB, callers: 64 },
  { bodyBytes: KiB, callers: 1 },
  { bodyBytes: KiB, callers: 64 },
];

async function runCase(folder: string, bodyBytes: number, callers: number): Promise<void> {
  const files = systemFiles;
  const options = { files, clock: systemClock, random: systemRandom, folder };
  const body = systemRandom.bytes(bodyBytes);
  let commits = 0;
  let journal = await openLocalJournal({ ...options, onCommit: () => commits++ });
  const latencies: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + secondsPerCase * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const beganMs = performance.now();
      await journal.append([body], () => undefined);
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - startMs) / 1000;
  await journal.close();
  const count = latencies.length;
  const openMs = performance.now();
  journal = await openLocalJournal(options);
  const replayMs = performance.now();
  let bytes = 0;
  for await (const record of journal.replay(1)) bytes += record.body.length;
  const replaySeconds = (performance.now() - replayMs) / 1000;
  await journal.close();
  latencies.sort((left, right) => left - right);
  const at = (share: number): string => latencies[Math.floor(count * share)]!.toFixed(2);
  console.log(
    [
      `${bodyBytes / KiB} KiB x ${callers}:`.padEnd(15),
      `${Math.round(count / seconds)}/s`.padStart(9),
      `${((count * bodyBytes) / MiB / seconds).toFixed(1)} MiB/s`.padStart(13),
      `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms,`,
      `${(count / commits).toFixed(1)} per sync,`,
      `open ${(replayMs - openMs).toFixed(0)} ms,`,
      `replay ${(bytes / MiB / replaySeconds).toFixed(0)} MiB/s`,
    ].join(" "),
  );
}

const parent = process.argv[2] ?? "data";
await systemFiles.makeFolder(join(process.cwd(), parent));
for (const { bodyBytes, callers } of cases) {
  const folder = await mkdtemp(join(process.cwd(), parent, "journal-bench-"));
  try {
    await runCase(folder, bodyBytes, callers);
  } finally {
    await rm(folder, { recursive: true });
  }
}

// `npm run soak -- --minutes 30`: seeded simulations of the whole engine in all formats, then a real
// process killed under load; prints a summary, and the seed of what failed. `--seed N` repeats.
import { simulate } from "../test/simulation/simulation.ts";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { formats } from "../test/simulation/engine.ts";
import { killLoop } from "../test/simulation/kill-loop.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "30" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is not a number above 0`);
const firstSeed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!Number.isInteger(firstSeed)) throw new Error(`--seed ${values.seed} is not a whole number`);

const livesPerRun = 25;
/** The rest is for the process that is killed. */
const simulatedShare = 0.7;
const progressEveryMs = 60_000;

const startedMs = performance.now();
const simulationEndMs = startedMs + minutes * 60_000 * simulatedShare;
const sums = { runs: 0, crashes: 0, entriesSent: 0, entriesChecked: 0, diskOperations: 0 };
const faults = new Map<string, number>();
const failures: string[] = [];
let worstRssMiB = 0;
let worstRunMs = 0;
let toldMs = startedMs;

console.log(`soak: ${minutes} minutes, first seed ${firstSeed}`);
for (let seed = firstSeed; sums.runs === 0 || performance.now() < simulationEndMs; seed++) {
  const format = formats[seed % formats.length]!;
  const runStartedMs = performance.now();
  try {
    const summary = await simulate({ seed, format, lives: livesPerRun });
    sums.crashes += summary.crashes;
    sums.entriesSent += summary.entriesSent;
    sums.entriesChecked += summary.entriesChecked;
    sums.diskOperations += summary.diskOperations;
    for (const [kind, count] of Object.entries(summary.faults)) {
      faults.set(kind, (faults.get(kind) ?? 0) + count);
    }
  } catch (error) {
    failures.push(String(error).slice(0, 2_000));
    console.log(`FAILED: ${failures.at(-1)}`);
  }
  sums.runs++;
  worstRunMs = Math.max(worstRunMs, performance.now() - runStartedMs);
  worstRssMiB = Math.max(worstRssMiB, process.memoryUsage.rss() / 2 ** 20);
  if (performance.now() - toldMs > progressEveryMs) {
    toldMs = performance.now();
    console.log(`soak: ${sums.crashes} crashes, ${failures.length} failures so far`);
  }
}
const durationMs = minutes * 60_000 - (performance.now() - startedMs);
let kills: object = {};
try {
  kills = await killLoop({ seed: firstSeed, durationMs });
} catch (error) {
  failures.push(String(error).slice(0, 2_000));
}
const simulated = {
  ...sums,
  worstRunMs: Math.round(worstRunMs),
  worstRssMiB: Math.round(worstRssMiB),
  faults: Object.fromEntries([...faults].sort(([a], [b]) => (a < b ? -1 : 1))),
};
console.log(JSON.stringify({ firstSeed, simulated, killed: kills, failures }, undefined, 2));
process.exit(failures.length === 0 ? 0 : 1);

/**
 * `npm run bench:overload -- --minutes 3`: what the server can take, then three times as much for
 * minutes: tenants that flood, one that pushes little, expensive and cheap queries. Prints a table
 * for docs/reliability.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { type Corpus, generateCorpus, readCorpus } from "./corpus.ts";
import {
  askingTenant,
  bodyAt,
  closeConnections,
  type Outcome,
  push,
  pushClosed,
  pushOpen,
  query,
  quietTenant,
  repeat,
} from "./overload-load.ts";
import { cpuSeconds, memoryMiB, SkaldProcess, sleep } from "./server-process.ts";

interface Options {
  readonly minutes: string;
  readonly times: string;
  readonly expensive: string;
}

const mebibyte = 1024 * 1024;
const corpusMiB = 96;
/** The first pushes find cold code. */
const warmUpMs = 5_000;
const capacityMs = 15_000;
const clients = 16;
const cheapEveryMs = 500;
const quietEveryMs = 500;
const memoryEveryMs = 250;
/** Goodput is also told for the worst of such windows. */
const windowMs = 10_000;
/** Recovered: so many pushes in a row are accepted this fast. */
const recoveredInRow = 5;
const recoveredMs = 500;
const recoveryWaitMaxMs = 60_000;

interface Capacity {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly p99Ms: number;
}

interface Flood {
  readonly forMs: number;
  readonly fromMs: number;
  readonly flood: readonly Outcome[];
  readonly quiet: readonly Outcome[];
  readonly cheap: readonly Outcome[];
  readonly expensive: readonly Outcome[];
  readonly usedCpuSeconds: number;
  readonly worstMiB: number;
  readonly recoveredAfterMs: number;
}

function note(text: string): void {
  console.error(`overload: ${text}`);
}

async function main(): Promise<void> {
  const options = new Command("bench:overload")
    .option("--minutes <count>", "to offer too much", "3")
    .option("--times <count>", "what it can take", "3")
    .option("--expensive <count>", "expensive queries at once", "4")
    .parse()
    .opts<Options>();
  const scratch = mkdtempSync(join(tmpdir(), "skald-overload-"));
  const skald = await SkaldProcess.in(join(scratch, "data"), { authEnabled: true });
  try {
    generateCorpus(join(scratch, "corpus.bin"), corpusMiB * mebibyte, 1);
    const corpus = readCorpus(join(scratch, "corpus.bin"));
    await skald.start();
    await store(skald, corpus);
    note("measuring what it can take");
    const capacity = await measureCapacity(skald, corpus);
    const perSecond = capacity.perSecond * Number(options.times);
    const forMs = Number(options.minutes) * 60_000;
    note(`${capacity.perSecond.toFixed(0)} pushes/s; offering ${perSecond.toFixed(0)}`);
    const flood = await offer(skald, corpus, {
      perSecond,
      forMs,
      expensiveAtOnce: Number(options.expensive),
    });
    console.log(table(capacity, flood, Number(options.times)));
  } finally {
    closeConnections();
    await skald.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The logs that questions are about. */
async function store(skald: SkaldProcess, { requests }: Corpus): Promise<void> {
  for (const [at, body] of requests.entries()) {
    const tenants = at % 8 === 0 ? [askingTenant, quietTenant] : [askingTenant];
    for (const tenant of tenants) {
      const { status } = await push(skald, tenant, body);
      if (status !== 204) throw new Error(`a push of the stored logs was answered ${status}`);
    }
  }
}

async function measureCapacity(skald: SkaldProcess, corpus: Corpus): Promise<Capacity> {
  await pushClosed(skald, corpus, { clients, forMs: warmUpMs });
  const fromSeconds = cpuSeconds(skald.pid);
  const fromMs = performance.now();
  const outcomes = await pushClosed(skald, corpus, { clients, forMs: capacityMs });
  const tookSeconds = (performance.now() - fromMs) / 1000;
  const accepted = acceptedOf(outcomes);
  return {
    perSecond: accepted.length / tookSeconds,
    perCpuSecond: accepted.length / (cpuSeconds(skald.pid) - fromSeconds),
    p99Ms: latency(accepted, 0.99),
  };
}

async function offer(
  skald: SkaldProcess,
  corpus: Corpus,
  how: { readonly perSecond: number; readonly forMs: number; readonly expensiveAtOnce: number },
): Promise<Flood> {
  const { requests, facts } = corpus;
  const range = { start: String(facts.start * 1e6), end: String(facts.end * 1e6) };
  let isOver = false;
  const over = (): boolean => isOver;
  const fromMs = performance.now();
  const fromCpuSeconds = cpuSeconds(skald.pid);
  let worstMiB = 0;
  const memory = repeat(over, memoryEveryMs, async () => {
    worstMiB = Math.max(worstMiB, memoryMiB(skald.pid, "VmRSS"));
    return { status: 0, atMs: 0, tookMs: 0, hasRetryAfter: false };
  });
  const quiet = repeat(over, quietEveryMs, (at) =>
    push(skald, quietTenant, bodyAt(requests, at * 8)),
  );
  const cheap = repeat(over, cheapEveryMs, (at) =>
    query(skald, quietTenant, { ...range, query: `{env="prod"} |= "no-${at}"`, limit: "10" }),
  );
  const expensive = Array.from({ length: how.expensiveAtOnce }, (_, client) =>
    repeat(over, 0, (at) =>
      query(skald, askingTenant, { ...range, ...expensiveQuery(client, at) }),
    ),
  );
  const flood = await pushOpen(skald, corpus, how);
  const usedCpuSeconds = cpuSeconds(skald.pid) - fromCpuSeconds;
  note("over; waiting until it is as before");
  const recoveredAfterMs = await untilRecovered(skald, corpus);
  isOver = true;
  await memory;
  return {
    forMs: how.forMs,
    fromMs,
    flood,
    quiet: await quiet,
    cheap: await cheap,
    expensive: (await Promise.all(expensive)).flat(),
    usedCpuSeconds,
    worstMiB,
    recoveredAfterMs,
  };
}

/** Another one each time: nothing is remembered. */
function expensiveQuery(client: number, at: number): Readonly<Record<string, string>> {
  const pipeline = `{app=~".+"} |~ "(?i)e[a-z]+r.*[0-9]" | logfmt | status!="${client}-${at}"`;
  return { query: `sum by (host) (count_over_time(${pipeline}[1m]))`, step: "60" };
}

async function untilRecovered(skald: SkaldProcess, { requests }: Corpus): Promise<number> {
  const fromMs = performance.now();
  let inRow = 0;
  let sinceMs = fromMs;
  for (let at = 0; inRow < recoveredInRow; at++) {
    const askedMs = performance.now();
    if (askedMs - fromMs > recoveryWaitMaxMs) return Number.POSITIVE_INFINITY;
    const { status, tookMs } = await push(skald, "loud-1", bodyAt(requests, at));
    const isWell = status === 204 && tookMs < recoveredMs;
    if (isWell && inRow === 0) sinceMs = askedMs;
    inRow = isWell ? inRow + 1 : 0;
    await sleep(50);
  }
  return sinceMs - fromMs;
}

function acceptedOf(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ status }) => status === 204 || status === 200);
}

function latency(outcomes: readonly Outcome[], part: number): number {
  const sorted = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Accepted pushes a second in the worst whole window. */
function worstWindow(accepted: readonly Outcome[], { fromMs, forMs }: Flood): number {
  const counts = Array.from({ length: Math.max(1, Math.floor(forMs / windowMs)) }, () => 0);
  for (const { atMs } of accepted) {
    const at = Math.floor((atMs - fromMs) / windowMs);
    if (at < counts.length) counts[at]!++;
  }
  return Math.min(...counts) / (Math.min(windowMs, forMs) / 1000);
}

function table(capacity: Capacity, measured: Flood, times: number): string {
  const { flood, quiet, cheap, expensive, forMs, usedCpuSeconds } = measured;
  const accepted = acceptedOf(flood);
  const refused = flood.filter(({ status }) => status === 503 || status === 429);
  const withoutAnswer = flood.length - accepted.length - refused.length;
  const perSecond = accepted.length / (forMs / 1000);
  const whole = (part: number): string => `${(part * 100).toFixed(0)} %`;
  const ms = (of: readonly Outcome[]): string =>
    `${latency(of, 0.5).toFixed(0)} / ${latency(of, 0.99).toFixed(0)} ms`;
  const share = (of: readonly Outcome[]): string =>
    `${acceptedOf(of).length} of ${of.length} answered`;
  const rows: readonly (readonly [string, string])[] = [
    ["machine", `${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, clients on the same`],
    ["what it can take", `${capacity.perSecond.toFixed(0)} pushes/s of 1 MiB of lines`],
    ["… p99 of them", `${capacity.p99Ms.toFixed(0)} ms`],
    ["offered", `${times} times that for ${forMs / 60_000} min: ${flood.length} pushes`],
    ["accepted", `${accepted.length} (${perSecond.toFixed(0)}/s)`],
    ["goodput of what it can take", whole(perSecond / capacity.perSecond)],
    ["… in its worst 10 s", whole(worstWindow(accepted, measured) / capacity.perSecond)],
    [
      "… by its own CPU seconds, queries included",
      whole(accepted.length / usedCpuSeconds / capacity.perCpuSecond),
    ],
    ["refused with 503 or 429", String(refused.length)],
    ["… without Retry-After", String(refused.filter((one) => !one.hasRetryAfter).length)],
    ["no clear answer", String(withoutAnswer)],
    ["accepted pushes, p50 / p99", ms(accepted)],
    ["refusals, p50 / p99", ms(refused)],
    ["quiet tenant's pushes", share(quiet)],
    ["… p50 / p99", ms(acceptedOf(quiet))],
    ["cheap queries", share(cheap)],
    ["… p50 / p99", ms(acceptedOf(cheap))],
    ["expensive queries", share(expensive)],
    ["worst memory", `${measured.worstMiB.toFixed(0)} MiB`],
    ["as before again after", `${(measured.recoveredAfterMs / 1000).toFixed(1)} s`],
  ];
  return ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join(
    "\n",
  );
}

await main();

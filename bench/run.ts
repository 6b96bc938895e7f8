/**
 * `npm run bench`: Skald as a process of its own, under load and under questions, against the
 * targets of docs/performance.md. `npm run bench -- --help` lists the options.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Corpus, generateCorpus, readCorpus } from "./corpus.ts";
import { type Expectations, expectationsOf } from "./expectations.ts";
import { type PushCase, pushCase } from "./push-cases.ts";
import { pushAll, type PushResult, snappyHeaders } from "./push-load.ts";
import { benchQueries } from "./queries.ts";
import { type BenchResults, type ProcessResult, printResults, type StoreResult } from "./report.ts";
import { flushPeer, type PeerKind, peerKinds, pushPaths } from "./peers.ts";
import { type QueryResult, runQuery } from "./run-queries.ts";
import { cpuSeconds, memoryMiB, SkaldProcess, sleep, type Target } from "./server-process.ts";
import { measureUnitY, type UnitY } from "./unit-y.ts";

interface Options {
  readonly mib: number;
  readonly seed: number;
  readonly corpus?: string;
  readonly runs: number;
  readonly connections: number;
  readonly only?: readonly string[];
  readonly quick?: boolean;
  readonly settle: number;
  readonly against?: string;
  readonly kind: PeerKind;
  readonly pid?: number;
  readonly skipPush?: boolean;
  /** In seconds. */
  readonly rest: number;
  readonly results?: string;
  readonly keep?: boolean;
}

const here = dirname(fileURLToPath(import.meta.url));
const mebibyte = 1024 * 1024;
/** Lines sent in each of the other forms of push. */
const caseMiB = 64;
/** The store is at rest once the server did next to nothing, and no object changed, for this long. */
const restMs = 12_000;
const restCpuShare = 0.1;
const lookEveryMs = 500;
/** After a start; memory is given back when nothing happened for ten seconds. */
const idleMs = 20_000;
const quickMib = 32;

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("a count is expected");
  return value;
}

const peerHelp = `
The lines are of January 2026, and come all at once. Start other servers so that they take them:
  Loki          limits_config: reject_old_samples: false, ingestion_rate_mb, ingestion_burst_size_mb,
                per_stream_rate_limit and its burst raised, max_query_length: 0
  VictoriaLogs  -retentionPeriod=100y
An answer that is not right says so; --pid gives CPU seconds and memory.`;

function readOptions(): Options {
  const command = new Command("bench")
    .option("--mib <count>", "MiB of lines to make", count, 256)
    .option("--seed <count>", "of the lines to make", count, 1)
    .option("--corpus <file>", "measure with these push requests (see bench/corpus.ts)")
    .option("--runs <count>", "of each query", count, 5)
    .option("--connections <count>", "that push at a time", count, 4)
    .option("--only <names>", "queries, with commas between", (text) => text.split(","))
    .option("--quick", `${quickMib} MiB, 3 runs, no other forms of push`)
    .option("--settle <seconds>", "to wait for merging at most", count, 240)
    .option("--against <url>", "measure this server instead of starting Skald")
    .addOption(new Option("--kind <kind>", "of that server").choices(peerKinds).default("loki"))
    .option("--pid <count>", "of that server, for CPU and memory", count)
    .option("--skip-push", "that server has the corpus already")
    .option("--rest <seconds>", "to let that server rest after pushing", count, restMs / 1000)
    .option("--results <folder>", "to write the results to")
    .option("--keep", "keep the data folder")
    .addHelpText("after", peerHelp);
  return command.parse().opts<Options>();
}

async function main(): Promise<number> {
  const asked = readOptions();
  const options = asked.quick ? { ...asked, mib: quickMib, runs: 3 } : asked;
  const scratch = mkdtempSync(join(tmpdir(), "skald-bench-"));
  try {
    const path = options.corpus ?? join(scratch, "corpus.bin");
    if (options.corpus === undefined) {
      note(`making ${options.mib} MiB of lines`);
      generateCorpus(path, options.mib * mebibyte, options.seed);
    }
    const corpus = readCorpus(path);
    note("counting what the answers must be");
    const expected = expectationsOf(corpus);
    note("measuring Y");
    const y = measureUnitY(corpus, join(scratch, "lines"));
    const measured =
      options.against === undefined
        ? await measureSkald({ options, corpus, expected, y, scratch })
        : await measurePeer({ options, corpus, expected, y, scratch });
    const results = { ...headOf(options, corpus), y, ...measured };
    printResults(results);
    const isWhole = options.quick !== true && options.only === undefined;
    note(`written to ${writeResults(results, options.results ?? folderOf(options, isWhole))}`);
    return results.queries?.some(({ isRight }) => /^(?!yes|not checked)/.test(isRight)) ? 1 : 0;
  } finally {
    if (options.keep !== true) rmSync(scratch, { recursive: true, force: true });
    else note(`kept ${scratch}`);
  }
}

function note(text: string): void {
  console.error(`bench: ${text}`);
}

interface Job {
  readonly options: Options;
  readonly corpus: Corpus;
  readonly expected: Expectations;
  readonly y: UnitY;
  readonly scratch: string;
}

type Measured = Omit<BenchResults, "date" | "commit" | "kind" | "node" | "cpu" | "corpus" | "y">;

function pushCorpus(target: Target, { corpus, options }: Job): Promise<PushResult> {
  return pushAll(target, {
    path: pushPaths[options.kind],
    headers: snappyHeaders,
    bodies: corpus.requests,
    connections: options.connections,
    rawBytes: corpus.facts.rawBytes,
  });
}

async function queryAll(target: Target, job: Job): Promise<QueryResult[]> {
  const { options, corpus, expected, y } = job;
  const results: QueryResult[] = [];
  for (const query of benchQueries(corpus, expected)) {
    if (options.only !== undefined && !options.only.includes(query.name)) continue;
    const { kind, runs } = options;
    results.push(await runQuery(query, { target, kind, corpus, runs, yMs: y.ms }));
  }
  return results;
}

async function measurePeer(job: Job): Promise<Measured> {
  const { options } = job;
  const target = { url: options.against!.replace(/\/$/, ""), pid: options.pid };
  const push = options.skipPush === true ? undefined : await pushCorpus(target, job);
  if (push !== undefined) {
    note("flushing, and letting it rest");
    await flushPeer(target.url, options.kind);
    await sleep(options.rest * 1000);
  }
  note(`asking, ${options.runs} times each`);
  const queries = await queryAll(target, job);
  return push === undefined ? { queries } : { push, queries };
}

async function measureSkald(job: Job): Promise<Measured> {
  const { options } = job;
  const skald = await SkaldProcess.in(join(job.scratch, "data"));
  try {
    const idleRssMiB = await idleMemory(skald);
    const startEmptyMs = await skald.start();
    note(`pushing over ${options.connections} connections`);
    const push = await pushCorpus(skald, job);
    note("killing it, and replaying the journal");
    const replay = await killAndReplay(skald, job);
    note("flushing and merging");
    const store = await settle(skald, options.settle);
    await skald.stop();
    const startWithDataMs = await skald.start();
    note(`asking, ${options.runs} times each`);
    const queries = await queryAll(skald, job);
    await skald.stop();
    const process = { startEmptyMs, startWithDataMs, idleRssMiB, ...replay };
    const pushCases = options.quick === true ? {} : await measureCases(job);
    return { push, pushCases, store, process, queries };
  } finally {
    await skald.stop("SIGKILL");
  }
}

/** Of a process that nobody asks for anything, in a life of its own: what starting took is given back by then. */
async function idleMemory(skald: SkaldProcess): Promise<number> {
  await skald.start();
  await sleep(idleMs);
  const rssMiB = memoryMiB(skald.pid, "VmRSS");
  await skald.stop();
  return rssMiB;
}

type Replay = Pick<ProcessResult, "replayedMiB" | "replayMs" | "replayMiBPerSecond">;

/** What was replayed, Skald says in its log. */
async function killAndReplay(skald: SkaldProcess, { corpus }: Job): Promise<Replay> {
  await skald.stop("SIGKILL");
  await skald.start();
  const line = /journal replayed.*/.exec(skald.log)?.[0] ?? "";
  const numberOf = (name: string): number =>
    Number(new RegExp(`${name}"?[=:]([0-9.]+)`).exec(line)?.[1] ?? 0);
  const { rawBytes, entries } = corpus.facts;
  const replayedMiB = (numberOf("entries") / entries) * (rawBytes / mebibyte);
  const replayMs = numberOf("durationMs");
  return { replayedMiB, replayMs, replayMiBPerSecond: replayedMiB / (replayMs / 1000) };
}

async function settle(skald: SkaldProcess, secondsMax: number): Promise<StoreResult> {
  const cpuBefore = cpuSeconds(skald.pid);
  const startedMs = performance.now();
  const flushed = await fetch(`${skald.url}/flush`, { method: "POST" });
  await flushed.arrayBuffer();
  let known = skald.storeState();
  let changedMs = performance.now();
  let knownCpu = cpuSeconds(skald.pid);
  while (performance.now() - changedMs < restMs) {
    if (performance.now() - startedMs > secondsMax * 1000) break;
    await sleep(lookEveryMs);
    const now = skald.storeState();
    const cpu = cpuSeconds(skald.pid);
    const isBusy = (cpu - knownCpu) * 1000 > lookEveryMs * restCpuShare;
    if (now !== known || isBusy) changedMs = performance.now();
    known = now;
    knownCpu = cpu;
  }
  const { bytes, objects, replacedObjects, replacedBytes } = skald.stored();
  return {
    storedBytes: bytes,
    objects,
    replacedObjects,
    replacedBytes,
    settleSeconds: (changedMs - startedMs) / 1000,
    settleCpuSeconds: cpuSeconds(skald.pid) - cpuBefore,
  };
}

/** Each on a server of its own, so that memory is told apart. */
async function measureCases(job: Job): Promise<Record<string, PushResult>> {
  const results: Record<string, PushResult> = {};
  for (const kind of ["small", "json", "otlp"] satisfies PushCase[]) {
    note(`pushing in another form: ${kind}`);
    const skald = await SkaldProcess.in(join(job.scratch, kind));
    try {
      await skald.start();
      results[kind] = await pushAll(skald, pushCase(job.corpus, kind, caseMiB * mebibyte));
    } finally {
      await skald.stop("SIGKILL");
    }
  }
  return results;
}

function headOf(
  options: Options,
  corpus: Corpus,
): Pick<BenchResults, "date" | "commit" | "kind" | "node" | "cpu" | "corpus"> {
  const source = options.corpus ?? `own, seed ${options.seed}`;
  const models = cpus();
  return {
    date: new Date().toISOString(),
    commit: commitOf(),
    kind: options.against === undefined ? "skald" : options.kind,
    node: process.version,
    cpu: `${models.length} × ${models[0]?.model ?? "unknown"}`,
    corpus: { source, ...corpus.facts },
  };
}

function commitOf(): string {
  try {
    const args = ["-C", here, "rev-parse", "--short", "HEAD"];
    return execFileSync("git", args, { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown";
  }
}

/** Results of less than everything, and of others, are not kept with Skald's. */
function folderOf({ against }: Options, isWhole: boolean): string {
  return join(here, "results", ...(isWhole && against === undefined ? [] : ["tmp"]));
}

function writeResults(results: BenchResults, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const day = results.date.slice(0, 10);
  const of = results.kind === "skald" ? results.commit : results.kind;
  const path = join(folder, `${day}-${of}.json`);
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`);
  return path;
}

process.exit(await main());

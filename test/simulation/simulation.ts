/**
 * A seeded run of the whole engine on a simulated disk: many lives, each ended by a power cut at
 * any step, with clients that keep a book of what they were promised. The seed decides everything:
 * who touches the disk next, what the disk loses, when time passes, what clients do.
 */
import "./ordered-compression.ts";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { messageOf } from "#base";
import type { LoadedConfig } from "#config";
import {
  type DiskFault,
  type DiskOperation,
  type Files,
  ManualClock,
  type Random,
  seededRandom,
  SimulatedDisk,
} from "#world";
import { Book, type SentEntry } from "./book.ts";
import { readAll, tenants, useEngine, type Visit } from "./clients.ts";
import { configOf, type Engine, type Format, startEngine } from "./engine.ts";
import { leftovers } from "./leftovers.ts";
import { quiet, Turns } from "./turns.ts";

const startMs = Date.UTC(2026, 0, 10, 23, 30);
const dayMs = 86_400_000;
const minuteMs = 60_000;
/** A life is over after so many operations of the disk at the latest. */
const stepsMax = 1_200;
/** Longer than any background task waits to clean up. */
const settleMs: number = 12 * minuteMs;
/** More than any settling takes: a run that needs more hangs. */
const driveStepsMax = 200_000;

export interface SimulationOptions {
  readonly seed: number;
  readonly format: Format;
  readonly lives: number;
  /** A disk that says it has synced and has not: the checkers must find it out. */
  readonly isLying?: boolean;
  /** Told what happens, for looking at one run. */
  readonly trace?: (line: string) => void;
}

export interface SimulationSummary {
  readonly crashes: number;
  readonly entriesSent: number;
  readonly entriesChecked: number;
  readonly diskOperations: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Of everything that happened: equal for equal seeds. */
  readonly traceHash: string;
}

export async function simulate(options: SimulationOptions): Promise<SimulationSummary> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #turns: Turns;
  readonly #disk: SimulatedDisk;
  readonly #book = new Book();
  readonly #hash = createHash("sha256");
  readonly #faults: Record<string, number> = {};
  readonly #unanswered: SentEntry[][] = [];
  readonly #loaded: Promise<LoadedConfig>;
  #clock = new ManualClock({ nowMs: startMs });
  #faultRate = 0;
  /** A fault has happened in this life. */
  #wasFaulty = false;
  #operations = 0;
  #crashes = 0;
  #life = 0;

  constructor(options: SimulationOptions) {
    const { seed, format } = options;
    this.#options = options;
    this.#loaded = configOf(format);
    this.#random = seededRandom(seed);
    this.#turns = new Turns(seededRandom(seed + 1_000_003));
    this.#disk = new SimulatedDisk({
      seed,
      nowMs: () => this.#clock.nowMs(),
      pause: () => this.#turns.wait(),
      faultOf: (operation, path) => this.#faultOf(operation, path),
    });
  }

  async run(): Promise<SimulationSummary> {
    const { seed, format, lives } = this.#options;
    await this.#loaded;
    try {
      for (this.#life = 0; this.#life < lives; this.#life++) await this.#live();
      await this.#settle();
    } catch (error) {
      const where = `seed ${seed}, ${format}, life ${this.#life}`;
      throw new Error(`${where}: ${messageOf(error)}`, { cause: error });
    }
    return {
      crashes: this.#crashes,
      entriesSent: this.#book.entryCount,
      entriesChecked: this.#book.entriesChecked,
      diskOperations: this.#operations,
      faults: this.#faults,
      traceHash: this.#hash.digest("hex"),
    };
  }

  #note(what: string): void {
    this.#hash.update(`${what}\n`);
    this.#options.trace?.(`${this.#life} ${this.#clock.nowMs()} ${what}`);
  }

  #faultOf(operation: DiskOperation, path: string): DiskFault | undefined {
    this.#operations++;
    this.#note(`${operation} ${path}`);
    if (this.#faultRate === 0 || this.#random.fraction() >= this.#faultRate) return undefined;
    const kinds: readonly DiskFault[] =
      operation === "write" ? ["io", "full", "short-io", "short-full"] : ["io", "full"];
    const reads = operation === "read" || operation === "list";
    const fault = reads ? "io" : kinds[Math.floor(this.#random.fraction() * kinds.length)]!;
    const name = `${operation} ${fault}`;
    this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    this.#wasFaulty = true;
    this.#note(`fault ${name}`);
    return fault;
  }

  /** One process, until the power goes. */
  async #live(): Promise<void> {
    const random = this.#random;
    // Some cuts come while it starts, most when it is at work.
    const steps = Math.floor(random.fraction() ** 2 * stepsMax);
    const isFaulty = random.fraction() < 0.3;
    this.#wasFaulty = false;
    this.#faultRate = isFaulty ? 0.002 + random.fraction() * 0.02 : 0;
    let isOver = false;
    const process = this.#process(() => isOver);
    await this.#drive(process.done, { steps, isFaulty });
    isOver = true;
    this.#note("power cut");
    this.#crashes++;
    this.#disk.crash(this.#options.seed * 10_007 + this.#life);
    this.#turns.letAllThrough();
    process.abandon();
    await quiet();
    this.#turns.letAllThrough();
    await quiet();
    const jumpMs = random.fraction() < 0.1 ? dayMs : random.fraction() * minuteMs;
    this.#clock = new ManualClock({ nowMs: this.#clock.nowMs() + Math.floor(jumpMs) });
  }

  #process(isOver: () => boolean): { done: Promise<never>; abandon: () => void } {
    let engine: Engine | undefined;
    const run = async (): Promise<never> => {
      engine = await this.#start();
      return useEngine(this.#visit(engine, isOver));
    };
    return { done: run(), abandon: () => engine?.abandon() };
  }

  async #start(): Promise<Engine> {
    // Before anything is awaited: a process belongs to the life it was started in.
    const random = seededRandom(Math.floor(this.#random.fraction() * 2 ** 32));
    const world = { clock: this.#clock, random, files: this.#files() };
    // The logger's time is the machine's, and differs from run to run.
    const onLog = (line: string): void => this.#note(line.replace(/"time":"[^"]*",/, ""));
    const loaded = await this.#loaded;
    const engine = await startEngine({ loaded, world, onLog });
    const corrupt = engine.ingest.journal.damage.filter(({ kind }) => kind === "corrupt");
    assert.deepEqual(corrupt, [], "the journal is damaged");
    return engine;
  }

  #files(): Files {
    const files = this.#disk.asProcess();
    if (this.#options.isLying !== true) return files;
    const open: Files["open"] = async (path, options) => {
      const file = await files.open(path, options);
      return { ...file, sync: () => Promise.resolve() };
    };
    return { ...files, open };
  }

  #visit(engine: Engine, isOver: () => boolean): Visit {
    return {
      engine,
      book: this.#book,
      clock: this.#clock,
      random: seededRandom(Math.floor(this.#random.fraction() * 2 ** 32)),
      group: this.#life,
      mustServe: () => !this.#wasFaulty,
      isOver,
      note: (what) => this.#note(what),
      where: `life ${this.#life}`,
      unanswered: this.#unanswered,
    };
  }

  /** Lets things happen, one by one, until `steps` have or the work has ended. */
  async #drive(
    work: Promise<unknown>,
    options: { readonly steps: number; readonly isFaulty?: boolean },
  ): Promise<void> {
    let hasEnded = false;
    let failure: unknown;
    const end = work.then(
      () => (hasEnded = true),
      (error: unknown) => {
        hasEnded = true;
        failure = error ?? new Error("failed without a reason");
      },
    );
    for (let step = 0; step < options.steps; step++) {
      await quiet();
      if (hasEnded) break;
      this.#goOn();
    }
    if (!hasEnded) return;
    await end;
    // A start may fail on a disk that does.
    if (failure !== undefined && !(options.isFaulty === true && this.#wasFaulty)) throw failure;
    if (failure instanceof assert.AssertionError) throw failure;
  }

  #goOn(): void {
    const random = this.#random;
    const { waitingCount } = this.#turns;
    if (waitingCount > 0 && random.fraction() < 0.95) this.#turns.letOneThrough();
    else this.#clock.advance(random.fraction() * (waitingCount > 0 ? 300 : 5_000));
  }

  async #finish<T>(work: Promise<T>): Promise<T> {
    let hasEnded = false;
    const end = work.finally(() => (hasEnded = true));
    await this.#drive(end, { steps: driveStepsMax });
    if (!hasEnded) throw new Error(`still at work after ${driveStepsMax} steps`);
    return end;
  }

  /** Everybody rests, all that is due is done: what is left must be what was promised. */
  async #settle(): Promise<void> {
    this.#faultRate = 0;
    this.#wasFaulty = false;
    for (let start = 0; start < 2; start++) {
      const engine = await this.#finish(this.#start());
      const visit = this.#visit(engine, () => false);
      await this.#check(visit);
      for (let round = 0; round < 5; round++) {
        await this.#finish(this.#clock.sleep(settleMs));
        await this.#check(visit);
      }
      await this.#finish(engine.ingest.ingester.flush(new AbortController().signal));
      await this.#check(visit);
      await this.#finish(engine.stop());
      await quiet();
      this.#clock = new ManualClock({ nowMs: this.#clock.nowMs() + settleMs });
    }
    const left = await this.#finish(leftovers(this.#disk.asProcess(), this.#clock));
    assert.deepEqual(left, [], "files that nobody cleans");
  }

  async #check(visit: Visit): Promise<void> {
    for (const tenant of tenants) await this.#finish(readAll(visit, tenant));
  }
}

/**
 * What is fuzzed, and the bounds of one input. Each test run plays what is here: kept inputs and some
 * changed ones; search.ts goes on from there.
 */
import { MiB } from "#base";
import { type Random, seededRandom } from "#world";
import { corpusOf } from "./corpus.ts";
import { mutate } from "./mutate.ts";

/** Work of this thread for one input, which other work of the machine does not lengthen. */
const cpuMsMax = 1_000;
const growthBytesMax: number = 200 * MiB;
/** Of changed inputs get checksums that fit: without them nothing behind a checksum is reached. */
const sealedShare = 0.9;

export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Words of the format, put in whole. */
  readonly words?: readonly string[];
  /** The input with all checksums computed anew, as far as its parts can still be found. */
  readonly sealed?: (input: Buffer) => Buffer;
  /** Throws only when the decoder did what it must not. */
  readonly run: (input: Buffer) => unknown;
  /** Ends what the first run started. */
  readonly close?: () => Promise<void>;
}

export interface PlayOptions {
  readonly seed: number;
  /** Changed ones. */
  readonly inputs: number;
  /** Hears of each input before it runs, so that one that never ends can be named. */
  readonly onInput?: (target: FuzzTarget, input: Buffer) => void;
}

export function poolOf(target: FuzzTarget): Buffer[] {
  return [...target.seeds, ...corpusOf(target.name).map(({ bytes }) => bytes)];
}

/** Every seed and every kept input, once. */
export async function playCorpus(target: FuzzTarget): Promise<void> {
  for (const input of poolOf(target)) await attempt(target, input);
}

/** Changed inputs, the same for the same seed and corpus. */
export async function playChanged(target: FuzzTarget, options: PlayOptions): Promise<void> {
  const random = seededRandom(options.seed);
  const pool = poolOf(target);
  for (let n = 0; n < options.inputs; n++) await attempt(target, changed(target, pool, random));
}

/** One input of the pool, changed, and mostly with checksums that fit. */
export function changed(target: FuzzTarget, pool: readonly Buffer[], random: Random): Buffer {
  const input = mutate({ pool, words: target.words ?? [] }, random);
  const isSealed = target.sealed !== undefined && random.fraction() < sealedShare;
  return isSealed ? target.sealed(input) : input;
}

/** A decoder did what it must not. */
export class FuzzFailure extends Error {
  readonly input: Buffer;

  constructor(message: string, input: Buffer, options?: ErrorOptions) {
    super(message, options);
    this.name = "FuzzFailure";
    this.input = input;
  }
}

/** Runs one input within bounds of time and memory; the input is in the message of what fails. */
export async function attempt(target: FuzzTarget, input: Buffer): Promise<number> {
  const fail = (what: string, cause?: unknown): FuzzFailure => {
    const text = `${target.name}: ${input.toString("base64").slice(0, 8_000)} ${what}`;
    return new FuzzFailure(text, input, { cause });
  };
  const before = process.memoryUsage.rss();
  const started = process.threadCpuUsage();
  try {
    await target.run(Buffer.from(input));
  } catch (error) {
    throw fail(`gave ${String(error)}`, error);
  }
  const { user, system } = process.threadCpuUsage(started);
  const cpuMs = (user + system) / 1_000;
  if (cpuMs > cpuMsMax) throw fail(`took ${Math.round(cpuMs)} ms`);
  const growth = process.memoryUsage.rss() - before;
  if (growth > growthBytesMax) throw fail(`took ${Math.round(growth / MiB)} MiB`);
  return cpuMs;
}

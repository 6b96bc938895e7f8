/**
 * A small coverage-guided fuzzer: inputs that reach code no other input reached are kept and changed
 * further. Coverage is V8's own, by blocks, taken for a batch of inputs at a time, as taking it
 * costs milliseconds. What is kept lies in `corpus/<name>/`, one input per file.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MiB } from "#base";
import { type Random, seededRandom } from "#world";

const corpusRoot = join(dirname(fileURLToPath(import.meta.url)), "corpus");
const batchSize = 40;
/** Larger inputs show nothing that small ones do not, and slow all others down. */
const inputBytesMax = 33_000;
/** Generous: machines are shared. An input that runs away takes minutes. */
const durationMsMax = 3_000;
const growthBytesMax: number = 200 * MiB;

export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Words of the format, put in whole. */
  readonly words?: readonly string[];
  /** Throws only when the decoder did what it must not. */
  readonly run: (input: Buffer) => void | Promise<void>;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Writes what is kept to the corpus. */
  readonly keep: boolean;
}

export interface FuzzSummary {
  readonly inputs: number;
  readonly kept: number;
  readonly worstMs: number;
}

export function corpusOf(name: string): Buffer[] {
  const folder = join(corpusRoot, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file)));
}

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzSummary> {
  await using coverage = await Coverage.start();
  const random = seededRandom(options.seed);
  const pool = [...target.seeds, ...corpusOf(target.name)];
  const summary = { inputs: 0, kept: 0, worstMs: 0 };
  const tried = async (input: Buffer): Promise<void> => {
    summary.inputs++;
    summary.worstMs = Math.max(summary.worstMs, await attempt(target, input));
  };
  for (const input of pool) await tried(input);
  await coverage.takeNew();
  while (summary.inputs < options.inputs) {
    const batch = Array.from({ length: batchSize }, () => mutate(pool, target.words ?? [], random));
    for (const input of batch) await tried(input);
    if (!(await coverage.takeNew(false))) continue;
    for (const input of batch) {
      await tried(input);
      if (!(await coverage.takeNew())) continue;
      pool.push(input);
      summary.kept++;
      if (options.keep) keep(target.name, input);
    }
  }
  return summary;
}

function keep(name: string, input: Buffer): void {
  const folder = join(corpusRoot, name);
  mkdirSync(folder, { recursive: true });
  const file = createHash("sha256").update(input).digest("hex").slice(0, 16);
  writeFileSync(join(folder, file), input);
}

/** Runs one input within bounds of time and memory; the input is in the message of what fails. */
async function attempt(target: FuzzTarget, input: Buffer): Promise<number> {
  const where = (): string => `${target.name}: ${input.toString("base64").slice(0, 8_000)}`;
  const before = process.memoryUsage.rss();
  const startedMs = performance.now();
  try {
    await target.run(Buffer.from(input));
  } catch (error) {
    throw new Error(`${where()} gave ${String(error)}`, { cause: error });
  }
  const durationMs = performance.now() - startedMs;
  assert.ok(durationMs < durationMsMax, `${where()} took ${Math.round(durationMs)} ms`);
  const growth = process.memoryUsage.rss() - before;
  assert.ok(growth < growthBytesMax, `${where()} took ${Math.round(growth / MiB)} MiB`);
  return durationMs;
}

class Coverage implements AsyncDisposable {
  readonly #session: Session;
  readonly #seen = new Set<string>();

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
    return new Coverage(session);
  }

  /** Whether code of ours ran since the last time that never ran before. */
  async takeNew(isRemembered = true): Promise<boolean> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    let isNew = false;
    for (const { url, scriptId, functions } of result) {
      if (!url.includes("/src/")) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          const name = `${scriptId}:${startOffset}:${endOffset}:${count > 0}`;
          if (this.#seen.has(name)) continue;
          isNew = true;
          if (isRemembered) this.#seen.add(name);
        }
      }
    }
    return isNew;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}

const telling = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x7b, 0x7d, 0x28, 0x29, 0x0a, 0xc3, 0xed];

function mutate(pool: readonly Buffer[], words: readonly string[], random: Random): Buffer {
  const below = (count: number): number => Math.floor(random.fraction() * count);
  let input = Buffer.from(pool[below(pool.length)] ?? Buffer.alloc(0));
  const changes = 1 + below(4);
  for (let n = 0; n < changes; n++) {
    const at = below(input.length + 1);
    const to = Math.min(input.length, at + 1 + below(16));
    const put = (bytes: Uint8Array): void => {
      input = Buffer.concat([input.subarray(0, at), bytes, input.subarray(at)]);
    };
    switch (below(8)) {
      case 0:
        if (at < input.length) input[at]! ^= 1 << below(8);
        break;
      case 1:
        if (at < input.length) input[at] = telling[below(telling.length)]!;
        break;
      case 2:
        input = Buffer.concat([input.subarray(0, at), input.subarray(to)]);
        break;
      case 3:
        for (let times = below(3) === 0 ? 40 : 1; times > 0; times--) put(input.subarray(at, to));
        break;
      case 4:
        put(random.bytes(1 + below(6)));
        break;
      case 5: {
        const other = pool[below(pool.length)] ?? input;
        put(other.subarray(below(other.length + 1)));
        break;
      }
      case 6:
        if (words.length > 0) put(Buffer.from(words[below(words.length)]!));
        break;
      default:
        if (below(4) === 0) input = input.subarray(0, at);
        else if (input.length >= at + 4) input.writeUInt32LE(below(2) === 0 ? 2 ** 32 - 1 : at, at);
    }
    if (input.length > inputBytesMax) input = input.subarray(0, inputBytesMax);
  }
  return Buffer.from(input);
}

/**
 * Changed inputs, guided by coverage: those that reach what no other input reached are kept and
 * changed further.
 */
import { addAll, newIn, takeFeatures } from "./coverage.ts";
import { attempt, changed, type FuzzTarget, type PlayOptions, poolOf } from "./fuzzer.ts";
import { seededRandom } from "#world";

/** Inputs to one look at the coverage, which costs more than most inputs. */
const batchSize = 16;

export interface SearchSummary {
  readonly inputs: number;
  readonly kept: readonly Buffer[];
  readonly worstMs: number;
}

/** Gives the inputs that reached something new. */
export async function search(target: FuzzTarget, options: PlayOptions): Promise<SearchSummary> {
  takeFeatures();
  const random = seededRandom(options.seed);
  const pool = poolOf(target);
  const kept: Buffer[] = [];
  const summary = { inputs: 0, worstMs: 0 };
  const tried = async (input: Buffer): Promise<void> => {
    options.onInput?.(target, input);
    summary.inputs++;
    summary.worstMs = Math.max(summary.worstMs, await attempt(target, input));
  };
  for (const input of pool) await tried(input);
  const seen = takeFeatures();
  while (summary.inputs < options.inputs) {
    const batch = Array.from({ length: batchSize }, () => changed(target, pool, random));
    for (const input of batch) await tried(input);
    if (newIn(takeFeatures(), seen).length === 0) continue;
    for (const input of batch) {
      await tried(input);
      const found = newIn(takeFeatures(), seen);
      if (found.length === 0) continue;
      addAll(seen, found);
      pool.push(input);
      kept.push(input);
    }
  }
  return { ...summary, kept };
}

/**
 * When a group is evaluated: at moments a whole number of intervals apart, moved by an offset that
 * follows from the group's names, so that groups do not all come at once and come at the same
 * moments after a restart. An evaluation is as of its moment, however late it begins.
 */
import { createHash } from "node:crypto";
import type { Clock } from "#world";
import type { GroupEvaluator } from "./group-evaluator.ts";
import type { Turns } from "./turns.ts";

export interface LoopOptions {
  readonly tenant: string;
  readonly evaluator: GroupEvaluator;
  readonly clock: Clock;
  readonly turns: Turns;
  /** ruler.evaluation.max_jitter: groups begin up to so much after their moment. */
  readonly jitterMaxMs: number;
  /** Every iteration, and how many before it had to be left out. */
  readonly onIteration: (missed: number) => void;
}

/** A wall clock that was set back would otherwise make a group sleep until it is there again. */
const sleepMaxMs = 60_000;

/** Resolves when the signal is aborted. Rejects only by a mistake of ours. */
export async function runGroupLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { evaluator, clock, turns, onIteration } = options;
  const { intervalMs } = evaluator;
  const seed = seedOf(options);
  const jitterMs = options.jitterMaxMs > 0 ? seed % options.jitterMaxMs : 0;
  let atMs = momentAfter(clock.nowMs(), { intervalMs, seed });
  while (!signal.aborted) {
    const waitMs = atMs + jitterMs - clock.nowMs();
    if (waitMs > intervalMs + jitterMs) atMs = momentAfter(clock.nowMs(), { intervalMs, seed });
    else if (waitMs > 0) await slept(clock, Math.min(waitMs, sleepMaxMs), signal);
    else {
      const missed = Math.max(0, Math.floor((clock.nowMs() - jitterMs - atMs) / intervalMs));
      atMs += missed * intervalMs;
      await turns.run(() => evaluator.evaluate(atMs, signal)).catch(unlessAborted(signal));
      onIteration(missed);
      atMs += intervalMs;
    }
  }
}

async function slept(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(delayMs, signal).catch(unlessAborted(signal));
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

function seedOf({ tenant, evaluator }: LoopOptions): number {
  const { namespace, group } = evaluator.placed;
  const text = JSON.stringify([tenant, namespace, group.name]);
  return createHash("sha256").update(text).digest().readUIntBE(0, 6);
}

/** The first moment of the group later than `nowMs`. */
export function momentAfter(
  nowMs: number,
  { intervalMs, seed }: { readonly intervalMs: number; readonly seed: number },
): number {
  const offsetMs = seed % intervalMs;
  return (Math.floor((nowMs - offsetMs) / intervalMs) + 1) * intervalMs + offsetMs;
}

/** When a segment goes, and whether before that it is worth writing anew. Pure. */
import { day } from "#base";

/**
 * Of the line bytes of a segment: from this share on what stays is written anew. It at least halves
 * what is stored.
 */
export const rewriteShareMin = 0.5;

/** However little it is, what is expired and due stays in the store no longer than this. */
export const overdueMsMax: number = day;

/** Entries that lie together: a run of one stream in one block. */
export interface ExpiringRun {
  /** From when on none of it may be in the store; Infinity: it is kept. */
  readonly dueMs: number;
  readonly lineBytes: number;
}

export interface RetentionDecision {
  /** All is due; the whole object goes. Infinity: never. */
  readonly dropMs: number;
  /**
   * Enough is due for the object to be written anew. Infinity: never, or not before it is dropped.
   */
  readonly rewriteMs: number;
}

export function decideRetention(runs: readonly ExpiringRun[]): RetentionDecision {
  const sorted = runs.filter(({ dueMs }) => dueMs < Infinity).sort((a, b) => a.dueMs - b.dueMs);
  const totalBytes = runs.reduce((sum, { lineBytes }) => sum + lineBytes, 0);
  const dropMs = sorted.length === runs.length ? (sorted.at(-1)?.dueMs ?? Infinity) : Infinity;
  let rewriteMs = (sorted[0]?.dueMs ?? Infinity) + overdueMsMax;
  let dueBytes = 0;
  for (const { dueMs, lineBytes } of sorted) {
    dueBytes += lineBytes;
    if (dueBytes < totalBytes * rewriteShareMin) continue;
    rewriteMs = Math.min(rewriteMs, dueMs);
    break;
  }
  return { dropMs, rewriteMs: rewriteMs < dropMs ? rewriteMs : Infinity };
}

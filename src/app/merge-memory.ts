/**
 * Keeps garbage low while segments are merged. Merging makes buffers outside of V8's heap and hardly
 * anything in it, so that V8 would collect for every 64 MiB of them only, on top of what pushes and
 * queries left behind.
 */
import { MiB, second } from "#base";
import type { Clock, ProcessMemory } from "#world";

const lookEveryMs: number = second;
/** A smaller process need not save. */
const collectFromBytes: number = 256 * MiB;
/** Of buffers, since the last time; marking the heap for less costs more than it brings. */
const grownBytesMin: number = 48 * MiB;

export interface MergeMemoryParts {
  readonly clock: Clock;
  readonly memory: ProcessMemory;
  readonly isMerging: () => boolean;
}

/** Until the signal is aborted; then rejects with its reason. */
export async function collectWhileMerging(
  { clock, memory, isMerging }: MergeMemoryParts,
  signal: AbortSignal,
): Promise<void> {
  let wasMerging = false;
  let leastBytes = 0;
  let hasCollected = false;
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal);
    // What was freed is given back a look later, when the collector is done.
    if (hasCollected) memory.trim();
    hasCollected = false;
    const isNow = isMerging();
    // When it begins and when it is over, everything may be garbage.
    if (isNow !== wasMerging) leastBytes = 0;
    else if (!isNow) continue;
    wasMerging = isNow;
    const bytes = memory.externalBytes();
    leastBytes = Math.min(leastBytes, bytes);
    if (bytes - leastBytes < grownBytesMin || memory.rssBytes() < collectFromBytes) continue;
    memory.collectSoon();
    leastBytes = bytes;
    hasCollected = true;
  }
}

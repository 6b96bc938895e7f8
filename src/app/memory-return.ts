/**
 * Gives memory back. V8 collects when it allocates, so that a process that has become idle would keep
 * the garbage of its last work for good; and malloc keeps what is freed below something in use, a
 * third of a large process.
 */
import { MiB, minute } from "#base";
import type { Logger, Metrics } from "#telemetry";
import type { Clock, ProcessMemory } from "#world";

/** A look costs microseconds. */
const lookEveryMs = 5_000;
/** Idle for so long. */
const quietForMs = 30_000;
/** The first time: what starting and replaying left behind is the most there is, and nobody is used to it yet. */
const quietAfterStartMs = 10_000;
/** Of one core. Timers, scrapes and health checks use less; a client that waits uses more. */
const quietCpuShareMax = 0.02;
/** Since the last time; less is not worth a pause. */
const grownBytesMin: number = 8 * MiB;
/** A process that works returns what is free from this size on, as ingesting needs no more. */
const trimFromBytes: number = 256 * MiB;
/** Since it last did: pages that are returned are cleared anew when they are needed again. */
const trimGrownBytesMin: number = 32 * MiB;
/** And so often, whatever it held then: what a merge has freed since is no growth. */
const trimEveryMs: number = minute;

export interface MemoryReturnParts {
  readonly clock: Clock;
  readonly memory: ProcessMemory;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Until the signal is aborted; then rejects with its reason. */
export async function returnMemory(
  { clock, memory, log, metrics }: MemoryReturnParts,
  signal: AbortSignal,
): Promise<void> {
  const given = metrics.counter(
    "skald_memory_given_back_bytes_total",
    "Bytes given back to the system: free ones of a large process, and garbage when nothing happened.",
  );
  let cpuMs = memory.cpuMs();
  let lookedMs = clock.monotonicMs();
  let quietSinceMs = lookedMs;
  let quietNeededMs = quietAfterStartMs;
  // The least held since the last time: what the system took by itself does not count as growth.
  let keptBytes = 0;
  let trimmedBytes = 0;
  let trimmedMs = lookedMs;
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal);
    const nowMs = clock.monotonicMs();
    const usedMs = memory.cpuMs() - cpuMs;
    if (usedMs > (nowMs - lookedMs) * quietCpuShareMax) quietSinceMs = nowMs;
    const isQuiet = nowMs - quietSinceMs >= quietNeededMs;
    const heldBytes = memory.rssBytes();
    keptBytes = Math.min(keptBytes, heldBytes);
    trimmedBytes = Math.min(trimmedBytes, heldBytes);
    if (isQuiet && heldBytes - keptBytes >= grownBytesMin) {
      memory.giveBack();
      quietNeededMs = quietForMs;
      keptBytes = memory.rssBytes();
      given.inc(Math.max(0, heldBytes - keptBytes));
      log.debug("memory given back", { heldBytes, keptBytes });
    } else if (
      heldBytes >= trimFromBytes &&
      (heldBytes >= trimmedBytes + trimGrownBytesMin || nowMs - trimmedMs >= trimEveryMs)
    ) {
      memory.trim();
      trimmedMs = nowMs;
      trimmedBytes = memory.rssBytes();
      given.inc(Math.max(0, heldBytes - trimmedBytes));
    }
    cpuMs = memory.cpuMs();
    lookedMs = clock.monotonicMs();
  }
}

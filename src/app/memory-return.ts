/**
 * Gives memory back when nothing happens. V8 collects when it allocates, so that a process that has become
 * idle would keep the garbage of its last work for good.
 */
import { MiB } from "#base";
import type { Logger, Metrics } from "#telemetry";
import type { Clock, ProcessMemory } from "#world";

/** A look costs microseconds. */
const lookEveryMs = 10_000;
/** Idle for so long. */
const quietForMs = 30_000;
/** Of one core. Timers, scrapes and health checks use less; a client that waits uses more. */
const quietCpuShareMax = 0.02;
/** Since the last time; less is not worth a pause. */
const grownBytesMin: number = 8 * MiB;

export interface MemoryReturnParts {
  readonly clock: Clock;
  readonly memory: ProcessMemory;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Until the signal is aborted. Ends at once where memory cannot be given back. */
export async function returnMemory(
  { clock, memory, log, metrics }: MemoryReturnParts,
  signal: AbortSignal,
): Promise<void> {
  const given = metrics.counter(
    "skald_memory_given_back_bytes_total",
    "Bytes given back to the system when nothing happened.",
  );
  let cpuMs = memory.cpuMs();
  let lookedMs = clock.monotonicMs();
  let quietSinceMs = lookedMs;
  let keptBytes = 0;
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal);
    const nowMs = clock.monotonicMs();
    const usedMs = memory.cpuMs() - cpuMs;
    if (usedMs > (nowMs - lookedMs) * quietCpuShareMax) quietSinceMs = nowMs;
    const isQuiet = nowMs - quietSinceMs >= quietForMs;
    const beforeBytes = memory.rssBytes();
    if (isQuiet && beforeBytes - keptBytes >= grownBytesMin) {
      if (!memory.giveBack()) return;
      keptBytes = memory.rssBytes();
      given.inc(Math.max(0, beforeBytes - keptBytes));
      log.debug("memory given back", { beforeBytes, keptBytes });
    } else {
      // What the system took by itself does not count as growth later.
      keptBytes = Math.min(keptBytes, beforeBytes);
    }
    cpuMs = memory.cpuMs();
    lookedMs = clock.monotonicMs();
  }
}

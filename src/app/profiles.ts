/** Profiles of this process by V8's profilers (node:inspector), as pprof's protobuf. */
import { Session } from "node:inspector/promises";
import { messageOf } from "#base";
import type { ProfilePort } from "#http";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import { cpuIntervalUs, cpuProfile } from "./cpu-profile.ts";
import {
  type HeapMoment,
  heapProfile,
  type SampledHeap,
  sampledBytes,
  type UnsampledMemory,
} from "./heap-profile.ts";

/** On average one allocation in so many bytes is looked at, as Go does. */
const heapIntervalBytes: number = 512 * 1024;
/** Deep enough to tell who asked; V8 walks that far at each sample. */
const heapStackDepth = 64;

export interface ProfilesOptions {
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  /** What rooms say of themselves that they hold in buffers, outside of V8's heap. */
  readonly buffers: () => readonly UnsampledMemory[];
}

export interface Profiles extends ProfilePort {
  /** Allocations are sampled from now on: what is alive later shows where it came from. */
  start(): Promise<void>;
}

export function openProfiles({ clock, log, buffers }: ProfilesOptions): Profiles {
  const heap = new Session();
  const look = async (collects: boolean): Promise<HeapMoment> => {
    if (collects) await heap.post("HeapProfiler.collectGarbage");
    const { profile } = await heap.post("HeapProfiler.getSamplingProfile");
    const sampled = profile as unknown as SampledHeap;
    return { sampled, unsampled: unsampledMemory(sampled, buffers()) };
  };
  return {
    start: async () => {
      heap.connect();
      await heap.post("HeapProfiler.enable");
      const how = { samplingInterval: heapIntervalBytes, stackDepth: heapStackDepth };
      await heap.post("HeapProfiler.startSampling", how).catch((error: unknown) => {
        // One sampler a process: Node's own --heap-prof is such, and its samples serve as well.
        log.warn("allocations are not sampled by us", { reason: messageOf(error) });
      });
    },
    cpu: (durationMs, signal) => sampleCpu(clock, durationMs, signal),
    heap: async ({ durationMs, collects }, signal) => {
      const timeNs = clock.nowNs();
      const intervalBytes = heapIntervalBytes;
      if (durationMs === 0) {
        return heapProfile(await look(collects), { timeNs, durationMs, intervalBytes });
      }
      const since = await look(collects);
      await clock.sleep(durationMs, signal);
      return heapProfile(await look(collects), { timeNs, durationMs, intervalBytes, since });
    },
  };
}

async function sampleCpu(
  clock: Clock,
  durationMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: cpuIntervalUs });
    const timeNs = clock.nowNs();
    await session.post("Profiler.start");
    await clock.sleep(durationMs, signal);
    const { profile } = await session.post("Profiler.stop");
    return cpuProfile(profile, timeNs);
  } finally {
    // Ends what was started, too.
    session.disconnect();
  }
}

/**
 * Log lines and columns lie in buffers, which V8 does not sample; a profile without them would show
 * a small part of what the process holds. All together the profile is V8's heap and its buffers.
 */
function unsampledMemory(
  sampled: SampledHeap,
  named: readonly UnsampledMemory[],
): readonly UnsampledMemory[] {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  let rest = arrayBuffers;
  const ofRooms = named.map(({ name, bytes }) => {
    const part = Math.min(rest, bytes);
    rest -= part;
    return { name: `(buffers: ${name})`, bytes: part };
  });
  return [
    ...ofRooms,
    { name: "(buffers: others)", bytes: rest },
    { name: "(external memory of V8)", bytes: external - arrayBuffers },
    { name: "(allocated before sampling began)", bytes: heapUsed - sampledBytes(sampled) },
  ];
}

import type { Profiler } from "node:inspector";
import { Sample } from "pprof-format";
import { encoded, PprofTables } from "./pprof-tables.ts";

/** Every ms: V8's default, some per cent of one core. */
export const cpuIntervalUs = 1000;

/** Time by the differences between samples; idle time is left out, as Go's profiles do. */
export function cpuProfile(profile: Profiler.Profile, timeNs: bigint): Uint8Array {
  const tables = new PprofTables();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children } of profile.nodes) {
    for (const child of children ?? []) parents.set(child, id);
  }
  const counts = new Map<number, { count: number; micros: number }>();
  const { samples = [], timeDeltas = [] } = profile;
  for (const [at, id] of samples.entries()) {
    const held = counts.get(id) ?? { count: 0, micros: 0 };
    held.count++;
    held.micros += Math.max(0, timeDeltas[at + 1] ?? cpuIntervalUs);
    counts.set(id, held);
  }
  const sample: Sample[] = [];
  for (const [id, { count, micros }] of counts) {
    const name = nodes.get(id)?.callFrame.functionName;
    if (name === "(idle)" || name === "(root)") continue;
    const locationId: number[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame !== undefined && frame.functionName !== "(root)") {
        locationId.push(tables.locationOf(frame));
      }
    }
    sample.push(new Sample({ locationId, value: [count, Math.round(micros * 1000)] }));
  }
  const sampleType = [tables.valueType("samples", "count"), tables.valueType("cpu", "nanoseconds")];
  const durationNanos = BigInt(Math.round((profile.endTime - profile.startTime) * 1000));
  return encoded(tables, {
    sample,
    sampleType,
    periodType: tables.valueType("cpu", "nanoseconds"),
    period: cpuIntervalUs * 1000,
    timeNanos: timeNs,
    durationNanos,
  });
}

/** Profiles of this process by V8's profilers (node:inspector), as pprof's protobuf. */
import { Session } from "node:inspector/promises";
import type { HeapProfiler, Profiler } from "node:inspector";
import {
  Function as ProfiledFunction,
  Line,
  Location,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from "pprof-format";
import type { ProfilePort } from "#http";
import type { Clock } from "#world";

/** Every ms: V8's default, some per cent of one core. */
const cpuIntervalUs = 1000;
/** On average one allocation in so many bytes is looked at, as Go does. */
const heapIntervalBytes: number = 512 * 1024;

export function openProfiles(clock: Clock): ProfilePort {
  return {
    cpu: (durationMs, signal) => {
      return withSession(async (session) => {
        await session.post("Profiler.enable");
        await session.post("Profiler.setSamplingInterval", { interval: cpuIntervalUs });
        const timeNs = clock.nowNs();
        await session.post("Profiler.start");
        await clock.sleep(durationMs, signal);
        const { profile } = await session.post("Profiler.stop");
        return cpuProfile(profile, timeNs);
      });
    },
    heap: (durationMs, signal) => {
      return withSession(async (session) => {
        await session.post("HeapProfiler.enable");
        const timeNs = clock.nowNs();
        const samplingInterval = heapIntervalBytes;
        await session.post("HeapProfiler.startSampling", { samplingInterval });
        await clock.sleep(durationMs, signal);
        const { profile } = await session.post("HeapProfiler.stopSampling");
        return heapProfile(profile as unknown as SampledHeap, { timeNs, durationMs });
      });
    },
  };
}

async function withSession(
  measure: (session: Session) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const session = new Session();
  session.connect();
  try {
    return await measure(session);
  } finally {
    // Ends what was started, too.
    session.disconnect();
  }
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Functions and places once each, as pprof wants them; ids are from 1. */
class PprofTables {
  readonly strings = new StringTable();
  readonly functions: ProfiledFunction[] = [];
  readonly locations: Location[] = [];
  readonly #functionIds = new Map<string, number>();
  readonly #locationIds = new Map<string, number>();

  locationOf({ functionName, url, lineNumber }: Frame): number {
    const line = Math.max(0, lineNumber + 1);
    const name = functionName === "" ? "(anonymous)" : functionName;
    const key = `${name}\n${url}\n${line}`;
    const known = this.#locationIds.get(key);
    if (known !== undefined) return known;
    const id = this.locations.length + 1;
    const functionId = this.#functionOf(name, url, line);
    this.locations.push(new Location({ id, line: [new Line({ functionId, line })] }));
    this.#locationIds.set(key, id);
    return id;
  }

  valueType(type: string, unit: string): ValueType {
    return new ValueType({ type: this.strings.dedup(type), unit: this.strings.dedup(unit) });
  }

  #functionOf(name: string, url: string, startLine: number): number {
    const key = `${name}\n${url}\n${startLine}`;
    const known = this.#functionIds.get(key);
    if (known !== undefined) return known;
    const id = this.functions.length + 1;
    const text = this.strings.dedup(name);
    const filename = this.strings.dedup(url.replace(/^file:\/\//, ""));
    this.functions.push(
      new ProfiledFunction({ id, name: text, systemName: text, filename, startLine }),
    );
    this.#functionIds.set(key, id);
    return id;
  }
}

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

/** What V8 gives, of which Node's types leave out ids and samples. */
interface SampledNode extends HeapProfiler.SamplingHeapProfileNode {
  readonly id: number;
  readonly children: SampledNode[];
}

interface SampledHeap {
  readonly head: SampledNode;
  readonly samples: readonly { readonly nodeId: number }[];
}

/** What was allocated while measuring and is still in use. */
export function heapProfile(
  profile: SampledHeap,
  { timeNs, durationMs }: { readonly timeNs: bigint; readonly durationMs: number },
): Uint8Array {
  const tables = new PprofTables();
  const sample: Sample[] = [];
  const counts = new Map<number, number>();
  for (const { nodeId } of profile.samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const walk = (node: SampledNode, callers: readonly number[]): void => {
    const isRoot = node.callFrame.functionName === "(root)";
    const stack = isRoot ? callers : [tables.locationOf(node.callFrame), ...callers];
    if (node.selfSize > 0) {
      const count = counts.get(node.id) ?? 1;
      sample.push(new Sample({ locationId: [...stack], value: [count, node.selfSize] }));
    }
    for (const child of node.children) walk(child, stack);
  };
  walk(profile.head, []);
  return encoded(tables, {
    sample,
    sampleType: [
      tables.valueType("inuse_objects", "count"),
      tables.valueType("inuse_space", "bytes"),
    ],
    periodType: tables.valueType("space", "bytes"),
    period: heapIntervalBytes,
    timeNanos: timeNs,
    durationNanos: BigInt(durationMs) * 1_000_000n,
  });
}

function encoded(
  tables: PprofTables,
  rest: Pick<Profile, "sample" | "sampleType" | "period" | "timeNanos" | "durationNanos"> & {
    readonly periodType: ValueType;
  },
): Uint8Array {
  const { locations: location, functions, strings: stringTable } = tables;
  return new Profile({ ...rest, location, function: functions, stringTable }).encode();
}

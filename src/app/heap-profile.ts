import type { HeapProfiler } from "node:inspector";
import { Sample } from "pprof-format";
import { encoded, type Frame, PprofTables } from "./pprof-tables.ts";

/** What V8 gives, of which Node's types leave out ids and samples. */
interface SampledNode extends HeapProfiler.SamplingHeapProfileNode {
  readonly id: number;
  readonly children: SampledNode[];
}

export interface SampledHeap {
  readonly head: SampledNode;
  readonly samples: readonly { readonly nodeId: number }[];
}

/** Memory that no allocation was seen of: told as a function of this name. */
export interface UnsampledMemory {
  readonly name: string;
  readonly bytes: number;
}

/** The heap at one moment: what was sampled and is alive, and what is known besides. */
export interface HeapMoment {
  readonly sampled: SampledHeap;
  readonly unsampled: readonly UnsampledMemory[];
}

export interface HeapProfileOptions {
  readonly timeNs: bigint;
  readonly durationMs: number;
  readonly intervalBytes: number;
  /** Not given: all that is in use; else what has come since, and gone: below zero. */
  readonly since?: HeapMoment;
}

/** Of one stack: the function itself first. */
interface Held {
  readonly frames: readonly Frame[];
  count: number;
  bytes: number;
}

/**
 * Memory in use, by what allocated it. Bytes are V8's estimate from its samples; objects are those
 * that were looked at, as V8 does not say how many each stands for.
 */
export function heapProfile(now: HeapMoment, options: HeapProfileOptions): Uint8Array {
  const held = new Map<string, Held>();
  add(held, now, 1);
  if (options.since !== undefined) add(held, options.since, -1);
  const tables = new PprofTables();
  const sample: Sample[] = [];
  for (const { frames, count, bytes } of held.values()) {
    if (count === 0 && bytes === 0) continue;
    const locationId = frames.map((frame) => tables.locationOf(frame));
    sample.push(new Sample({ locationId, value: [count, bytes] }));
  }
  return encoded(tables, {
    sample,
    sampleType: [
      tables.valueType("inuse_objects", "count"),
      tables.valueType("inuse_space", "bytes"),
    ],
    periodType: tables.valueType("space", "bytes"),
    period: options.intervalBytes,
    timeNanos: options.timeNs,
    durationNanos: BigInt(options.durationMs) * 1_000_000n,
  });
}

/** Bytes that were sampled, all together. */
export function sampledBytes({ head }: SampledHeap): number {
  let bytes = 0;
  const walk = (node: SampledNode): void => {
    bytes += node.selfSize;
    for (const child of node.children) walk(child);
  };
  walk(head);
  return bytes;
}

function add(held: Map<string, Held>, moment: HeapMoment, sign: 1 | -1): void {
  const put = (frames: readonly Frame[], count: number, bytes: number): void => {
    const key = frames.map(({ functionName, url, lineNumber }) => {
      return `${functionName}\n${url}\n${lineNumber}`;
    });
    const place = key.join("\n");
    const one = held.get(place) ?? { frames, count: 0, bytes: 0 };
    one.count += sign * count;
    one.bytes += sign * bytes;
    held.set(place, one);
  };
  const { head, samples } = moment.sampled;
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const walk = (node: SampledNode, callers: readonly Frame[]): void => {
    const isRoot = node.callFrame.functionName === "(root)";
    const frames = isRoot ? callers : [node.callFrame, ...callers];
    if (node.selfSize > 0) put(frames, counts.get(node.id) ?? 1, node.selfSize);
    for (const child of node.children) walk(child, frames);
  };
  walk(head, []);
  for (const { name, bytes } of moment.unsampled) {
    if (bytes > 0) put([{ functionName: name, url: "", lineNumber: -1 }], 1, bytes);
  }
}

/**
 * Which chunks of a tenant and day go into which segment. Depends on the index alone, so that a
 * second run plans the same: ids of segments are made from it, and what was put is found again.
 */
import { createHash } from "node:crypto";
import { day as msPerDay, KiB, MiB, nsPerMs } from "#base";
import { dayStartNs, type Labels, nsPerDay, type TimeRange } from "#model";
import type { ListedChunk } from "./index-files.ts";

/** Line bytes and entries of one segment; what is in memory is a few times that. */
export interface PortionBounds {
  readonly bytesMax: number;
  readonly entriesMax: number;
}

export const defaultPortionBounds: PortionBounds = { bytesMax: 64 * MiB, entriesMax: 1_000_000 };

/** Streams of one segment. */
const streamsMax = 50_000;

export interface PlannedStream {
  readonly labels: Labels;
  /** In order of arrival, as far as bounds tell. */
  readonly chunks: readonly ListedChunk[];
}

/** What becomes one segment. */
export interface Portion {
  /** Rows outside belong to other portions, or other days. */
  readonly range: TimeRange;
  /** In order of `labels.key`, each once. */
  readonly streams: readonly PlannedStream[];
}

export interface DayPlan {
  /** Differs when the index lists other chunks. */
  readonly digest: string;
  readonly chunkCount: number;
  readonly streamCount: number;
  /** Bytes of memory it is worth while it is worked on: at most `bytesMax`. */
  readonly weightBytes: number;
  readonly portions: readonly Portion[];
}

/** `chunks` may name a chunk more than once. */
export function planDay(
  chunks: Iterable<ListedChunk>,
  { day, bounds }: { readonly day: number; readonly bounds: PortionBounds },
): DayPlan {
  const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
  const [fromMs, toMs] = [day * msPerDay, (day + 1) * msPerDay];
  const byKey = new Map<string, ListedChunk>();
  for (const chunk of chunks) {
    if (chunk.meta.minMs < toMs && chunk.meta.maxMs >= fromMs) byKey.set(chunk.key, chunk);
  }
  const streams = [...Map.groupBy(byKey.values(), ({ labels }) => labels.key)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, list]) => ({ labels: list[0]!.labels, chunks: list.sort(byArrival) }));
  const digest = createHash("sha256");
  for (const key of [...byKey.keys()].sort()) digest.update(`${key}\n`);
  const portions = portionsOf(streams, range, bounds);
  const load = loadOf([...byKey.values()]);
  const share = Math.min(1, load.bytes / bounds.bytesMax + load.entries / bounds.entriesMax);
  const weightBytes = share * bounds.bytesMax;
  const counts = { chunkCount: byKey.size, streamCount: streams.length, weightBytes };
  return { digest: digest.digest("hex"), ...counts, portions };
}

function byArrival(a: ListedChunk, b: ListedChunk): number {
  return (
    a.meta.maxMs - b.meta.maxMs || a.meta.minMs - b.meta.minMs || a.meta.checksum - b.meta.checksum
  );
}

interface Load {
  readonly bytes: number;
  readonly entries: number;
}

function loadOf(chunks: readonly ListedChunk[]): Load {
  let [bytes, entries] = [0, 0];
  for (const { meta } of chunks) {
    bytes += meta.kib * KiB;
    entries += meta.entries;
  }
  return { bytes, entries };
}

function isOver({ bytes, entries }: Load, { bytesMax, entriesMax }: PortionBounds): boolean {
  return bytes > bytesMax || entries > entriesMax;
}

/** Thin streams share a portion; one that is too fat for a portion has several, cut by time. */
function portionsOf(
  streams: readonly PlannedStream[],
  range: TimeRange,
  bounds: PortionBounds,
): Portion[] {
  const portions: Portion[] = [];
  let gathered: PlannedStream[] = [];
  let sum: Load = { bytes: 0, entries: 0 };
  const cut = (): void => {
    if (gathered.length > 0) portions.push({ range, streams: gathered });
    gathered = [];
    sum = { bytes: 0, entries: 0 };
  };
  for (const stream of streams) {
    const load = loadOf(stream.chunks);
    if (isOver(load, bounds)) {
      for (const piece of piecesOf(stream, range, bounds)) portions.push(piece);
      continue;
    }
    const next = { bytes: sum.bytes + load.bytes, entries: sum.entries + load.entries };
    if (isOver(next, bounds) || gathered.length === streamsMax) cut();
    gathered.push(stream);
    sum = { bytes: sum.bytes + load.bytes, entries: sum.entries + load.entries };
  }
  cut();
  return portions;
}

/**
 * Windows of time that begin where a chunk begins, each with the chunks that reach into it. The
 * same entry in two chunks has one time and so is in one window, where it is found to be the same.
 */
function piecesOf(stream: PlannedStream, range: TimeRange, bounds: PortionBounds): Portion[] {
  const byTime = [...stream.chunks].sort((a, b) => a.meta.minMs - b.meta.minMs);
  const cuts = [range.fromNs];
  let sum: Load = { bytes: 0, entries: 0 };
  for (const { meta } of byTime) {
    const startNs = BigInt(meta.minMs) * nsPerMs;
    const next = { bytes: sum.bytes + meta.kib * KiB, entries: sum.entries + meta.entries };
    if (isOver(next, bounds) && startNs > cuts.at(-1)!) {
      cuts.push(startNs);
      sum = { bytes: meta.kib * KiB, entries: meta.entries };
    } else {
      sum = next;
    }
  }
  return cuts.flatMap((fromNs, i) => {
    const toNs = cuts[i + 1] ?? range.toNs;
    const chunks = stream.chunks.filter(
      ({ meta }) =>
        BigInt(meta.minMs) * nsPerMs < toNs && BigInt(meta.maxMs + 1) * nsPerMs > fromNs,
    );
    if (chunks.length === 0) return [];
    return [{ range: { fromNs, toNs }, streams: [{ labels: stream.labels, chunks }] }];
  });
}

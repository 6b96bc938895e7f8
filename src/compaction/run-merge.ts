/**
 * Carries out one merge: opens the inputs, writes, puts, reads back. Until the object is put nothing has changed; from then
 * on readers that list it leave its sources alone. Deleting those is somebody else's business (compactor.ts).
 */
import assert from "node:assert";
import { isStoreError, messageOf, MiB } from "#base";
import type { ObjectStore } from "#objectstore";
import type { FieldReader } from "#storage";
import {
  bodyOf,
  type BuiltSegment,
  type ExtraSection,
  type ListedSegment,
  parseSegmentKey,
  SegmentSource,
  SegmentWriter,
  windowBytesOf,
} from "#segment";
import { type FirstSequenceOf, unionOfRanges } from "./journal-ranges.ts";
import { mergedId } from "./merged-id.ts";
import type { Pace } from "./pace.ts";
import type { CompactionPolicy } from "./policy.ts";
import type { Spool, SpoolFolder } from "./spool.ts";
import {
  MergeLimitError,
  mergeStreams,
  SourceError,
  type RowEraser,
  type StreamMergeCounts,
} from "./stream-merge.ts";
import { UnfinishedPut } from "./unfinished-puts.ts";

/** Sections and tables of all inputs together: what is written must stay below the writer's bound of 256 MiB each. */
const footerBytesMax: number = 128 * MiB;

/** Stored bytes of all inputs that are fetched ahead, at most, unless there are more inputs than a merge takes. */
const windowsBytesMax: number = 16 * MiB;

/** One section of other rooms out of those of all inputs, in order of their making; undefined: none. */
export type MergeSection = (kind: number, sections: readonly Buffer[]) => Buffer | undefined;

export interface MergeTools {
  readonly objects: ObjectStore;
  readonly policy: CompactionPolicy;
  readonly pace: Pace;
  readonly firstSequenceOf: FirstSequenceOf;
  readonly mergeSection: MergeSection;
  readonly fields: FieldReader | undefined;
  /** Where lines of what is written wait for the put; without it in memory. */
  readonly spools: SpoolFolder | undefined;
}

export interface MergeTask {
  /** Of one tenant and day, in order of their making. */
  readonly inputs: readonly ListedSegment[];
  /** Ids of all segments of the day that still exist. */
  readonly existing: ReadonlySet<string>;
}

export interface MergedSegment extends StreamMergeCounts {
  readonly key: string;
  readonly inputs: readonly ListedSegment[];
  readonly replaces: readonly string[];
  readonly storedBytes: number;
  readonly lineBytes: number;
  readonly entryCount: number;
}

/** An input that cannot take part, now or later. It stays as it is and is read as before. */
export interface LeftOut {
  readonly segment: ListedSegment;
  readonly reason: string;
}

/**
 * Resolves when the merged segment is in the store, read back and sound; or with an input that must be left out. Rejects
 * with what the object store says; `missing` when somebody else has deleted an input.
 */
export async function runMerge(
  task: MergeTask,
  tools: MergeTools,
  signal: AbortSignal,
): Promise<MergedSegment | LeftOut> {
  return leavingOut(async () => {
    const sources: SegmentSource[] = [];
    const windowBytes = windowBytesOf(task.inputs.length, windowsBytesMax);
    for (const segment of task.inputs) {
      sources.push(await openSource(segment, tools.objects, windowBytes));
    }
    const fitting = fittingSources(sources, tools.policy);
    if (fitting.length < 2) {
      const largest = sources.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
      return { segment: largest.segment, reason: "it is as large as a merged segment may be" };
    }
    await using spool = tools.spools?.open();
    const merged = await buildMerged({ ...task, sources: fitting, spool }, tools, signal);
    await putVerified(merged, tools, signal);
    return merged.segment;
  });
}

/** Runs a task; what makes an input unfit for it becomes its outcome. */
export async function leavingOut<T>(task: () => Promise<T>): Promise<T | LeftOut> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof MergeLimitError) {
      return { segment: error.source.segment, reason: error.message };
    }
    const cause = error instanceof SourceError ? error.cause : error;
    if (error instanceof BrokenInput) return error.leftOut;
    if (error instanceof SourceError && isStoreError(cause, "corrupt")) {
      return { segment: error.source.segment, reason: messageOf(cause) };
    }
    throw cause;
  }
}

class BrokenInput extends Error {
  readonly leftOut: LeftOut;

  constructor(leftOut: LeftOut) {
    super(leftOut.reason);
    this.leftOut = leftOut;
  }
}

export async function openSource(
  segment: ListedSegment,
  objects: ObjectStore,
  windowBytes?: number,
): Promise<SegmentSource> {
  try {
    return await SegmentSource.open(
      objects,
      segment,
      windowBytes === undefined ? {} : { windowBytes },
    );
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    throw new BrokenInput({ segment, reason: messageOf(error) });
  }
}

function sizeOf(source: SegmentSource): number {
  return source.footer.info.lineBytes + source.streamCount;
}

/** The longest beginning of the inputs that stays within the bounds which keys do not tell. */
function fittingSources(
  sources: readonly SegmentSource[],
  policy: CompactionPolicy,
): readonly SegmentSource[] {
  let [lineBytes, streams, footerBytes] = [0, 0, 0];
  for (const [index, { footer, streamCount }] of sources.entries()) {
    lineBytes += footer.info.lineBytes;
    streams += streamCount;
    for (const section of footer.sections) footerBytes += section.rawBytes;
    const isTooMuch =
      lineBytes > policy.lineBytesMax ||
      streams > policy.streamsMax ||
      footerBytes > footerBytesMax;
    if (isTooMuch) return sources.slice(0, index);
  }
  return sources;
}

interface OpenTask {
  readonly sources: readonly SegmentSource[];
  readonly existing: ReadonlySet<string>;
  /** With `erasure`, a name that differs for whatever else it erases. */
  readonly eraser?: RowEraser;
  readonly erasure?: string;
  /** Of the caller, who closes it when the segment was put. */
  readonly spool: Spool | undefined;
  /** Asked when all rows were read. */
  readonly lastSections?: (counts: StreamMergeCounts) => Promise<readonly ExtraSection[]>;
}

/** One segment out of the sources, not put yet. */
export async function buildMerged(
  { sources, existing, eraser, erasure, spool, lastSections }: OpenTask,
  tools: MergeTools,
  signal: AbortSignal,
): Promise<{ readonly built: BuiltSegment; readonly segment: MergedSegment }> {
  const { policy, pace } = tools;
  const { tenant, day } = sources[0]!.segment;
  const inputs = sources.map((source) => source.segment);
  const ids = inputs.map((input) => input.id);
  const inherited = sources.flatMap(({ footer }) => footer.info.replaces);
  const replaces = [...new Set([...ids, ...inherited.filter((id) => existing.has(id))])].sort();
  const ranges = sources.flatMap(({ footer }) => footer.info.journal);
  const journal = unionOfRanges(ranges, tools.firstSequenceOf);
  const sections = await mergeSections(sources, tools.mergeSection, signal);
  const writer = new SegmentWriter(
    { tenant, day, journal, replaces, sections },
    {
      id: mergedId(ids, replaces, erasure === undefined ? [] : [erasure]),
      level: policy.level,
      blockTargetBytes: policy.blockTargetBytes,
      // At level 9 each takes 12 MiB; the budget of bytes per second leaves the time.
      blocksInFlightMax: 0,
      fields: tools.fields,
      spool,
    },
  );
  const counts = await mergeStreams({ day, sources, writer, eraser, pace, signal });
  for (const source of sources) source.close();
  // The writer places sections when it finishes.
  if (lastSections !== undefined) sections.push(...(await lastSections(counts)));
  const built = await writer.finish();
  const { entryCount, lineBytes } = built.facts;
  const inputEntries = sources.reduce((sum, { footer }) => sum + footer.info.entryCount, 0);
  const outcome = `${inputEntries} entries in, ${counts.readEntries} read, ${entryCount} out`;
  assert.equal(counts.readEntries, inputEntries, outcome);
  const lostEntries = counts.droppedEntries + counts.erasedEntries;
  assert.equal(entryCount, inputEntries - lostEntries, outcome);
  const { key, sizeBytes: storedBytes } = built;
  const segment = { ...counts, key, inputs, replaces, storedBytes, lineBytes, entryCount };
  return { built, segment };
}

async function mergeSections(
  sources: readonly SegmentSource[],
  mergeSection: MergeSection,
  signal: AbortSignal,
): Promise<ExtraSection[]> {
  const byKind = new Map<number, Buffer[]>();
  for (const source of sources) {
    for (const { kind, offset } of source.footer.sections) {
      if (offset >= source.segment.bodyBytes) continue;
      const section = await readSection(source, kind, signal);
      if (section === undefined) continue;
      const sameKind = byKind.get(kind);
      if (sameKind === undefined) byKind.set(kind, [section]);
      else sameKind.push(section);
    }
  }
  const merged: ExtraSection[] = [];
  for (const [kind, sections] of byKind) {
    const bytes = mergeSection(kind, sections);
    if (bytes !== undefined) merged.push({ kind, bytes });
  }
  return merged;
}

async function readSection(
  source: SegmentSource,
  kind: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  try {
    return await source.section(kind, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new SourceError(source, error);
  }
}

/**
 * Rejects with UnfinishedPut: whatever is there then must go before anything else changes, for its sources
 * are all there.
 */
export async function putVerified(
  { built, segment }: { readonly built: BuiltSegment; readonly segment: MergedSegment },
  { objects, pace }: Pick<MergeTools, "objects" | "pace">,
  signal: AbortSignal,
): Promise<void> {
  const { key } = built;
  const { replaces } = segment;
  try {
    await objects.put(key, bodyOf(built), { signal });
    await verifySegment({ ...parseSegmentKey(key), key }, objects, { pace, signal });
  } catch (error) {
    throw new UnfinishedPut({ key, replaces, cause: error });
  }
}

/** Reads all of it. StoreError `corrupt` when anything is wrong. */
export async function verifySegment(
  segment: ListedSegment,
  objects: ObjectStore,
  options: { readonly pace: Pace; readonly signal: AbortSignal },
): Promise<void> {
  const { pace, signal } = options;
  const source = await SegmentSource.open(objects, segment);
  await source.verify(signal, async (lineBytes) => {
    if (pace.spend(lineBytes)) await pace.rest(signal);
  });
}

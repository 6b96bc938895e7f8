import { MiB } from "#base";
import type { Config, LimitsByTenant } from "#config";
import { IntervalVersions } from "#frontend";
import {
  BatchMemory,
  type CutPolicy,
  Distributor,
  Head,
  HeadBlocks,
  HeadStore,
  Ingester,
  lokiCutSizes,
  type IngestExamples,
  type ReplaySummary,
  warmUpIngest,
} from "#ingest";
import { type Journal, openLocalJournal } from "#journal";
import { PatternStore } from "#patterns";
import { dayOfNs } from "#model";
import { CombinedStore, type LogStore } from "#storage";
import type { Logger, Metrics } from "#telemetry";
import type { Clock } from "#world";
import { ingesterEvents, journalObserver, pushObserver } from "./ingest-metrics.ts";
import { openPartWriter, sectionsOf } from "./part-writers.ts";
import type { Stores } from "./stores.ts";
import type { World } from "./world.ts";

/**
 * One segment's worth of lines: some 3 MiB once compressed; merging makes larger ones of them. Smaller parts keep
 * memory low while one is cut and the next one fills.
 */
const partBytesMax: number = 12 * MiB;
/** What the parts of all tenants together hold before the largest is cut, however small it is. */
const headBytesTarget: number = 16 * MiB;
/** Beside what cuts have copied already: from here on pushes are as fast as copying. */
const headBytesPause: number = 22 * MiB;
/** When the object store takes nothing: patience of this size, then 503. */
export const headBytesMax: number = 256 * MiB;
/** As much as batches take while pushes come as fast as they can: see `headBytesPause`. */
const batchReserveBytes: number = 99 * MiB;
/** Replay reads some 500 MiB/s of it. */
const journalBytesTarget: number = 512 * MiB;

/** Read in some milliseconds. */
const journalBytesKept: number = MiB;

/** Names of chunks and tables in Loki's format are made of times without a sign. */
const firstLokiSeconds: number = 0;

/** The way in and what it writes to. */
export interface IngestSide {
  readonly distributor: Distributor;
  readonly ingester: Ingester;
  readonly head: Head;
  readonly headBlocks: HeadBlocks;
  readonly journal: Journal;
  readonly stores: Stores;
  readonly patterns: PatternStore;
  /** What remembered results are of. */
  readonly versions: IntervalVersions;
  /** Head and what is stored, as queries see them. */
  readonly store: LogStore;
}

export interface IngestParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly stores: Stores;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What pushes are decoded into; made here when omitted. */
  readonly memory?: BatchMemory;
}

/** Opens the journal (and takes its lock); the head is empty until `ingester.replay()`. */
export async function openIngest(parts: IngestParts): Promise<IngestSide> {
  const { config, limits, stores, world, log, metrics } = parts;
  const { clock, random } = world;
  const journal = await openLocalJournal({
    ...world,
    folder: config.journal.folder,
    fileBytesMax: config.journal.fileBytesMax,
    onCommit: journalObserver(metrics),
  });
  const patterns = new PatternStore();
  const versions: IntervalVersions = new IntervalVersions({
    random,
    stored: (tenant, range) => stores.stored(tenant, range),
    headDays: (tenant) => head.parts(tenant).map((part) => part.day),
  });
  const head: Head = new Head({
    clock,
    keepsMetadata: (day) => stores.lokiPeriods.keepsMetadata(day),
    observe: (tenant, batch, isCovered) => {
      versions.observe(tenant, batch);
      if (limits.for(tenant).patternIngesterEnabled) patterns.observe(tenant, batch, isCovered);
    },
  });
  const headBlocks = new HeadBlocks({ hashSeed: random.bytes(4).readUInt32LE() });
  const writer = await openPartWriter({ config, stores, journal, patterns, world, log });
  const policy: CutPolicy = {
    idleMs: config.ingester.idleMs,
    ageMaxMs: config.ingester.ageMaxMs,
    partBytesMax,
    headBytesTarget,
    headBytesPause,
    headBytesMax,
    journalBytesTarget,
    journalBytesKept,
    ...(isLokiPeriod(stores, clock) ? lokiCutSizes : {}),
  };
  const events = ingesterEvents(metrics);
  const { memory = new BatchMemory({ reserveBytes: batchReserveBytes }) } = parts;
  const ingester = new Ingester({ journal, head, writer, policy, clock, log, events, memory });
  const distributor = new Distributor({
    limits,
    memory,
    clock,
    active: head,
    observer: pushObserver(metrics),
    ...(stores.periods[0]?.loki === undefined ? {} : { oldestSeconds: firstLokiSeconds }),
    body: {
      compressedBytesMax: config.server.pushCompressedBytesMax,
      rawBytesMax: config.server.pushRawBytesMax,
    },
  });
  const store = new CombinedStore([new HeadStore({ head, blocks: headBlocks }), stores.store]);
  observeHead(metrics, { head, journal });
  return { distributor, ingester, head, headBlocks, journal, stores, store, patterns, versions };
}

/** Before the first push: see `warmUpIngest`. */
export function warmUp({
  clock,
  random,
}: Pick<World, "clock" | "random">): Promise<IngestExamples> {
  const patterns = new PatternStore();
  return warmUpIngest({
    clock,
    random,
    observe: (tenant, batch) => patterns.observe(tenant, batch),
    sectionOf: sectionsOf(patterns),
  });
}

/** Reads the journal into the head; then pushes may come. */
export async function makeReady(side: IngestSide, log: Logger): Promise<void> {
  const replayed = await side.ingester.replay();
  if (replayed.records > 0) log.info("journal replayed", { ...replayed });
  // Nobody waits for it. Should there be no room, a push is told so.
  beginFile(side, replayed).catch(() => undefined);
}

/**
 * Makes the file of the first record, so that no push has to, and lets go of those of earlier lives
 * that nothing is needed of: else each start would leave one more. Not where records could not be
 * read: somebody may want to look at them.
 */
async function beginFile({ head, journal }: IngestSide, replayed: ReplaySummary): Promise<void> {
  const isStored = head.parts().length === 0;
  const neededFrom = isStored ? journal.lastSequence + 1 : head.neededFromSequence();
  await journal.endFile();
  if (replayed.skippedRecords === 0 && journal.damage.length === 0) {
    await journal.truncate(neededFrom);
  }
}

/** Whether what comes in now becomes chunks. */
function isLokiPeriod(stores: Stores, clock: Clock): boolean {
  return stores.periodOf(dayOfNs(clock.nowNs())).loki !== undefined;
}

function observeHead(metrics: Metrics, side: Pick<IngestSide, "head" | "journal">): void {
  const { head, journal } = side;
  metrics.observe("loki_ingester_memory_streams", "Streams with entries in the head.", () =>
    head.streamCount(),
  );
  metrics.observe("skald_head_bytes", "Memory the head holds, estimated.", () => head.heapBytes);
  metrics.observe("skald_journal_bytes", "Bytes of journal files.", () => journal.sizeBytes);
  metrics.observe("skald_journal_damage_count", "Damaged places found in the journal.", () => {
    return journal.damage.length;
  });
}

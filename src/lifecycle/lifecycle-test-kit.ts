/**
 * One process with journal, head, segments, merging, deletes and retention, as tests drive it. For
 * tests only.
 */
import assert from "node:assert/strict";
import { hour, minute, nsPerMs } from "#base";
import { type CompactionPolicy, Compactor } from "#compaction";
import { defaultLimits, type Limits } from "#config";
import { Distributor, Head, HeadBlocks, HeadStore, Ingester, SegmentPartWriter } from "#ingest";
import { type Journal, openLocalJournal } from "#journal";
import type { Matcher, TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import { type ListedSegment, SegmentStore } from "#segment";
import { CombinedStore, type LogStore, newReadCounters, type ReadOptions } from "#storage";
import { createLogger } from "#telemetry";
import type { Clock, Files, Random } from "#world";
import { DeleteApi } from "./delete-api.ts";
import { DeleteBook } from "./delete-book.ts";
import { DeleteRunner } from "./delete-runner.ts";
import { dropEmptySegments } from "./empty-segments.ts";
import { erasedSectionKind, mergeErasedSections } from "./erased-section.ts";
import { journalBytesOf } from "./journal-bytes.ts";
import { MaskedStore } from "./masked-store.ts";
import { NativeEraser } from "./native-eraser.ts";
import { PolicyRecord } from "./policy-record.ts";
import { Retention } from "./retention.ts";
import { RetentionRunner } from "./retention-runner.ts";
import { Visibility } from "./visibility.ts";

export interface TestEntry {
  readonly tenant: string;
  readonly app: string;
  readonly ns: bigint;
  readonly line: string;
}

/** Of an entry as checkers compare it. */
export function textOf({ tenant, app, ns, line }: TestEntry): string {
  return `${tenant} ${app} ${ns} ${line}`;
}

export const everything: TimeRange = { fromNs: -(2n ** 62n), toNs: 2n ** 62n };
export const never: AbortSignal = new AbortController().signal;

export interface LifeOptions {
  readonly files: Files;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limitsOf?: (tenant: string) => Partial<Limits>;
  readonly isRetentionEnabled?: boolean;
  readonly cancelPeriodMs?: number;
  readonly deleteDelayMs?: number;
  readonly totalBytesMax?: number;
  readonly policy?: Partial<CompactionPolicy>;
  readonly onDrop?: (segment: ListedSegment, reason: string) => void;
}

const headPolicy = {
  idleMs: hour,
  ageMaxMs: 2 * hour,
  partBytesMax: 1e6,
  headBytesTarget: 1e6,
  headBytesPause: 1e8,
  headBytesMax: 1e8,
  journalBytesTarget: 1e8,
  journalBytesKept: 3_000,
};

/** Until then replaced objects stay for queries under way. */
export const replacedDelayMs: number = 10 * minute;

export class TestLife {
  readonly #options: LifeOptions;
  readonly journal: Journal;
  readonly head: Head;
  readonly ingester: Ingester;
  readonly segments: SegmentStore;
  readonly compactor: Compactor;
  readonly book: DeleteBook;
  readonly api: DeleteApi;
  readonly deletes: DeleteRunner;
  readonly retention: RetentionRunner;
  /** Head and segments, nothing hidden. */
  readonly stored: LogStore;
  /** As queries see it. */
  readonly visible: MaskedStore;
  readonly failures: unknown[] = [];
  readonly #distributor: Distributor;
  readonly #notEmpty = new Set<string>();

  private constructor(options: LifeOptions, journal: Journal) {
    const { objects, clock, random } = options;
    this.#options = options;
    this.journal = journal;
    this.head = new Head({ clock });
    this.segments = new SegmentStore({ objects });
    this.ingester = this.#newIngester();
    this.#distributor = this.#newDistributor();
    const blocks = new HeadBlocks({ hashSeed: 1 });
    this.stored = new CombinedStore([new HeadStore({ head: this.head, blocks }), this.segments]);
    const unreadable = (key: string, reason: string): void => void this.failures.push(key, reason);
    this.book = new DeleteBook({ objects, clock, random, unreadable });
    this.compactor = this.#newCompactor();
    const limits = { for: (tenant: string) => this.#limits(tenant) };
    const isEnabled = options.isRetentionEnabled ?? false;
    const retention = new Retention({ limits, clock, log, isEnabled });
    const { book } = this;
    const visibility = new Visibility({ book, retention, limits, clock });
    this.visible = new MaskedStore(this.stored, (tenant, range) => visibility.masks(tenant, range));
    const cancelPeriodMs = options.cancelPeriodMs ?? 24 * hour;
    this.api = new DeleteApi({ book, limits, clock, cancelPeriodMs, maxIntervalMs: 24 * hour });
    const native = { objects, segments: this.segments, compactor: this.compactor };
    this.deletes = new DeleteRunner({
      book,
      erasers: [new NativeEraser(native)],
      limits,
      clock,
      log,
      cancelPeriodMs,
      flush: (tenant, signal) => this.ingester.flush(signal, tenant),
      journal: journalBytesOf(this),
    });
    this.retention = new RetentionRunner({
      stores: [native],
      retention,
      limits,
      record: new PolicyRecord({ objects, clock }),
      clock,
      log,
      isEnabled,
      deleteDelayMs: options.deleteDelayMs ?? 2 * hour,
      totalBytesMax: options.totalBytesMax ?? 0,
      events: {
        dropped: (segment, reason) => options.onDrop?.(segment, reason),
        rewritten: () => undefined,
      },
    });
  }

  static async open(options: LifeOptions): Promise<TestLife> {
    const { files, clock, random } = options;
    const journal = await openLocalJournal({
      files,
      clock,
      random,
      folder: "/data/wal",
      fileBytesMax: 20_000,
    });
    try {
      const life = new TestLife(options, journal);
      await life.ingester.replay();
      return life;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  #limits(tenant: string): Limits {
    const generous = {
      discoverLogLevels: false,
      discoverServiceName: [],
      ingestionRateBytesPerSecond: 1e12,
      ingestionBurstBytes: 1e12,
      perStreamRateBytesPerSecond: 1e12,
      perStreamBurstBytes: 1e12,
    };
    return { ...defaultLimits, ...generous, ...this.#options.limitsOf?.(tenant) };
  }

  #newIngester(): Ingester {
    const { objects, clock, random } = this.#options;
    const { journal, head, segments } = this;
    const writer = new SegmentPartWriter({
      objects,
      segments,
      clock,
      random,
      journalId: journal.id,
    });
    const events = {
      segmentWritten: () => undefined,
      segmentFailed: (error: unknown) => void this.failures.push(error),
    };
    return new Ingester({ journal, head, writer, policy: headPolicy, clock, log, events });
  }

  #newDistributor(): Distributor {
    const cache = new Map<string, Limits>();
    const limits = {
      for: (tenant: string): Limits => {
        const known = cache.get(tenant) ?? this.#limits(tenant);
        cache.set(tenant, known);
        return known;
      },
    };
    return new Distributor({
      limits,
      clock: this.#options.clock,
      active: this.head,
      observer: { received: () => undefined, discarded: () => undefined },
      body: { compressedBytesMax: 1e6, rawBytesMax: 1e7 },
    });
  }

  #newCompactor(): Compactor {
    const { objects, clock, policy } = this.#options;
    const { segments, journal } = this;
    return new Compactor({
      objects,
      segments,
      clock,
      checkIntervalMs: minute,
      policy: { bytesPerSecond: Infinity, deleteDelayMs: replacedDelayMs, level: 1, ...policy },
      firstSequenceOf: (id) => (id === journal.id ? journal.firstSequence : undefined),
      mergeSection: (kind, sections) =>
        kind === erasedSectionKind ? mergeErasedSections(sections) : undefined,
      isLeaving: (segment) => this.retention.isLeaving(segment),
      events: {
        merged: () => undefined,
        deleted: () => undefined,
        leftOut: ({ reason }) => void this.failures.push(reason),
        failed: (error) => void this.failures.push(error),
      },
    });
  }

  async push(entries: readonly TestEntry[]): Promise<void> {
    for (const [tenant, own] of Map.groupBy(entries, (entry) => entry.tenant)) {
      const streams = own.map(({ app, ns, line }) => ({
        stream: { app },
        values: [[ns.toString(), line]],
      }));
      const { accepted, reply } = this.#distributor.push({
        tenant,
        kind: "loki",
        contentType: "application/json",
        contentEncoding: undefined,
        body: Buffer.from(JSON.stringify({ streams })),
      });
      assert.equal(reply.status, 204, reply.text);
      await this.ingester.push(tenant, accepted!.batch, accepted!.record);
    }
  }

  delete(
    tenant: string,
    query: string,
    times: { readonly startMs: number; readonly endMs: number },
  ): ReturnType<DeleteApi["create"]> {
    const textOfMs = (ms: number): string => new Date(ms).toISOString();
    const start = textOfMs(times.startMs);
    const end = textOfMs(times.endMs);
    return this.api.create(tenant, { query, start, end, maxInterval: "" });
  }

  /** What the background does from time to time. */
  async round(): Promise<void> {
    const { compactor, deletes, retention, book, segments, journal } = this;
    const { objects, clock } = this.#options;
    await compactor.runOnce(never);
    await deletes.runOnce(never);
    for (const tenant of await book.tenants()) {
      const store = { objects, segments, compactor };
      await dropEmptySegments(store, tenant, { journal, clock, notEmpty: this.#notEmpty });
    }
    await retention.runOnce(never);
  }
}

const log = createLogger({ level: "error", format: "json", write: () => undefined });

export function readOptions(): ReadOptions & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return {
    signal: never,
    counters: newReadCounters(),
    warn: (message) => void warnings.push(message),
    warnings,
  };
}

/** Every entry a query would find, each once, sorted. */
export async function entriesOf(
  store: LogStore,
  tenant: string,
  range: { readonly fromNs: bigint; readonly toNs: bigint } = everything,
  matchers: readonly Matcher[] = [],
): Promise<string[]> {
  const options = readOptions();
  const plan = await store.plan({ tenant, matchers, range }, { lineTerms: [] }, options);
  const found = new Set<string>();
  const needs = { lines: true, lengths: true, metadata: "all" } as const;
  for await (const block of store.read(plan.blocks, needs, options)) {
    const { streams } = block.ref.facts;
    for (let row = 0; row < block.rowCount; row++) {
      const ns = block.baseNs + BigInt(block.offsets[row]!);
      if (ns < range.fromNs || ns >= range.toNs) continue;
      const app = streams[block.streamOfRow?.[row] ?? 0]!.labels.get("app")!;
      found.add(textOf({ tenant, app, ns, line: block.lines!.text(row) }));
    }
  }
  assert.deepEqual([...options.warnings, ...plan.warnings], []);
  return [...found].sort();
}

/** Every object below `v1/` read on its own, replaced or not: what is really stored. */
export async function entriesInObjects(objects: ObjectStore): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for await (const { key } of objects.list("v1/")) {
    const alone = new SegmentStore({ objects: only(objects, key) });
    const [tenant] = await alone.tenants();
    found.set(key, await entriesOf(alone, tenant!));
  }
  return found;
}

function only(objects: ObjectStore, key: string): ObjectStore {
  return {
    name: objects.name,
    get: (one, options) => objects.get(one, options),
    put: (one, body, options) => objects.put(one, body, options),
    delete: (one, options) => objects.delete(one, options),
    head: (one, options) => objects.head(one, options),
    async *list(prefix, options) {
      for await (const info of objects.list(prefix, options)) if (info.key === key) yield info;
    },
    listFolders: async () => [key.split("/")[1]!],
  };
}

export function nsOf(ms: number): bigint {
  return BigInt(ms) * nsPerMs;
}

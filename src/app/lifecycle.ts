import { createHash } from "node:crypto";
import { messageOf, second } from "#base";
import type { Compactor } from "#compaction";
import type { Config, LimitsByTenant } from "#config";
import type { DataVersions } from "#frontend";
import { deleteRoutes, lifecycleRoutes, type RouteFamily } from "#http";
import {
  DeleteApi,
  DeleteBook,
  DeleteRunner,
  dropEmptySegments,
  type Eraser,
  journalBytesOf,
  LokiEraser,
  LokiRequests,
  LokiRetention,
  LokiSizes,
  MaskedStore,
  NativeEraser,
  type NativeStore,
  type OtherMasks,
  PolicyRecord,
  Retention,
  RetentionRunner,
  Visibility,
  type VisibilityPart,
} from "#lifecycle";
import type { LokiCompactor } from "#lokistore";
import type { TimeRange } from "#model";
import type { LogStore } from "#storage";
import type { BackgroundBoard, Logger, Metrics } from "#telemetry";
import { type BackgroundTasks, type Clock, systemProcessMemory } from "#world";
import { createCompactors } from "./compaction.ts";
import type { IngestSide } from "./ingest.ts";
import { createChunkSweeper, createLokiCompactor } from "./loki-compaction.ts";
import { collectWhileMerging } from "./merge-memory.ts";
import type { Stores } from "./stores.ts";
import type { World } from "./world.ts";

/** Looking costs nothing while no request is due. */
const deletesIntervalMs: number = 15 * second;

export interface LifecycleParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly stores: Stores;
  readonly ingest: IngestSide;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly board: BackgroundBoard;
  /** Whether pushes wait: then merging uses less of the thread. */
  readonly isPressed?: (() => boolean) | undefined;
}

/** What becomes of data after it is stored. */
export interface LifecycleSide {
  readonly visibility: Visibility;
  /** What the routes of deletes ask. */
  readonly deletes: DeleteApi;
  /** What queries may see of the ingest side's store. */
  readonly store: LogStore;
  /** Of what queries see. */
  readonly versions: DataVersions;
  readonly changeNumber: (tenant: string) => number;
  readonly routes: readonly RouteFamily[];
  /** Merging, deletes and retention, until the tasks are stopped. */
  start(background: BackgroundTasks): void;
}

export function openLifecycle(parts: LifecycleParts): LifecycleSide {
  const { config, limits, stores, ingest, world, log, board } = parts;
  const { clock, random } = world;
  const book = new DeleteBook({
    objects: stores.requests,
    clock,
    random,
    unreadable: (key, reason) => log.error("delete request cannot be read", { key, reason }),
  });
  const isEnabled = config.compactor.retentionEnabled;
  const retention = new Retention({ limits, clock, log, isEnabled });
  const others = lokiRequests(parts);
  const visibility = new Visibility({ book, retention, limits, clock, others });
  const deletes = new DeleteApi({
    book,
    limits,
    clock,
    cancelPeriodMs: config.compactor.deleteRequestCancelPeriodMs,
    maxIntervalMs: config.compactor.deleteMaxIntervalMs,
  });
  const native = nativeStores(parts, (segment) => expiry.isLeaving(segment));
  const record = new PolicyRecord({ objects: stores.requests, clock });
  const ofLoki = createLokiCompactor(parts);
  const sweeping = createChunkSweeper(parts);
  const aged = lokiRetention(parts, { compactor: ofLoki, retention, record });
  const sizes = ofLoki && new LokiSizes({ compactor: ofLoki, retention, log });
  const kept = { retention, native, record, ofLoki: sizes, agedOfLoki: aged };
  const expiry: RetentionRunner = createRetention(parts, kept);
  const erasers: Eraser[] = native.map((store) => new NativeEraser(store));
  if (ofLoki !== undefined) {
    board.task("index merging", "makes one index file of many, in Loki's format", () => {
      const { state, lastSuccessMs, current: _table, ...detail } = ofLoki.status();
      return { state: state === "idle" ? "idle" : "running", lastSuccessMs, detail };
    });
    erasers.push(new LokiEraser({ compactor: ofLoki, stores: stores.loki, clock }));
  }
  // What is too old goes first: then it need not go by its size.
  const expiring = aged === undefined ? [expiry] : [aged, expiry];
  const erasing = createErasing(parts, { book, native, erasers });
  return {
    visibility,
    deletes,
    store: new MaskedStore(ingest.store, (tenant, range) => visibility.masks(tenant, range)),
    versions: visibleVersions(ingest.versions, visibility),
    changeNumber: (tenant) =>
      ingest.versions.changeNumber(tenant) + visibility.changeNumber(tenant),
    routes: [
      deleteRoutes(deletes),
      lifecycleRoutes({
        background: () => board.list(),
        retentionPlan: (untilMs) => expiry.plan(untilMs),
      }),
    ],
    start: (background) => {
      // The first query need not wait for it; who comes before it has failed tries again.
      background.spawn("read delete requests", () => book.load());
      startMerging(native, clock, background);
      if (ofLoki !== undefined) {
        background.spawn("merge index files", (signal) => ofLoki.run(signal));
      }
      if (sweeping !== undefined) background.spawn("delete unlisted chunks", sweeping);
      background.spawn("carry out deletes", (signal) => erasing(signal));
      if (isEnabled) {
        background.spawn("apply retention", (signal) => applying(parts, expiring, signal));
      }
    },
  };
}

function startMerging(
  native: readonly NativeStore[],
  clock: Clock,
  background: BackgroundTasks,
): void {
  for (const { compactor } of native) {
    background.spawn("merge segments", (signal) => compactor.run(signal));
  }
  const isMerging = (): boolean =>
    native.some(({ compactor }) => compactor.status().state === "merging");
  const memory = { clock, memory: systemProcessMemory, isMerging };
  background.spawn("collect while merging", (signal) => collectWhileMerging(memory, signal));
}

function nativeStores(
  parts: LifecycleParts,
  isLeaving: (segment: Parameters<RetentionRunner["isLeaving"]>[0]) => boolean,
): NativeStore[] {
  const { stores, ingest } = parts;
  const { journal } = ingest;
  const compactors = createCompactors({ ...parts, journal, isLeaving });
  return stores.native.map((store, at) => ({ ...store, compactor: compactors[at] as Compactor }));
}

/** Deletes that a Loki has taken and not carried out, in each bucket it writes to. */
function lokiRequests({ stores, world, log }: LifecycleParts): OtherMasks[] {
  if (stores.loki.length === 0) return [];
  const { clock } = world;
  const byPlace = new Map(
    stores.lokiPeriods.all.map(({ objects, pathPrefix }) => [
      `${objects.name} ${pathPrefix}`,
      { objects, pathPrefix },
    ]),
  );
  const failed = (reason: string): void =>
    log.error("delete requests of Loki cannot be read again", { reason });
  const requests = new LokiRequests({ places: [...byPlace.values()], clock, failed });
  return [(tenant, range) => requests.masks(tenant, range)];
}

function lokiRetention(
  { config, world, log }: LifecycleParts,
  given: {
    readonly compactor: LokiCompactor | undefined;
    readonly retention: Retention;
    readonly record: PolicyRecord;
  },
): LokiRetention | undefined {
  const { compactor, retention, record } = given;
  if (compactor === undefined) return undefined;
  const deleteDelayMs = config.compactor.retentionDeleteDelayMs;
  const { clock } = world;
  return new LokiRetention({ compactor, retention, record, clock, log, deleteDelayMs });
}

function createRetention(
  { config, limits, world, log, metrics }: LifecycleParts,
  given: {
    readonly retention: Retention;
    readonly native: readonly NativeStore[];
    readonly record: PolicyRecord;
    readonly ofLoki: LokiSizes | undefined;
    readonly agedOfLoki: LokiRetention | undefined;
  },
): RetentionRunner {
  const { native, ...rest } = given;
  const { clock } = world;
  const { retentionEnabled, retentionDeleteDelayMs, retentionTotalBytes } = config.compactor;
  const dropped = metrics.counter(
    "skald_retention_dropped_segments_total",
    "Segments that retention dropped whole.",
    ["reason"],
  );
  const droppedBytes = metrics.counter("skald_retention_dropped_bytes_total", "Their bytes.");
  const rewritten = metrics.counter(
    "skald_retention_rewritten_segments_total",
    "Segments that were written anew without what is expired.",
  );
  return new RetentionRunner({
    ...rest,
    stores: native,
    limits,
    clock,
    log,
    isEnabled: retentionEnabled,
    deleteDelayMs: retentionDeleteDelayMs,
    totalBytesMax: retentionTotalBytes,
    events: {
      dropped: ({ bodyBytes, footerBytes }, reason) => {
        dropped.inc({ reason });
        droppedBytes.inc(bodyBytes + footerBytes);
      },
      rewritten: () => rewritten.inc(),
    },
  });
}

async function applying(
  { config, board, log }: LifecycleParts,
  expiring: readonly { runOnce(signal: AbortSignal): Promise<void> }[],
  signal: AbortSignal,
): Promise<void> {
  const { applyRetentionIntervalMs, compactionIntervalMs } = config.compactor;
  const intervalMs = applyRetentionIntervalMs > 0 ? applyRetentionIntervalMs : compactionIntervalMs;
  const task = board.task("retention", "takes expired segments out of the store");
  const onFailure = (error: unknown): void =>
    log.error("retention failed, the next round goes on", { reason: messageOf(error) });
  await task.repeat({ intervalMs, signal, onFailure }, async () => {
    // What keeps one from its work does not keep the others.
    const failures: unknown[] = [];
    for (const one of expiring) {
      await one.runOnce(signal).catch((error: unknown) => void failures.push(error));
      signal.throwIfAborted();
    }
    if (failures.length > 0) throw failures[0];
  });
}

/** Carries requests out and takes away what is left of segments without rows. */
function createErasing(
  { config, limits, ingest, world, log, metrics, board }: LifecycleParts,
  given: {
    readonly book: DeleteBook;
    readonly native: readonly NativeStore[];
    readonly erasers: readonly Eraser[];
  },
): (signal: AbortSignal) => Promise<void> {
  const { book, native, erasers } = given;
  const { clock } = world;
  const journal = journalBytesOf(ingest);
  const lines = metrics.counter("skald_deletes_erased_lines_total", "Lines that deletes erased.");
  const finished = metrics.counter("skald_deletes_finished_total", "Delete requests carried out.");
  const runner = new DeleteRunner({
    book,
    erasers,
    limits,
    clock,
    log,
    cancelPeriodMs: config.compactor.deleteRequestCancelPeriodMs,
    flush: (tenant, signal) => ingest.ingester.flush(signal, tenant),
    journal,
    finished: ({ erased }) => {
      finished.inc();
      lines.inc(erased.lines);
    },
  });
  const task = board.task("deletes", "erases what delete requests name; queued: requests");
  const notEmpty = new Set<string>();
  const onFailure = (error: unknown): void =>
    log.error("deletes failed, the next round goes on", { reason: messageOf(error) });
  return (signal) =>
    task.repeat({ intervalMs: deletesIntervalMs, signal, onFailure }, async () => {
      await runner.runOnce(signal);
      for (const tenant of await book.tenants()) {
        for (const store of native) {
          await dropEmptySegments(store, tenant, { journal, clock, notEmpty });
        }
      }
      const { waiting, due, leaving } = await runner.counts();
      task.tell({ queued: waiting + due + leaving, detail: { waiting, due, leaving } });
    });
}

/** Versions of the data, and of what hides parts of it. */
function visibleVersions(versions: DataVersions, visibility: Visibility): DataVersions {
  return {
    at: async (tenants, range) => {
      const visible = await Promise.all(tenants.map((one) => visibility.parts(one, range)));
      const stored = await versions.at(tenants, range);
      return {
        of: (part) => [stored.of(part), ...visible.map((all) => digestOf(all, part))].join(" "),
      };
    },
  };
}

/** Of the names of what overlaps the range; empty when nothing does. */
function digestOf(parts: readonly VisibilityPart[], { fromNs, toNs }: TimeRange): string {
  const inside = parts.filter(({ minNs, maxNs }) => minNs < toNs && maxNs >= fromNs);
  if (inside.length === 0) return "";
  const hash = createHash("sha256");
  for (const key of inside.map((part) => part.key).sort()) hash.update(`${key}\n`);
  return hash.digest("base64url").slice(0, 22);
}

import { defaultLimits, type Limits } from "#config";
import { createFrontend, type Frontend, IntervalVersions } from "#frontend";
import { dayOfNs, type EntryBatch, Labels } from "#model";
import { createQueryEngine, type QueryEngine, type QueryRequest } from "#query";
import type { LogStore } from "#storage";
import { createLogger, createMetrics, type Metrics } from "#telemetry";
import { ManualClock, seededRandom, type SimulatedDisk } from "#world";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";

interface Segment {
  readonly key: string;
  readonly entries: readonly PlainEntry[];
}

/**
 * A process with a head, segments, an engine and a frontend before it, as the server puts them
 * together, so that tests can push, flush and restart, and ask the engine and the frontend the same.
 */
export class LivingStore {
  readonly clock: ManualClock;
  readonly #disk: SimulatedDisk | undefined;
  readonly #segments: Segment[] = [];
  #head: PlainEntry[] = [];
  #store = new MemoryLogStore();
  #lives = 0;
  #segmentCount = 0;
  #versions: IntervalVersions;
  engine: QueryEngine;
  /** How many times the engine read something for the frontend. */
  executions = 0;
  /** Called before the engine reads for the frontend. */
  onExecution: () => void = () => {};
  readonly metricsOfLives: Metrics[] = [];

  constructor(options: { nowMs: number; disk?: SimulatedDisk }) {
    this.clock = new ManualClock({ nowMs: options.nowMs });
    this.#disk = options.disk;
    this.#versions = this.#newVersions();
    this.engine = this.#newEngine();
  }

  #newVersions(): IntervalVersions {
    return new IntervalVersions({
      random: seededRandom(1000 + this.#lives++),
      stored: async (tenant) => {
        await Promise.resolve();
        return this.#segments.flatMap(({ key, entries }) => {
          const times = entries.filter((one) => one.tenant === tenant).map((one) => one.timeNs);
          if (times.length === 0) return [];
          const [minNs, maxNs] = [times.reduce(smaller), times.reduce(larger)];
          return [{ key, minNs, maxNs }];
        });
      },
      headDays: (tenant) =>
        this.#head.filter((one) => one.tenant === tenant).map(({ timeNs }) => dayOfNs(timeNs)),
    });
  }

  #newEngine(): QueryEngine {
    const current = (): MemoryLogStore => this.#store;
    const store: LogStore = {
      plan: (...parts) => current().plan(...parts),
      read: (...parts) => current().read(...parts),
      series: (...parts) => current().series(...parts),
      labelNames: (...parts) => current().labelNames(...parts),
      labelValues: (...parts) => current().labelValues(...parts),
      volumes: (...parts) => current().volumes(...parts),
    };
    return createQueryEngine({ store, clock: this.clock });
  }

  newFrontend(generation = "1"): Promise<Frontend> {
    const { clock, engine } = this;
    const metrics = createMetrics({ process: false });
    this.metricsOfLives.push(metrics);
    return createFrontend({
      engine: {
        run: async (request) => {
          if (request.tenants.some((tenant) => tenant !== "")) {
            this.executions++;
            this.onExecution();
          }
          return engine.run(request);
        },
      },
      clock,
      log: createLogger({ level: "error", format: "json", write: () => {} }),
      metrics,
      cache: {
        versions: this.#versions,
        generation,
        ...(this.#disk === undefined ? {} : { disk: { files: this.#disk, folder: "/cache" } }),
      },
      limits: { runningMax: 4 },
    });
  }

  push(entries: readonly PlainEntry[]): void {
    for (const entry of entries) this.#apply(entry);
    this.#rebuild();
  }

  /** Each entry is a batch. */
  #apply(entry: PlainEntry): void {
    this.#versions.observe(entry.tenant, batchOf([entry]));
    this.#head.push(entry);
  }

  /** What is in the head becomes a segment. */
  flush(): void {
    if (this.#head.length === 0) return;
    this.#segments.push({ key: `segment-${this.#segmentCount++}`, entries: this.#head });
    this.#head = [];
    this.#rebuild();
  }

  /** All segments become one, without what `keeps` leaves out (a delete, the retention). */
  compact(keeps: (entry: PlainEntry) => boolean = () => true): void {
    const entries = this.#segments.flatMap((segment) => segment.entries).filter(keeps);
    this.#segments.length = 0;
    this.#segments.push({ key: `segment-${this.#segmentCount++}`, entries });
    this.#rebuild();
  }

  /** A new process: what was in the head comes from the journal. */
  restart(): void {
    this.#versions = this.#newVersions();
    const replayed = this.#head;
    this.#head = [];
    for (const entry of replayed) this.#apply(entry);
  }

  #rebuild(): void {
    this.#store = new MemoryLogStore();
    for (const { entries } of this.#segments) this.#store.addSource(entries);
    this.#store.addSource(this.#head);
  }

  /** How often the results cache found this, over all lives. */
  async lookups(outcome: string): Promise<number> {
    let count = 0;
    for (const metrics of this.metricsOfLives) {
      const line = new RegExp(`cache_lookups_total\\{outcome="${outcome}"\\} (\\d+)`);
      count += Number(line.exec(await metrics.text())?.[1] ?? 0);
    }
    return count;
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Only what versions look at. */
function batchOf(entries: readonly PlainEntry[]): EntryBatch {
  const none = new Uint32Array(entries.length);
  return {
    rowCount: entries.length,
    streams: [{ labels: Labels.empty, fromRow: 0, toRow: entries.length }],
    bytes: Buffer.alloc(0),
    lineStarts: none,
    lineEnds: none,
    epochSeconds: Float64Array.from(entries, ({ timeNs }) => Number(timeNs / 1_000_000_000n)),
    nanos: none,
    metadataOfRow: none,
    metadata: { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 },
  };
}

/** A range query; what is not said is as a client would leave it. */
export function rangeRequest(
  asked: Partial<Omit<QueryRequest, "limits">> &
    Pick<QueryRequest, "text" | "fromNs" | "toNs"> & { readonly limits?: Partial<Limits> },
): QueryRequest {
  return {
    tenants: ["t"],
    kind: "range",
    stepNs: undefined,
    intervalNs: 0n,
    limit: 100,
    direction: "backward",
    signal: new AbortController().signal,
    ...asked,
    limits: { ...defaultLimits, ...asked.limits },
  };
}

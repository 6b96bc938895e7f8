/**
 * LogQL over lines in memory: the distributor, the head and the query engine of the server, without
 * a journal, a store or a socket.
 */
import { MiB, nsPerSecond } from "#base";
import { defaultLimits, type Limits } from "#config";
import { formatSampleValue } from "#gofmt";
import { Distributor, Head, HeadBlocks, HeadStore } from "#ingest";
import { Labels } from "#model";
import { createQueryEngine, type QueryResult } from "#query";
import type { Clock } from "#world";
import type { LogEntry } from "./answers.ts";
import { CliError } from "./cli-error.ts";
import type { PushBatch } from "./push-batch.ts";

const tenant = "stdin";

/** No rates, no ages, no maxima: these lines are the user's own, and memory is bounded elsewhere. */
function limitsOfStdin(): Limits {
  const unbounded = Number.MAX_SAFE_INTEGER;
  return {
    ...defaultLimits,
    ingestionRateBytesPerSecond: unbounded,
    ingestionBurstBytes: unbounded,
    perStreamRateBytesPerSecond: unbounded,
    perStreamBurstBytes: unbounded,
    maxGlobalStreamsPerUser: 0,
    maxLineBytes: 0,
    maxStructuredMetadataBytes: unbounded,
    maxStructuredMetadataEntriesCount: unbounded,
    rejectOldSamples: false,
    creationGracePeriodMs: unbounded,
    discoverServiceName: [],
    maxEntriesLimitPerQuery: 0,
    maxQueryLengthMs: 0,
    maxQueryLookbackMs: 0,
    queryTimeoutMs: 0,
  };
}

export interface StdinQuery {
  readonly text: string;
  readonly kind: "range" | "instant";
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly stepNs: bigint | undefined;
  readonly intervalNs: bigint;
  readonly limit: number;
  readonly direction: "forward" | "backward";
}

export type StdinAnswer =
  | {
      readonly kind: "entries";
      readonly entries: readonly LogEntry[];
      readonly result: QueryResult;
    }
  | { readonly kind: "samples"; readonly samples: unknown; readonly result: QueryResult };

export class StdinEngine {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #limits = limitsOfStdin();
  #head: Head;
  #distributor: Distributor;
  #sequence = 0;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#head = new Head({ clock });
    this.#distributor = this.#newDistributor();
  }

  get heapBytes(): number {
    return this.#head.heapBytes;
  }

  #newDistributor(): Distributor {
    return new Distributor({
      limits: { for: () => this.#limits },
      clock: this.#clock,
      active: this.#head,
      observer: { received: () => undefined, discarded: () => undefined },
      body: { compressedBytesMax: bodyBytesMax, rawBytesMax: bodyBytesMax },
    });
  }

  /** Throws CliError for what cannot be an entry, such as a label without a name. */
  add({ body, where }: PushBatch): void {
    const { reply, accepted } = this.#distributor.push({
      tenant,
      kind: "loki",
      contentType: "application/x-protobuf",
      contentEncoding: undefined,
      body,
    });
    if (reply.status >= 300) throw new CliError(`${where}: ${reply.text.trim()}`);
    if (accepted === undefined) return;
    this.#head.apply({ tenant, batch: accepted.batch, sequence: ++this.#sequence });
  }

  /** Forgets all lines. */
  clear(): void {
    this.#head = new Head({ clock: this.#clock });
    this.#distributor = this.#newDistributor();
  }

  /** Throws RequestError. */
  async run(asked: StdinQuery): Promise<StdinAnswer> {
    const store = new HeadStore({ head: this.#head, blocks: new HeadBlocks({ hashSeed: 1 }) });
    const engine = createQueryEngine({ store, clock: this.#clock, queryMemoryBytesMax });
    const limits = this.#limits;
    const result = await engine.run({ ...asked, tenants: [tenant], limits, signal: this.#signal });
    if (result.data.kind === "streams")
      return { kind: "entries", entries: entriesOf(result), result };
    return { kind: "samples", samples: samplesOf(result), result };
  }
}

/** Far above a batch of lines, which is at most one line longer than its aim. */
const bodyBytesMax: number = 64 * MiB;
const queryMemoryBytesMax: number = 1024 * MiB;

/** In the order of the answer. */
function entriesOf({ data }: QueryResult): LogEntry[] {
  if (data.kind !== "streams") return [];
  const placed = data.streams.flatMap(({ labels: pairs, entries }) => {
    const labels = Labels.of(pairs);
    return entries.map(({ timeNs, line, position }) => ({ labels, timeNs, line, position }));
  });
  return placed.sort((a, b) => a.position - b.position);
}

/** As Loki's JSON has them. */
function samplesOf({ data }: QueryResult): unknown {
  const sample = (timeMs: number, value: number): [number, string] => [
    timeMs / 1000,
    formatSampleValue(value),
  ];
  switch (data.kind) {
    case "matrix":
      return data.series.map(({ labels, timesMs, values }) => ({
        metric: Object.fromEntries(labels),
        values: Array.from(timesMs, (timeMs, i) => sample(timeMs, values[i]!)),
      }));
    case "vector":
      return data.samples.map(({ labels, timeMs, value }) => ({
        metric: Object.fromEntries(labels),
        value: sample(timeMs, value),
      }));
    case "scalar":
      return sample(data.timeMs, data.value);
    case "streams":
      return [];
    default:
      return data satisfies never;
  }
}

/** Loki's: at most 250 points, at least a second apart. */
export function stepOfRange(fromNs: bigint, toNs: bigint): bigint {
  const seconds = (toNs - fromNs) / (250n * nsPerSecond);
  return (seconds > 1n ? seconds : 1n) * nsPerSecond;
}

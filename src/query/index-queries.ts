import { nsPerMs, RequestError } from "#base";
import type { Limits } from "#config";
import { type LabelPair, Labels, type Matcher, type TimeRange } from "#model";
import type { LogStore, StreamSelect, StreamVolume } from "#storage";
import type { Clock } from "#world";
import { checkLengthLimit } from "./check-request.ts";
import { formatPromDuration } from "./prom-duration.ts";
import { queryMemoryBytesDefault } from "./query-engine.ts";
import { QueryRun } from "./query-run.ts";
import { tenantLabel, tenantScope } from "./tenant-scope.ts";
import { type Volume, type VolumeShape, volumesBy } from "./volumes.ts";

/** What all questions to the index have in common. */
export interface IndexRequest {
  readonly tenants: readonly string[];
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

export interface IndexStats {
  readonly streams: number;
  /** Blocks, for us. */
  readonly chunks: number;
  readonly entries: number;
  readonly bytes: number;
}

export type VolumeRequest = IndexRequest & VolumeShape;

export interface VolumeSeries {
  readonly labels: readonly LabelPair[];
  readonly points: readonly { readonly timeMs: number; readonly bytes: number }[];
}

/**
 * Questions that the index answers without reading entries. Throws RequestError in Loki's words.
 */
export interface IndexQueries {
  /** Streams that pass any of the lists of matchers (an empty list passes all), sorted. */
  series(
    request: Omit<IndexRequest, "matchers"> & { readonly matchersList: readonly Matcher[][] },
  ): Promise<Labels[]>;
  /** Sorted. */
  labelNames(request: IndexRequest): Promise<string[]>;
  /** Sorted. */
  labelValues(request: IndexRequest, name: string): Promise<string[]>;
  stats(request: IndexRequest): Promise<IndexStats>;
  /** Largest first. */
  volume(request: VolumeRequest): Promise<Volume[]>;
  /** The same by steps; a step without bytes has no point. */
  volumeRange(request: VolumeRequest & { readonly stepNs: bigint }): Promise<VolumeSeries[]>;
}

export function createIndexQueries(options: { store: LogStore; clock: Clock }): IndexQueries {
  const { store, clock } = options;
  const asking = { store, clock };
  return {
    series: (request) => series(asking, request),
    labelNames: (request) => labelNames(asking, request),
    labelValues: (request, name) => labelValues(asking, request, name),
    stats: (request) => stats(asking, request),
    volume: (request) => volume(asking, request),
    volumeRange: (request) => volumeRange(asking, request),
  };
}

interface Asking {
  readonly store: LogStore;
  readonly clock: Clock;
}

/** Asks the store once per tenant. */
async function perTenant<T>(
  { store, clock }: Asking,
  request: IndexRequest,
  ask: (store: LogStore, select: StreamSelect, run: QueryRun) => Promise<T>,
): Promise<[tenant: string, answer: T][]> {
  const scope = tenantScope(request.tenants, request.matchers, { mayBeEmpty: true });
  const { matchers } = scope;
  using run = new QueryRun({
    clock,
    signal: request.signal,
    timeoutMs: request.limits.queryTimeoutMs,
    memoryBytesMax: queryMemoryBytesDefault,
  });
  const answers: [string, T][] = [];
  try {
    for (const tenant of scope.tenants) {
      answers.push([tenant, await ask(store, { tenant, matchers, range: request.range }, run)]);
      run.checkAlive();
    }
  } catch (error) {
    run.checkAlive();
    throw error;
  }
  return answers;
}

async function series(
  asking: Asking,
  request: Omit<IndexRequest, "matchers"> & { readonly matchersList: readonly Matcher[][] },
): Promise<Labels[]> {
  checkLookupRange(request);
  const isMulti = request.tenants.length > 1;
  const found = new Map<string, Labels>();
  for (const matchers of request.matchersList) {
    const answers = await perTenant(asking, { ...request, matchers }, (store, select, run) =>
      store.series(select, run.readOptions),
    );
    for (const [tenant, streams] of answers) {
      for (const labels of streams) {
        const named = isMulti ? Labels.of([...labels.pairs, [tenantLabel, tenant]]) : labels;
        found.set(named.key, named);
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, labels]) => labels);
}

async function labelNames(asking: Asking, request: IndexRequest): Promise<string[]> {
  checkLookupRange(request);
  const answers = await perTenant(asking, request, (store, select, run) =>
    store.labelNames(select, run.readOptions),
  );
  const names = new Set(answers.flatMap(([, some]) => some));
  if (request.tenants.length > 1 && names.size > 0) names.add(tenantLabel);
  return [...names].sort();
}

async function labelValues(asking: Asking, request: IndexRequest, name: string): Promise<string[]> {
  checkLookupRange(request);
  const isTenant = request.tenants.length > 1 && name === tenantLabel;
  const answers = await perTenant(asking, request, async (store, select, run) => {
    if (!isTenant) return store.labelValues(select, name, run.readOptions);
    const found = await store.series(select, run.readOptions);
    return found.length > 0 ? [select.tenant] : [];
  });
  return [...new Set(answers.flatMap(([, values]) => values))].sort();
}

async function volumes(asking: Asking, request: IndexRequest): Promise<StreamVolume[]> {
  const answers = await perTenant(asking, request, (store, select, run) =>
    store.volumes(select, run.readOptions),
  );
  return answers.flatMap(([, some]) => some);
}

async function stats(asking: Asking, request: IndexRequest): Promise<IndexStats> {
  checkOrder(request);
  checkLengthLimit(request.range.toNs - request.range.fromNs, request);
  const total = { streams: 0, chunks: 0, entries: 0, bytes: 0 };
  for (const stream of await volumes(asking, request)) {
    total.streams++;
    total.chunks += stream.blockCount;
    total.entries += stream.entryCount;
    total.bytes += stream.lineBytes;
  }
  return total;
}

async function volume(asking: Asking, request: VolumeRequest): Promise<Volume[]> {
  checkVolumeEnabled(request);
  checkOrder(request);
  checkLengthLimit(request.range.toNs - request.range.fromNs, request);
  return volumesBy(await volumes(asking, request), request);
}

/** More steps than this are refused, as in queries. */
const stepsMax = 11_000n;

/**
 * A step's volume stands at its last millisecond, that of the last step at the end of the range.
 */
async function volumeRange(
  asking: Asking,
  request: VolumeRequest & { readonly stepNs: bigint },
): Promise<VolumeSeries[]> {
  checkVolumeEnabled(request);
  checkOrder(request);
  const { range, stepNs } = request;
  checkLengthLimit(range.toNs - range.fromNs, request);
  if (stepNs <= 0n || (range.toNs - range.fromNs) / stepNs > stepsMax) {
    throw new RequestError(
      400,
      "exceeded maximum resolution of 11,000 points per time series. " +
        "Try increasing the value of the step parameter",
    );
  }
  const found = new Map<string, { labels: readonly LabelPair[]; points: Point[] }>();
  for (let fromNs = range.fromNs; fromNs < range.toNs; ) {
    const nextNs = (fromNs / stepNs) * stepNs + stepNs;
    const toNs = nextNs < range.toNs ? nextNs : range.toNs;
    const timeMs = Number((toNs === range.toNs ? toNs : toNs - 1n) / 1_000_000n);
    const part = await volumes(asking, { ...request, range: { fromNs, toNs } });
    for (const { labels, bytes } of volumesBy(part, request)) {
      const key = JSON.stringify(labels);
      const known = found.get(key) ?? { labels, points: [] };
      found.set(key, known);
      known.points.push({ timeMs, bytes });
    }
    fromNs = toNs;
  }
  return [...found.values()];
}

type Point = VolumeSeries["points"][number];

/** Series and label questions call an inverted range a lookback that is over. */
function checkLookupRange(request: Pick<IndexRequest, "range" | "limits">): void {
  const { fromNs, toNs } = request.range;
  if (toNs < fromNs) {
    const lookback = formatPromDuration(BigInt(request.limits.maxQueryLookbackMs) * nsPerMs);
    throw new RequestError(
      400,
      "this data is no longer available, it is past now - max_query_lookback " + `(${lookback})`,
    );
  }
  checkLengthLimit(toNs - fromNs, request);
}

function checkVolumeEnabled({ limits }: IndexRequest): void {
  if (!limits.volumeEnabled) throw new RequestError(404, "not found");
}

function checkOrder({ range }: IndexRequest): void {
  if (range.toNs >= range.fromNs) return;
  throw new RequestError(400, "end timestamp must not be before or equal to start time");
}

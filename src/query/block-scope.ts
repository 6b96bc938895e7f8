import { nsPerMs, RequestError } from "#base";
import type { Limits } from "#config";
import type { Labels, Matcher, TimeRange } from "#model";
import type { BlockRef, LogStore, SkipTerms } from "#storage";
import { type SharedRange, sharedRanges } from "./overlap.ts";
import type { QueryRun } from "./query-run.ts";
import type { TenantScope } from "./tenant-scope.ts";

/** A block to read, and which of its rows are meant. */
export interface BlockScope {
  readonly ref: BlockRef;
  readonly tenant: string;
  /** Position among the planned blocks: order of arrival among blocks of one source. */
  readonly planIndex: number;
  /** By stream of the block: 1 when it passes the matchers; undefined when all do. */
  readonly streams: Uint8Array | undefined;
  /** By stream of the block: where to look for duplicates; undefined when there can be none. */
  readonly shared: ReadonlyMap<number, SharedRange> | undefined;
}

type BytesLimits = Pick<
  Limits,
  "maxQueryBytesRead" | "maxQuerierBytesRead" | "splitQueriesByIntervalMs"
>;

/** Which blocks of all tenants in scope hold entries of the range. */
export async function planBlocks(
  store: LogStore,
  run: QueryRun,
  what: {
    readonly scope: TenantScope;
    readonly range: TimeRange;
    readonly skip: SkipTerms;
    readonly limits: BytesLimits;
  },
): Promise<BlockScope[]> {
  const { scope, range, skip } = what;
  const out: BlockScope[] = [];
  for (const tenant of scope.tenants) {
    const { matchers } = scope;
    const plan = await store.plan({ tenant, matchers, range }, skip, run.readOptions);
    run.checkAlive();
    run.counts.blocksPlanned += plan.blocks.length;
    run.counts.blocksSkipped += plan.skippedBlocks;
    run.counts.segmentsConsidered += plan.segmentsConsidered;
    for (const warning of plan.warnings) run.warn(warning);

    const selects = streamSelector(matchers);
    const shared = sharedRanges(plan.blocks);
    for (const ref of plan.blocks) {
      const streams = selectedStreams(ref, selects);
      if (streams?.includes(1) === false) continue;
      out.push({ ref, tenant, planIndex: out.length, streams, shared: shared.get(ref) });
    }
  }
  checkBytes(out, what.limits);
  checkBytesOfPieces(out, range, what.limits);
  return out;
}

/** Throws RequestError 400 when the planned blocks hold more than a query may read. */
function checkBytes(blocks: readonly BlockScope[], limits: { maxQueryBytesRead: number }): void {
  const max = limits.maxQueryBytesRead;
  if (max <= 0) return;
  const bytes = blocks.reduce((sum, block) => sum + block.ref.facts.lineBytes, 0);
  if (bytes <= max) return;
  throw new RequestError(
    400,
    `the query would read too many bytes (query: ${formatBytes(bytes)}, ` +
      `limit: ${formatBytes(max)}); consider adding more specific stream selectors or reduce ` +
      "the time range of the query",
  );
}

/**
 * `max_querier_bytes_read` bounds what one piece of `split_queries_by_interval` may read. Throws
 * RequestError 400 for the first piece that is larger; a block counts for every piece it reaches.
 */
function checkBytesOfPieces(
  blocks: readonly BlockScope[],
  range: TimeRange,
  limits: BytesLimits,
): void {
  const max = limits.maxQuerierBytesRead;
  if (max <= 0) return;
  const bytes = largestPieceBytes(blocks, range, BigInt(limits.splitQueriesByIntervalMs) * nsPerMs);
  if (bytes <= max) return;
  throw new RequestError(
    400,
    "query too large to execute on a single querier, either because parallelization is not " +
      "enabled, the query is unshardable, or a shard query is too big to execute: " +
      `(query: ${formatBytes(bytes)}, limit: ${formatBytes(max)}); consider adding more specific ` +
      "stream selectors or reduce the time range of the query",
  );
}

function largestPieceBytes(
  blocks: readonly BlockScope[],
  { fromNs, toNs }: TimeRange,
  pieceNs: bigint,
): number {
  const total = blocks.reduce((sum, block) => sum + block.ref.facts.lineBytes, 0);
  if (pieceNs <= 0n || toNs - fromNs <= pieceNs) return total;
  // What begins and ends in which piece, added up by a sweep over the borders.
  const changes = new Map<bigint, number>();
  const change = (piece: bigint, bytes: number): void => {
    changes.set(piece, (changes.get(piece) ?? 0) + bytes);
  };
  for (const { ref } of blocks) {
    const { minNs, maxNs, lineBytes } = ref.facts;
    change((minNs > fromNs ? minNs : fromNs) / pieceNs, lineBytes);
    change((maxNs < toNs ? maxNs : toNs - 1n) / pieceNs + 1n, -lineBytes);
  }
  let open = 0;
  let largest = 0;
  for (const [, bytes] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    open += bytes;
    if (open > largest) largest = open;
  }
  return largest;
}

/** `512 B`, `2.0 KiB`, `150 GiB`. */
function formatBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const power = Math.floor(Math.log(bytes) / Math.log(1024));
  const value = Math.floor((bytes / 1024 ** power) * 10 + 0.5) / 10;
  const unit = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"][power] ?? "EiB";
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

/** Matchers on labels, asked once per distinct label set. */
function streamSelector(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  const known = new Map<string, boolean>();
  return (labels) => {
    let passes = known.get(labels.key);
    if (passes === undefined) {
      passes = matchers.every((matcher) => matcher.test(labels.get(matcher.name) ?? ""));
      known.set(labels.key, passes);
    }
    return passes;
  };
}

function selectedStreams(
  { facts }: BlockRef,
  selects: (labels: Labels) => boolean,
): Uint8Array | undefined {
  const { streams } = facts;
  let i = 0;
  while (i < streams.length && selects(streams[i]!.labels)) i++;
  if (i === streams.length) return undefined;
  return Uint8Array.from(streams, ({ labels }) => Number(selects(labels)));
}

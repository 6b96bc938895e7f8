import { RequestError } from "#base";
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

/** Which blocks of all tenants in scope hold entries of the range. */
export async function planBlocks(
  store: LogStore,
  run: QueryRun,
  what: {
    readonly scope: TenantScope;
    readonly range: TimeRange;
    readonly skip: SkipTerms;
    readonly limits: Pick<Limits, "maxQueryBytesRead">;
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
  const selected = Uint8Array.from(facts.streams, (stream) => Number(selects(stream.labels)));
  return selected.includes(0) ? selected : undefined;
}

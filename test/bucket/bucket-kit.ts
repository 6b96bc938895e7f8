/** Buckets that Loki wrote, for the tools that work on whole buckets. */
import type { Bucket, BucketFinding } from "#bucket";
import { verifyBucket, wholeBucket } from "#bucket";
import { SegmentStore } from "#segment";
import { type LogStore, PeriodStore } from "#storage";
import { seededRandom } from "#world";
import { type OpenBucket, openBucket } from "../support/loki-buckets.ts";

/** All that have an index and chunks. */
export const bucketNames = [
  "tiny-none",
  "tiny-snappy",
  "snappy",
  "gzip",
  "lz4",
  "zstd",
  "none",
  "v12",
  "compacted",
  "deletes",
  "many-chunks",
  "period-switch",
  "v14",
  "symbol-out-of-range",
] as const;

export interface TestBucket extends OpenBucket {
  readonly bucket: Bucket;
}

export async function openTestBucket(name: string): Promise<TestBucket> {
  const open = await openBucket(name);
  // What was put is not young any more.
  open.clock.advance(86_400_000);
  const place = {
    name: "memory",
    objects: open.stored,
    logical: open.objects,
    periods: open.periods.all,
  };
  const { periods, clock } = open;
  return { ...open, bucket: { places: [place], periods, clock, random: seededRandom(1) } };
}

export const signal: AbortSignal = new AbortController().signal;

export async function findingsOf(
  bucket: Bucket,
  sample = 1,
): Promise<{ findings: BucketFinding[]; counts: Awaited<ReturnType<typeof verifyBucket>> }> {
  const findings: BucketFinding[] = [];
  const counts = await verifyBucket(bucket, {
    scope: wholeBucket,
    sample,
    signal,
    onFinding: (finding) => findings.push(finding),
    onProgress: () => undefined,
  });
  return { findings, counts };
}

/** What answers once all periods are Skald's own. */
export function nativeStore(open: TestBucket): LogStore {
  const segments = new SegmentStore({ objects: open.stored });
  return new PeriodStore({
    periods: [{ fromNs: -(2n ** 63n), toNs: undefined, store: segments, name: "native" }],
    mayLeaveOut: () => false,
  });
}

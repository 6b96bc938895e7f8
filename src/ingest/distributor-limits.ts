import { LruMap } from "#base";
import type { Limits } from "#config";
import type { Labels } from "#model";
import type { DecodedPush, DecodedStream } from "./push-columns.ts";
import { TokenBucket } from "./rate-limit.ts";
import { type DiscardListener, rowBytes, type Validation } from "./validate.ts";
import { formatBytes, formatGoTime } from "./validate-errors.ts";

/** What the head knows of streams; asked before a new one is let in. */
export interface ActiveStreams {
  count(tenant: string): number;
  has(tenant: string, labels: Labels): boolean;
}

/**
 * Buckets kept: of tenants, and of streams of one tenant. One forgotten starts full again, which
 * errs on the client's side.
 */
const tenantsMax = 10_000;
const streamsMax = 50_000;

interface TenantBuckets {
  readonly whole: TokenBucket;
  readonly streams: LruMap<string, TokenBucket>;
}

/** A refusal for rate or number of streams. */
export interface LimitReply {
  readonly status: number;
  readonly text: string;
}

export interface LimitInput {
  readonly push: DecodedPush;
  readonly validation: Validation;
  readonly tenant: string;
  readonly limits: Limits;
  readonly nowMs: number;
  readonly discard: DiscardListener;
}

/** Rates by tenant and stream, and the number of streams. */
export class IngestLimits {
  readonly #active: ActiveStreams;
  readonly #tenants = new LruMap<string, TenantBuckets>({
    name: "tenant_rates",
    weightMax: tenantsMax,
  });

  constructor(active: ActiveStreams) {
    this.#active = active;
  }

  /** The tenant's rate: the whole request or nothing. */
  checkTenantRate(input: LimitInput): LimitReply | undefined {
    const { validation, limits, tenant } = input;
    const limit = {
      ratePerSecond: limits.ingestionRateBytesPerSecond,
      burst: limits.ingestionBurstBytes,
    };
    const bytes = validation.keptBytes;
    if (this.#buckets(tenant).whole.allow(bytes, limit, input.nowMs)) return undefined;
    input.discard("rate_limited", validation.keptCount, bytes);
    return {
      status: 429,
      text:
        `ingestion rate limit exceeded for user ${tenant} ` +
        `(limit: ${Math.trunc(limit.ratePerSecond)} bytes/sec) while attempting to ingest ` +
        `'${validation.keptCount}' lines totaling '${bytes}' bytes, reduce log volume or contact ` +
        "your Loki administrator to see if the limit can be increased",
    };
  }

  /**
   * Number and rate of streams: refused streams lose their rows in `validation`; the last refusal
   * is returned.
   */
  checkStreams(input: LimitInput): LimitReply | undefined {
    const { push, validation, limits, tenant } = input;
    const countMax = streamCountMax(limits);
    const rate = limits.perStreamRateBytesPerSecond;
    if (countMax === Infinity && rate <= 0) return undefined;
    const newKeys = new Set<string>();
    let reply: LimitReply | undefined;
    push.streams.forEach((stream, index) => {
      const bytes = validation.bytesOfStream[index]!;
      if (stream.labels.refusal !== undefined || !hasKept(validation, stream)) return;
      const { labels } = stream.labels;
      if (countMax !== Infinity && !newKeys.has(labels.key) && !this.#active.has(tenant, labels)) {
        if (this.#active.count(tenant) + newKeys.size >= countMax) {
          reply = { status: 429, text: streamLimitText(stream, tenant) };
          dropStream(input, stream, "stream_limit");
          return;
        }
        newKeys.add(labels.key);
      }
      if (rate > 0 && !this.#allowStream(input, labels.key, bytes)) {
        reply = { status: 429, text: streamRateText(input, stream, bytes) };
        dropStream(input, stream, "per_stream_rate_limit");
      }
    });
    return reply;
  }

  #allowStream(input: LimitInput, key: string, bytes: number): boolean {
    const { streams } = this.#buckets(input.tenant);
    let bucket = streams.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket();
      streams.set(key, bucket);
    }
    const limit = {
      ratePerSecond: input.limits.perStreamRateBytesPerSecond,
      burst: input.limits.perStreamBurstBytes,
    };
    return bucket.allow(bytes, limit, input.nowMs);
  }

  #buckets(tenant: string): TenantBuckets {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const buckets = {
      whole: new TokenBucket(),
      streams: new LruMap<string, TokenBucket>({ name: "stream_rates", weightMax: streamsMax }),
    };
    this.#tenants.set(tenant, buckets);
    return buckets;
  }
}

/** The smaller of the two limits that are set. */
function streamCountMax(limits: Limits): number {
  const local = limits.maxStreamsPerUser > 0 ? limits.maxStreamsPerUser : Infinity;
  const global = limits.maxGlobalStreamsPerUser > 0 ? limits.maxGlobalStreamsPerUser : Infinity;
  return Math.min(local, global);
}

function hasKept(validation: Validation, stream: DecodedStream): boolean {
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    if (validation.kept[row] === 1) return true;
  }
  return false;
}

function dropStream(input: LimitInput, stream: DecodedStream, reason: string): void {
  const { push, validation } = input;
  let lineCount = 0;
  let bytes = 0;
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    if (validation.kept[row] === 0) continue;
    validation.kept[row] = 0;
    lineCount++;
    bytes += rowBytes(push, row);
  }
  validation.keptCount -= lineCount;
  validation.keptBytes -= bytes;
  input.discard(reason, lineCount, bytes);
}

function streamLimitText(stream: DecodedStream, tenant: string): string {
  return (
    `maximum active stream limit exceeded when trying to create stream ${stream.labels.text}, ` +
    "reduce the number of active streams (reduce labels or reduce label values), or contact your " +
    `Loki administrator to see if the limit can be increased, user: '${tenant}'`
  );
}

/** So many of the refused entries are named, the newest arrivals. */
const namedEntriesMax = 10;

function streamRateText(input: LimitInput, stream: DecodedStream, bytes: number): string {
  const { push, validation, limits, tenant } = input;
  const { text } = stream.labels;
  const rate = formatBytes(limits.perStreamRateBytesPerSecond);
  const reason =
    `Per stream rate limit exceeded (limit: ${rate}/sec) while attempting to ingest for stream ` +
    `'${text}' totaling ${formatBytes(bytes)}, consider splitting a stream ` +
    "via additional labels or contact your Loki administrator to see if the limit can be increased";
  const rows: number[] = [];
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    if (validation.kept[row] === 1) rows.push(row);
  }
  const named = rows.slice(-namedEntriesMax).map((row) => {
    const at = formatGoTime(push.epochSeconds[row]!, push.nanos[row]!);
    return `entry with timestamp ${at} ignored, reason: '${reason}',\n`;
  });
  const total = stream.toRow - stream.fromRow;
  const ignored = `total ignored: ${rows.length} out of ${total} for stream: ${text}`;
  return `${named.join("")}user '${tenant}', ${ignored}`;
}

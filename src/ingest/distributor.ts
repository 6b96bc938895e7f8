import { messageOf, RequestError } from "#base";
import { compressSnappyBlock, decompressBody, type DecompressLimits, ProtoWriter } from "#codec";
import type { Limits, LimitsByTenant } from "#config";
import { PushKernel } from "#kernels";
import type { EntryBatch } from "#model";
import type { Clock } from "#world";
import { type ActiveStreams, IngestLimits, type LimitReply } from "./distributor-limits.ts";
import type { BatchMemory } from "./batch-memory.ts";
import { LevelDetector, type LevelSettings } from "./level.ts";
import { buildBatch } from "./push-batch.ts";
import type { DecodedPush } from "./push-columns.ts";
import { parseMediaType } from "./push-content-type.ts";
import { decodeJsonPush } from "./push-json.ts";
import { decodeLegacyJsonPush } from "./push-json-legacy.ts";
import { OtlpResourceCache } from "./push-otlp.ts";
import { decodeOtlpJson } from "./push-otlp-json.ts";
import { decodeOtlpProtobuf } from "./push-otlp-protobuf.ts";
import { decodeProtobufPush } from "./push-protobuf.ts";
import { encodePushRecord } from "./push-record.ts";
import { decodeSnappyPush } from "./push-snappy.ts";
import { validatePush, type Validation } from "./validate.ts";
import { formatSeconds } from "./validate-errors.ts";
import { StreamLabelCache } from "./validate-label-cache.ts";
import type { StreamLabels } from "./validate-labels.ts";

/**
 * `loki-v0` is the JSON of `/api/prom/push`; protobuf is the same for both. `loki-message` is the
 * protobuf message alone, not compressed, as gRPC carries it.
 */
export type PushKind = "loki" | "loki-v0" | "loki-message" | "otlp";

export interface PushInput {
  readonly tenant: string;
  readonly kind: PushKind;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Given away: decoding may overwrite it and the batch may keep it. */
  readonly body: Buffer;
}

export interface PushReply {
  readonly status: number;
  /** What happened, in Loki's words; empty for 204. */
  readonly text: string;
  /** The body to send: the text, for OpenTelemetry as a protobuf Status. */
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

/**
 * `accepted` is undefined when there is nothing to store. Otherwise write `record` to the journal,
 * apply `batch` to the head, let go of its lease, and only then answer with `reply`, which may be a
 * refusal of a part of the entries.
 */
export interface PushResult {
  readonly reply: PushReply;
  readonly accepted: AcceptedPush | undefined;
}

export interface AcceptedPush {
  readonly batch: EntryBatch;
  readonly record: readonly Buffer[];
  /** The batch has nothing of the request's body: nobody needs it once the record is durable. */
  readonly isBodySpent: boolean;
}

/** Counters for metrics. Called synchronously. */
export interface PushObserver {
  received(tenant: string, lineCount: number, bytes: number, metadataBytes: number): void;
  discarded(tenant: string, reason: string, lineCount: number, bytes: number): void;
}

export interface DistributorOptions {
  readonly limits: LimitsByTenant;
  readonly clock: Clock;
  readonly active: ActiveStreams;
  readonly observer: PushObserver;
  readonly body: DecompressLimits;
  /** What pushes are decoded into; the collector's when omitted. */
  readonly memory?: BatchMemory | undefined;
  /** Entries before have no place in the store and are refused. Omitted: there are none. */
  readonly oldestSeconds?: number;
}

/**
 * Decodes, validates, limits and labels pushes. No I/O: what it accepts, the caller makes durable.
 */
export class Distributor {
  readonly #options: DistributorOptions;
  readonly #labels = new StreamLabelCache();
  readonly #resources = new OtlpResourceCache();
  readonly #ingestLimits: IngestLimits;
  readonly #detectors = new WeakMap<Limits, LevelDetector>();

  constructor(options: DistributorOptions) {
    this.#options = options;
    this.#ingestLimits = new IngestLimits(options.active);
  }

  /** Does not throw for anything a client sent: the reply says what was wrong. */
  push(input: PushInput): PushResult {
    try {
      return this.#push(input);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { accepted: undefined, reply: replyOf(input.kind, error.status, messageOf(error)) };
    }
  }

  #push(input: PushInput): PushResult {
    const limits = this.#options.limits.for(input.tenant);
    const decoded = this.#decode(input, limits);
    const { push } = decoded;
    if (push.streamCount === 0) {
      const text = "error at least one valid stream is required for ingestion";
      return { accepted: undefined, reply: replyOf(input.kind, 422, text) };
    }
    this.#countReceived(input.tenant, push);
    const discard = (reason: string, lineCount: number, bytes: number): void =>
      this.#options.observer.discarded(input.tenant, reason, lineCount, bytes);
    const nowNs = this.#options.clock.nowNs();
    const { oldestSeconds } = this.#options;
    const { tenant } = input;
    const validation = validatePush({ push, tenant, limits, nowNs, oldestSeconds, discard });
    const limitInput = {
      push,
      validation,
      tenant: input.tenant,
      limits,
      nowMs: this.#options.clock.monotonicMs(),
      discard,
    };
    if (validation.keptCount > 0) {
      const refused =
        blockedReply(input.tenant, limits, nowNs) ?? this.#ingestLimits.checkTenantRate(limitInput);
      if (refused !== undefined) {
        if (refused.status !== 429) {
          discard("blocked_ingestion", validation.keptCount, validation.keptBytes);
        }
        const { status, text } = refused;
        return { accepted: undefined, reply: replyOf(input.kind, status, text) };
      }
    }
    const limited = this.#ingestLimits.checkStreams(limitInput);
    const reply = finalReply(input.kind, limited, validation);
    if (validation.keptCount === 0) return { accepted: undefined, reply };
    return { reply, accepted: this.#accept(input.tenant, limits, decoded, validation) };
  }

  #accept(tenant: string, limits: Limits, decoded: Decoded, validation: Validation): AcceptedPush {
    const { push, message } = decoded;
    const detector = this.#detector(limits);
    const complete = validation.keptCount === push.rowCount;
    const kept = complete ? undefined : validation.kept;
    const batch = buildBatch(detector === undefined ? push : inKernel(push), kept, detector);
    const levels = detector?.settings;
    const unchanged = complete && !validation.changed;
    const block = unchanged
      ? (decoded.block ?? (message && compressSnappyBlock(message)))
      : undefined;
    const record = encodePushRecord({
      tenant,
      batch,
      ...(block === undefined ? {} : { asArrived: { block, levels } }),
    });
    // A block was decompressed into memory of its own.
    return { batch, record, isBodySpent: decoded.block !== undefined };
  }

  #detector(limits: Limits): LevelDetector | undefined {
    if (!limits.discoverLogLevels) return undefined;
    const known = this.#detectors.get(limits);
    if (known !== undefined) return known;
    const settings: LevelSettings = {
      fields: limits.logLevelFields,
      jsonDepthMax: limits.logLevelFromJsonMaxDepth,
    };
    const detector = new LevelDetector(settings);
    this.#detectors.set(limits, detector);
    return detector;
  }

  #decode(input: PushInput, limits: Limits): Decoded {
    const encoding = input.contentEncoding ?? "";
    if (input.kind === "otlp")
      return { push: this.#decodeOtlp(input, encoding, limits), block: undefined };
    if (input.kind === "loki-message") {
      const push = decodeProtobufPush(input.body, (text, from, to) =>
        this.#labels.ofText(text, from, to, limits),
      );
      return { push, block: undefined, message: input.body };
    }
    const supported = ["", "snappy", "gzip", "deflate"];
    if (!supported.includes(encoding)) {
      throw new RequestError(400, `Content-Encoding "${encoding}" not supported`);
    }
    const body = decompressBody(
      input.body,
      encoding === "snappy" ? "" : encoding,
      this.#options.body,
    );
    const media = parseMediaType(input.contentType);
    if (media !== "application/json") {
      return { push: this.#decodeSnappy(body, limits), block: body };
    }
    const push =
      input.kind === "loki-v0"
        ? decodeLegacyJsonPush(body, (text, from, to) =>
            this.#labels.ofText(text, from, to, limits),
          )
        : decodeJsonPush(body, (text, from, to) => this.#labels.ofJson(text, from, to, limits));
    return { push, block: undefined };
  }

  #decodeSnappy(block: Buffer, limits: Limits): DecodedPush {
    const { memory, body } = this.#options;
    const labelsOf = (bytes: Buffer, from: number, to: number): StreamLabels =>
      this.#labels.ofText(bytes, from, to, limits);
    return decodeSnappyPush(block, { limits: body, labelsOf, memory });
  }

  #decodeOtlp(input: PushInput, encoding: string, limits: Limits): DecodedPush {
    if (!["", "gzip", "zstd", "lz4"].includes(encoding)) {
      throw new RequestError(
        400,
        `unsupported content encoding ${encoding}: only gzip, lz4 and zstd are supported`,
      );
    }
    const media = (input.contentType ?? "").split(";")[0]!.trim().toLowerCase();
    if (media !== "application/json" && media !== "application/x-protobuf") {
      throw new RequestError(400, `content type: ${input.contentType ?? ""} is not supported`);
    }
    const body = decompressBody(input.body, encoding, this.#options.body);
    const how = { limits, nowNs: this.#options.clock.nowNs(), resources: this.#resources };
    return media === "application/json" ? decodeOtlpJson(body, how) : decodeOtlpProtobuf(body, how);
  }

  #countReceived(tenant: string, push: DecodedPush): void {
    const { rowCount } = push;
    const metadataBytes = metadataBytesOf(push);
    const bytes = lineBytesOf(push) + metadataBytes;
    this.#options.observer.received(tenant, rowCount, bytes, metadataBytes);
  }
}

interface Decoded {
  readonly push: DecodedPush;
  /** The request's snappy block, when it was Loki protobuf. */
  readonly block: Buffer | undefined;
  /** The request itself, when it was Loki protobuf that was not compressed. */
  readonly message?: Buffer;
}

/** Below this the copy into the kernel's memory costs more than it saves. */
const kernelFromBytes = 4096;

/** With its lines where the kernel finds their levels, which is several times as fast. */
function inKernel(push: DecodedPush): DecodedPush {
  const isThere = push.kernelContent !== undefined || push.bytes.length < kernelFromBytes;
  return isThere ? push : { ...push, kernelContent: PushKernel.shared.load(push.bytes) };
}

function lineBytesOf({ rowCount, lineStarts, lineEnds }: DecodedPush): number {
  let bytes = 0;
  for (let row = 0; row < rowCount; row++) bytes += lineEnds[row]! - lineStarts[row]!;
  return bytes;
}

/** As it arrived. */
function metadataBytesOf({ rowCount, metadata, metadataOfRow }: DecodedPush): number {
  // Only the empty set.
  if (metadata.pairBytes.length === 1) return 0;
  let bytes = 0;
  for (let row = 0; row < rowCount; row++) bytes += metadata.pairBytes[metadataOfRow[row]!]!;
  return bytes;
}

/** block_ingestion_until. Status 200 means: drop silently. */
function blockedReply(tenant: string, limits: Limits, nowNs: bigint): LimitReply | undefined {
  const until = limits.blockIngestionUntilNs;
  if (until === undefined || nowNs >= until) return undefined;
  const status = limits.blockIngestionStatusCode;
  if (status === 200) return { status: 204, text: "" };
  const end = formatSeconds(Number(until / 1_000_000_000n));
  return {
    status,
    text: `ingestion blocked for user '${tenant}' until '${end}' with status code '${status}'`,
  };
}

function finalReply(
  kind: PushKind,
  limited: LimitReply | undefined,
  validation: Validation,
): PushReply {
  if (limited !== undefined) return replyOf(kind, limited.status, limited.text);
  if (validation.errors.count > 0) return replyOf(kind, 400, validation.errors.text());
  return replyOf(kind, 204, "");
}

/**
 * OpenTelemetry clients get a google.rpc.Status, and 503 for 500, since they do not retry after a
 * 500.
 */
function replyOf(kind: PushKind, status: number, text: string): PushReply {
  if (status === 204) {
    return { status, text: "", body: Buffer.alloc(0), contentType: undefined };
  }
  if (kind !== "otlp") {
    return { status, text, body: Buffer.from(text), contentType: "text/plain; charset=utf-8" };
  }
  const writer = new ProtoWriter();
  writer.text(2, text);
  return {
    status: status === 500 ? 503 : status,
    text,
    body: writer.finish(),
    contentType: "application/octet-stream",
  };
}

import type { Limits } from "#config";
import type { DecodedPush, DecodedStream } from "./push-columns.ts";
import { missingEnforcedLabels } from "./validate-labels.ts";
import { formatSeconds, GroupedErrors } from "./validate-errors.ts";

/**
 * Told about everything that is not accepted. Reasons are the words of Loki's `reason` metric
 * label.
 */
export type DiscardListener = (reason: string, lineCount: number, bytes: number) => void;

/** What validation leaves of a request. */
export interface Validation {
  /** 1 for rows that are accepted. */
  readonly kept: Uint8Array;
  keptCount: number;
  /** Bytes of lines and metadata of the accepted rows, by stream. */
  readonly bytesOfStream: Float64Array;
  keptBytes: number;
  /** A line was cut or a timestamp moved. */
  changed: boolean;
  readonly errors: GroupedErrors;
}

export interface ValidationInput {
  readonly push: DecodedPush;
  readonly tenant: string;
  readonly limits: Limits;
  readonly nowNs: bigint;
  /** Entries before are refused as too old, whatever the limits say. Omitted: none. */
  readonly oldestSeconds?: number | undefined;
  readonly discard: DiscardListener;
}

/**
 * Checks every stream and entry against the tenant's limits; may shorten lines and move timestamps
 * of `push` in place.
 */
export function validatePush(input: ValidationInput): Validation {
  const { push } = input;
  const validation: Validation = {
    kept: new Uint8Array(push.rowCount),
    keptCount: 0,
    bytesOfStream: new Float64Array(push.streams.length),
    keptBytes: 0,
    changed: false,
    errors: new GroupedErrors(),
  };
  if (input.limits.truncateLongLines) truncateLines(push, input.limits, validation);
  const bounds = timeBounds(input);
  push.streams.forEach((stream, index) => {
    const refusal =
      stream.labels.refusal ??
      missingEnforcedLabels(stream.labels, input.tenant, input.limits.enforcedLabels);
    if (refusal !== undefined) {
      validation.errors.add(refusal.message);
      discardStream(input, stream, refusal.reason);
      return;
    }
    const bytes = validateRows(input, stream, bounds, validation);
    validation.bytesOfStream[index] = bytes;
    validation.keptBytes += bytes;
  });
  if (input.limits.incrementDuplicateTimestamp) incrementDuplicates(push, validation);
  return validation;
}

/** Bytes of row i: its line and its metadata as it arrived. */
export function rowBytes(push: DecodedPush, row: number): number {
  return (
    push.lineEnds[row]! - push.lineStarts[row]! + push.metadata.pairBytes[push.metadataOfRow[row]!]!
  );
}

function discardStream(input: ValidationInput, stream: DecodedStream, reason: string): void {
  let bytes = 0;
  for (let row = stream.fromRow; row < stream.toRow; row++) bytes += rowBytes(input.push, row);
  input.discard(reason, stream.toRow - stream.fromRow, bytes);
}

interface TimeBounds {
  readonly oldestSeconds: number;
  readonly oldestNanos: number;
  readonly newestSeconds: number;
  readonly newestNanos: number;
}

function timeBounds(input: ValidationInput): TimeBounds {
  const { limits, nowNs, oldestSeconds = -Infinity } = input;
  const newest = nowNs + BigInt(Math.round(limits.creationGracePeriodMs * 1e6));
  const oldest = nowNs - BigInt(Math.round(limits.rejectOldSamplesMaxAgeMs * 1e6));
  const byLimit = limits.rejectOldSamples ? Number(oldest / 1_000_000_000n) : -Infinity;
  return {
    oldestSeconds: Math.max(byLimit, oldestSeconds),
    oldestNanos: byLimit < oldestSeconds ? 0 : Number(oldest % 1_000_000_000n),
    newestSeconds: Number(newest / 1_000_000_000n),
    newestNanos: Number(newest % 1_000_000_000n),
  };
}

/** Returns the bytes of the rows kept. */
function validateRows(
  input: ValidationInput,
  stream: DecodedStream,
  bounds: TimeBounds,
  validation: Validation,
): number {
  const { push, limits } = input;
  const { lineStarts, lineEnds, epochSeconds, metadataOfRow } = push;
  const { oldestSeconds, newestSeconds } = bounds;
  const lineBytesMax = limits.maxLineBytes > 0 ? limits.maxLineBytes : Infinity;
  let bytes = 0;
  let last: RowRefusal | undefined;
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    const seconds = epochSeconds[row]!;
    if (
      seconds <= oldestSeconds ||
      seconds >= newestSeconds ||
      lineEnds[row]! - lineStarts[row]! > lineBytesMax ||
      metadataOfRow[row] !== 0
    ) {
      const reason = reasonAgainst(push, row, bounds, limits);
      if (reason !== undefined) {
        last = refuseRow(input, stream, row, reason, last);
        validation.errors.add(last.message);
        continue;
      }
    }
    validation.kept[row] = 1;
    validation.keptCount++;
    bytes += rowBytes(push, row);
  }
  return bytes;
}

type RowReason =
  | "greater_than_max_sample_age"
  | "too_far_in_future"
  | "line_too_long"
  | "disallowed_structured_metadata"
  | "structured_metadata_too_large"
  | "structured_metadata_too_many";

/** A message is made once for a run of rows refused for the same reason and `value`. */
interface RowRefusal {
  readonly reason: RowReason;
  readonly value: number;
  readonly message: string;
}

function reasonAgainst(
  push: DecodedPush,
  row: number,
  bounds: TimeBounds,
  limits: Limits,
): RowReason | undefined {
  const seconds = push.epochSeconds[row]!;
  const nanos = push.nanos[row]!;
  const { oldestSeconds, oldestNanos, newestSeconds, newestNanos } = bounds;
  if (seconds < oldestSeconds || (seconds === oldestSeconds && nanos < oldestNanos)) {
    return "greater_than_max_sample_age";
  }
  if (seconds > newestSeconds || (seconds === newestSeconds && nanos > newestNanos)) {
    return "too_far_in_future";
  }
  const length = push.lineEnds[row]! - push.lineStarts[row]!;
  if (limits.maxLineBytes > 0 && length > limits.maxLineBytes) return "line_too_long";
  const set = push.metadataOfRow[row]!;
  if (set === 0) return undefined;
  if (!limits.allowStructuredMetadata) return "disallowed_structured_metadata";
  const bytesMax = limits.maxStructuredMetadataBytes;
  if (bytesMax > 0 && push.metadata.pairBytes[set]! > bytesMax) {
    return "structured_metadata_too_large";
  }
  const countMax = limits.maxStructuredMetadataEntriesCount;
  if (countMax > 0 && push.metadata.pairCounts[set]! > countMax) {
    return "structured_metadata_too_many";
  }
  return undefined;
}

function refuseRow(
  input: ValidationInput,
  stream: DecodedStream,
  row: number,
  reason: RowReason,
  last: RowRefusal | undefined,
): RowRefusal {
  const { push } = input;
  input.discard(reason, 1, rowBytes(push, row));
  const value = valueAgainst(push, row, reason);
  if (last !== undefined && last.reason === reason && last.value === value) return last;
  const message = refusalText(input, stream.labels.text, reason, value);
  return { reason, value, message };
}

/** What the text names of the row: a time in seconds, bytes or a count. */
function valueAgainst(push: DecodedPush, row: number, reason: RowReason): number {
  const set = push.metadataOfRow[row]!;
  switch (reason) {
    case "greater_than_max_sample_age":
    case "too_far_in_future":
      return push.epochSeconds[row]!;
    case "line_too_long":
      return push.lineEnds[row]! - push.lineStarts[row]!;
    case "disallowed_structured_metadata":
      return 0;
    case "structured_metadata_too_large":
      return push.metadata.pairBytes[set]!;
    case "structured_metadata_too_many":
      return push.metadata.pairCounts[set]!;
    default:
      return reason satisfies never;
  }
}

const administrator = "or contact your Loki administrator to";

function refusalText(
  input: ValidationInput,
  text: string,
  reason: RowReason,
  value: number,
): string {
  const { limits } = input;
  switch (reason) {
    case "greater_than_max_sample_age":
      return (
        `entry for stream '${text}' has timestamp too old: ${formatSeconds(value)}, ` +
        `oldest acceptable timestamp is: ${formatSeconds(timeBounds(input).oldestSeconds)}`
      );
    case "too_far_in_future":
      return `entry for stream '${text}' has timestamp too new: ${formatSeconds(value)}`;
    case "line_too_long":
      return (
        `max entry size '${limits.maxLineBytes}' bytes exceeded for stream '${text}' ` +
        `while adding an entry with length '${value}' bytes`
      );
    case "disallowed_structured_metadata":
      return (
        `stream '${text}' includes structured metadata, but this feature is disallowed. ` +
        `Please see \`limits_config.allow_structured_metadata\` ${administrator} enable it`
      );
    case "structured_metadata_too_large":
      return (
        `stream '${text}' has structured metadata too large: '${value}' bytes, ` +
        `limit: '${limits.maxStructuredMetadataBytes}' bytes. Please see ` +
        `\`limits_config.max_structured_metadata_size\` ${administrator} increase it`
      );
    case "structured_metadata_too_many":
      return (
        `stream '${text}' has too many structured metadata labels: '${value}', ` +
        `limit: '${limits.maxStructuredMetadataEntriesCount}'. Please see ` +
        `\`limits_config.max_structured_metadata_entries_count\` ${administrator} increase it`
      );
    default:
      return reason satisfies never;
  }
}

/**
 * Cuts long lines, at a character's border, and ends them with the identifier, written over the
 * line's own bytes.
 */
function truncateLines(push: DecodedPush, limits: Limits, validation: Validation): void {
  const { lineStarts, lineEnds, bytes } = push;
  const bytesMax = limits.maxLineBytes;
  if (bytesMax <= 0) return;
  const whole = Buffer.from(limits.truncateIdentifier);
  const identifier = whole.length <= bytesMax ? whole : Buffer.alloc(0);
  for (let row = 0; row < push.rowCount; row++) {
    const from = lineStarts[row]!;
    if (lineEnds[row]! - from <= bytesMax) continue;
    let to = from + bytesMax - identifier.length;
    while (to > from && (bytes[to]! & 0xc0) === 0x80) to--;
    identifier.copy(bytes, to);
    lineEnds[row] = to + identifier.length;
    validation.changed = true;
  }
}

/**
 * increment_duplicate_timestamp: an entry with the time of the one before it and another line is
 * moved one nanosecond behind it. Equal lines keep their time, so that they are still stored once.
 */
function incrementDuplicates(push: DecodedPush, validation: Validation): void {
  const { epochSeconds, nanos, bytes, lineStarts, lineEnds } = push;
  for (const stream of push.streams) {
    let last = -1;
    let originalSeconds = 0;
    let originalNanos = 0;
    for (let row = stream.fromRow; row < stream.toRow; row++) {
      if (validation.kept[row] === 0) continue;
      const seconds = epochSeconds[row]!;
      const nano = nanos[row]!;
      const repeats =
        last >= 0 &&
        ((seconds === originalSeconds && nano === originalNanos) ||
          (seconds === epochSeconds[last] && nano === nanos[last])) &&
        bytes.compare(bytes, lineStarts[last], lineEnds[last], lineStarts[row], lineEnds[row]) !==
          0;
      if (repeats) {
        const carry = nanos[last] === 999_999_999;
        epochSeconds[row] = epochSeconds[last]! + (carry ? 1 : 0);
        nanos[row] = carry ? 0 : nanos[last]! + 1;
        validation.changed = true;
      } else {
        originalSeconds = seconds;
        originalNanos = nano;
      }
      last = row;
    }
  }
}

/**
 * Reads the records of one journal file in order, past damage.
 *
 * A record whose body is bad is passed over by its length. Where no record header can be read, the
 * next one is searched at every aligned offset. What a damaged part means (torn by a crash, or
 * lost) only the whole journal can tell: see journal-damage.ts.
 */
import { crc32 } from "node:zlib";
import { MiB } from "#base";
import type { FileHandle } from "#world";
import {
  alignUp,
  decodeRecordHeader,
  type RecordHeader,
  recordAlignmentBytes,
  recordHeaderBytes,
  recordMagic,
  recordSizeBytes,
} from "./journal-format.ts";
import type { JournalRecord } from "./journal.ts";

/** One read of a replay: large enough for disk speed, small enough to hold two of them. */
const readBytes: number = 4 * MiB;

export interface ScannedDamage {
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
  /** The newest record before the damaged part. */
  readonly afterSequence: number;
}

/** `records` and `damage` of one read. Bodies are views of what was read, never written again. */
export interface ScannedPart {
  readonly records: readonly JournalRecord[];
  readonly damage: readonly ScannedDamage[];
}

export interface ScanSummary {
  /** The newest number of a record whose header was whole; 0 for none. */
  lastSequence: number;
  /** The newest number of a whole record; 0 for none. */
  lastWholeSequence: number;
  /** The newest record that this file itself says to be durable; 0 for none. */
  durableSequence: number;
  /** Where the last whole record ends. */
  endOffset: number;
}

export interface ScanOptions {
  readonly from: number;
  readonly to: number;
  readonly salt: number;
  /** Records up to here have been seen in files before. */
  readonly afterSequence: number;
  /** Filled while reading, final at the end. */
  readonly summary: ScanSummary;
}

/** Yields what [from, to) of the file holds. The next read is under way while a part is used. */
export async function* scanFile(
  file: FileHandle,
  options: ScanOptions,
): AsyncGenerator<ScannedPart, void, undefined> {
  const state = new ScanState(options);
  let rest: Buffer = Buffer.alloc(0);
  let readOffset = options.from;
  let neededBytes = 0;
  const readNext = (): Promise<Buffer> => {
    const bytes = Math.max(readBytes, neededBytes);
    const range = { from: readOffset, to: Math.min(options.to, readOffset + bytes) };
    readOffset = range.to;
    const reading = file.read(range);
    // Awaited in the next round; until then a rejection must not count as unheard.
    reading.catch(() => undefined);
    return reading;
  };
  let ahead = readNext();
  for (;;) {
    const bytes = await ahead;
    const isEnd = readOffset >= options.to;
    const window = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (!isEnd) ahead = readNext();
    const part = state.take(window, isEnd);
    rest = part.rest;
    neededBytes = part.neededBytes;
    yield part;
    if (isEnd) return;
  }
}

class ScanState {
  readonly #summary: ScanSummary;
  readonly #salt: number;
  readonly #endOffset: number;
  #lastSequence: number;
  /** File offset of the window's first byte. */
  #offset: number;
  /** Where the damaged part under way began; its end is not found yet. */
  #damagedFrom: number | undefined;

  constructor(options: ScanOptions) {
    this.#summary = options.summary;
    this.#salt = options.salt;
    this.#endOffset = options.to;
    this.#lastSequence = options.afterSequence;
    this.#offset = options.from;
  }

  take(
    window: Buffer,
    isEnd: boolean,
  ): ScannedPart & { readonly rest: Buffer; readonly neededBytes: number } {
    const records: JournalRecord[] = [];
    const damage: ScannedDamage[] = [];
    let at = 0;
    let neededBytes = 0;
    while (at + recordHeaderBytes <= window.length) {
      const header = this.#headerAt(window, at);
      if (header === undefined) {
        this.#damagedFrom ??= this.#offset + at;
        at = nextCandidate(window, at + recordAlignmentBytes);
        continue;
      }
      const endAt = at + recordHeaderBytes + header.bodyBytes;
      const nextAt = at + recordSizeBytes(header.bodyBytes);
      if (nextAt > window.length && !isEnd) {
        neededBytes = nextAt - window.length;
        break;
      }
      this.#endDamage(this.#offset + at, damage);
      const body = window.subarray(at + recordHeaderBytes, endAt);
      const fault = this.#bodyFault(header, body);
      if (fault === undefined) {
        records.push({ sequence: header.sequence, body });
        this.#lastSequence = header.sequence;
        this.#summary.lastWholeSequence = header.sequence;
        this.#summary.endOffset = this.#offset + endAt;
      } else {
        damage.push({
          offset: this.#offset + at,
          bytes: Math.min(endAt, window.length) - at,
          reason: fault,
          afterSequence: this.#lastSequence,
        });
        this.#lastSequence = header.sequence;
      }
      at = Math.min(window.length, nextAt);
    }
    if (isEnd) this.#finish(window, at, damage);
    const rest = window.subarray(at);
    this.#offset += at;
    return { records, damage, rest, neededBytes };
  }

  #headerAt(window: Buffer, at: number): RecordHeader | undefined {
    const header = decodeRecordHeader(window, at, this.#salt);
    if (header === undefined || header.sequence <= this.#lastSequence) return undefined;
    const { sequence, durableSequence } = header;
    if (sequence > this.#summary.lastSequence) this.#summary.lastSequence = sequence;
    if (durableSequence > this.#summary.durableSequence) {
      this.#summary.durableSequence = durableSequence;
    }
    return header;
  }

  #bodyFault(header: RecordHeader, body: Buffer): string | undefined {
    if (body.length < header.bodyBytes) {
      return `record ${header.sequence} has ${body.length} of ${header.bodyBytes} bytes`;
    }
    const computed = crc32(body);
    if (computed === header.bodyCrc) return undefined;
    const [expected, actual] = [header.bodyCrc.toString(16), computed.toString(16)];
    return `record ${header.sequence}: body crc ${expected} but computed ${actual}`;
  }

  #endDamage(endOffset: number, damage: ScannedDamage[]): void {
    if (this.#damagedFrom === undefined) return;
    damage.push({
      offset: this.#damagedFrom,
      bytes: endOffset - this.#damagedFrom,
      reason: `no record header after record ${this.#lastSequence}`,
      afterSequence: this.#lastSequence,
    });
    this.#damagedFrom = undefined;
  }

  /** What is left at the end of the file and is not even a header. */
  #finish(window: Buffer, at: number, damage: ScannedDamage[]): void {
    if (at < window.length) this.#damagedFrom ??= this.#offset + at;
    this.#endDamage(this.#endOffset, damage);
  }
}

/** The next aligned place that begins as a record does, else the first too near the end to tell. */
function nextCandidate(window: Buffer, from: number): number {
  const last = Math.max(from, alignUp(window.length - recordHeaderBytes + 1));
  for (let at = from; ; ) {
    const found = window.indexOf(recordMagic, at);
    if (found < 0 || found >= last) return last;
    if (found % recordAlignmentBytes === 0) return found;
    at = found + 1;
  }
}

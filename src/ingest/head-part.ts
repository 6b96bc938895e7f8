import type { Clock } from "#world";
import {
  type BatchLease,
  type BatchStream,
  dayOfSeconds,
  dayStartNs,
  type EntryBatch,
  type Labels,
  secondsPerDay,
} from "#model";
import { HeadLabelIndex } from "./head-label-index.ts";

/** What one row costs besides its bytes: the columns of the batch it is in. */
const rowOverheadBytes = 24;
/** What one stream costs: labels, slices, map entries. */
const streamOverheadBytes = 512;
/** What one slice costs. */
const sliceOverheadBytes = 96;

/** Rows [fromRow, toRow) of a batch: one stream, one day, order of arrival. Offsets are ns since the start of the day. */
export interface HeadSlice {
  readonly batch: EntryBatch;
  readonly fromRow: number;
  readonly toRow: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly lineBytes: number;
}

/** One stream's entries of one day that are not in a segment yet. */
export interface HeadStream {
  readonly labels: Labels;
  /** Its place among the streams of the part, from 0. */
  readonly number: number;
  /** Only ever appended to. */
  readonly slices: HeadSlice[];
  entryCount: number;
  lineBytes: number;
  minOffset: number;
  maxOffset: number;
}

/**
 * The entries of one tenant and one UTC day between two cuts: the unit that becomes a segment. It covers every journal
 * record of its tenant and day from `firstSequence` to `lastSequence`, since records are applied in order.
 */
export class HeadPart {
  readonly tenant: string;
  readonly day: number;
  /** Larger for later parts: sources are ordered by it. */
  readonly order: number;
  readonly baseNs: bigint;
  readonly streams: Map<string, HeadStream> = new Map();
  /** The same streams by their labels, for queries. */
  readonly index: HeadLabelIndex = new HeadLabelIndex();
  /** By the wall clock, for names and records. */
  readonly openedMs: number;
  /** Of monotonic time, as the next: a wall clock that jumps neither hastens nor delays a cut. */
  readonly sinceMonotonicMs: number;
  touchedMonotonicMs: number;
  firstSequence = 0;
  lastSequence = 0;
  entryCount = 0;
  lineBytes = 0;
  /** Over all streams. */
  minOffset: number = Number.POSITIVE_INFINITY;
  maxOffset: number = Number.NEGATIVE_INFINITY;
  /** What it holds in memory, estimated. */
  heapBytes = 0;
  /** Given at the first try to write it, so that a second one replaces what the first may have left. */
  segmentId: string | undefined;
  /** The key of the last try to write it. */
  triedKey: string | undefined;
  /** Set once it is being written to the store; nothing is appended any more. */
  isSealed = false;
  /** Set once a query knows slices of it: their memory may be read long after the part is gone. */
  wasRead = false;
  readonly #leases: BatchLease[] = [];
  #lastBatch: EntryBatch | undefined;

  constructor(options: {
    tenant: string;
    day: number;
    order: number;
    clock: Pick<Clock, "nowMs" | "monotonicMs">;
  }) {
    this.tenant = options.tenant;
    this.day = options.day;
    this.order = options.order;
    this.baseNs = dayStartNs(options.day);
    this.openedMs = options.clock.nowMs();
    this.sinceMonotonicMs = options.clock.monotonicMs();
    this.touchedMonotonicMs = this.sinceMonotonicMs;
  }

  /** Keeps a view of the rows; nothing is copied. All rows must be of this part's day. */
  append(labels: Labels, run: DayRun, batch: EntryBatch, sequence: number): void {
    let stream = this.streams.get(labels.key);
    if (stream === undefined) {
      stream = {
        labels,
        number: this.streams.size,
        slices: [],
        entryCount: 0,
        lineBytes: 0,
        minOffset: Number.POSITIVE_INFINITY,
        maxOffset: Number.NEGATIVE_INFINITY,
      };
      this.streams.set(labels.key, stream);
      this.index.add(stream);
      this.heapBytes += streamOverheadBytes;
    }
    const slice = sliceOf(batch, run);
    stream.slices.push(slice);
    if (batch !== this.#lastBatch) this.#hold(batch);
    const rows = run.toRow - run.fromRow;
    stream.entryCount += rows;
    stream.lineBytes += slice.lineBytes;
    stream.minOffset = Math.min(stream.minOffset, slice.minOffset);
    stream.maxOffset = Math.max(stream.maxOffset, slice.maxOffset);
    this.minOffset = Math.min(this.minOffset, slice.minOffset);
    this.maxOffset = Math.max(this.maxOffset, slice.maxOffset);
    this.entryCount += rows;
    this.lineBytes += slice.lineBytes;
    this.heapBytes += slice.lineBytes + rows * rowOverheadBytes + sliceOverheadBytes;
    if (this.firstSequence === 0) this.firstSequence = sequence;
    this.lastSequence = sequence;
  }

  #hold(batch: EntryBatch): void {
    this.#lastBatch = batch;
    if (batch.lease === undefined) return;
    batch.lease.hold();
    this.#leases.push(batch.lease);
  }

  /** Its entries can be read elsewhere: the memory under them is used again, unless a query has it. */
  letGo(): void {
    this.#lastBatch = undefined;
    if (this.wasRead) return;
    for (const lease of this.#leases) lease.letGo();
    this.#leases.length = 0;
  }
}

/** Rows [fromRow, toRow) of a batch that fall on one UTC day. */
export interface DayRun {
  readonly day: number;
  readonly fromRow: number;
  readonly toRow: number;
}

/** Cuts a stream's rows wherever the day changes; nearly always there is one run. */
export function dayRuns(batch: EntryBatch, stream: BatchStream): DayRun[] {
  const { epochSeconds } = batch;
  const runs: DayRun[] = [];
  let fromRow = stream.fromRow;
  while (fromRow < stream.toRow) {
    const day = dayOfSeconds(epochSeconds[fromRow]!);
    const from = day * secondsPerDay;
    const to = from + secondsPerDay;
    let row = fromRow + 1;
    while (row < stream.toRow && epochSeconds[row]! >= from && epochSeconds[row]! < to) row++;
    runs.push({ day, fromRow, toRow: row });
    fromRow = row;
  }
  return runs;
}

function sliceOf(batch: EntryBatch, run: DayRun): HeadSlice {
  const { epochSeconds, nanos, lineStarts, lineEnds } = batch;
  const base = run.day * secondsPerDay;
  let minOffset = Number.POSITIVE_INFINITY;
  let maxOffset = Number.NEGATIVE_INFINITY;
  let lineBytes = 0;
  for (let row = run.fromRow; row < run.toRow; row++) {
    const offset = (epochSeconds[row]! - base) * 1e9 + nanos[row]!;
    if (offset < minOffset) minOffset = offset;
    if (offset > maxOffset) maxOffset = offset;
    lineBytes += lineEnds[row]! - lineStarts[row]!;
  }
  return { batch, fromRow: run.fromRow, toRow: run.toRow, minOffset, maxOffset, lineBytes };
}

import { RequestError } from "#base";
import { ProtoReader } from "#codec";
import type { BatchBuffers } from "./batch-memory.ts";
import type { DecodedPush, DecodedStream } from "./push-columns.ts";
import { epochSecondsMax } from "./push-columns.ts";
import { MetadataSets } from "./push-metadata.ts";
import type { StreamLabels } from "./validate-labels.ts";

/**
 * Loki's push.proto, read in place: PushRequest{streams=1}, Stream{labels=1, entries=2, hash=3},
 * Entry{timestamp=1, line=2, structuredMetadata=3{name=1, value=2}}. Two passes: count entries,
 * then fill the columns; lines stay where they are. Unknown fields are passed over. Malformed input
 * is a RequestError 400.
 */

/**
 * Gives what is known of a stream whose label text is bytes[from, to); `index` counts the streams
 * that have entries.
 */
export type LabelsOfSpan = (bytes: Buffer, from: number, to: number, index: number) => StreamLabels;

const bytesField1 = 10;
const bytesField2 = 18;
const bytesField3 = 26;

/** Bytes a row takes in all columns. */
const rowColumnBytes = 24;

/**
 * `bytes` is kept by the result. With `buffers`, its columns lie there too, and the result carries
 * them as its lease.
 */
export function decodeProtobufPush(
  bytes: Buffer,
  labelsOf: LabelsOfSpan,
  buffers?: BatchBuffers,
): DecodedPush {
  const reader = new ProtoReader(bytes);
  const rowCount = countEntries(reader);
  const columns = newColumns(rowCount, buffers);
  const sets = new RepeatedSets(bytes);
  const streams: DecodedStream[] = [];
  let streamCount = 0;
  let row = 0;
  reader.at = 0;
  reader.end = bytes.length;
  while (reader.at < bytes.length) {
    const tag = reader.tag("PushRequest");
    if (tag !== bytesField1) {
      expectNot(tag, 1, "Streams");
      reader.skip(tag, "PushRequest");
      continue;
    }
    streamCount++;
    reader.end = reader.span();
    const fromRow = row;
    row = readStream(reader, row, columns, sets);
    if (row > fromRow) {
      const labels = labelsOf(
        bytes,
        columns.labelsFrom ?? 0,
        columns.labelsTo ?? 0,
        streams.length,
      );
      streams.push({ labels, fromRow, toRow: row });
    }
    reader.at = reader.end;
    reader.end = bytes.length;
  }
  const { lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = columns;
  const metadata = sets.sets.build();
  return {
    rowCount,
    bytes,
    lineStarts,
    lineEnds,
    epochSeconds,
    nanos,
    metadataOfRow,
    metadata,
    streams,
    streamCount,
    lease: buffers,
  };
}

interface Columns {
  readonly lineStarts: Uint32Array;
  readonly lineEnds: Uint32Array;
  readonly epochSeconds: Float64Array;
  readonly nanos: Uint32Array;
  readonly metadataOfRow: Uint32Array;
  /** Label text of the stream read last. */
  labelsFrom?: number;
  labelsTo?: number;
}

/** Columns of zeros. */
function newColumns(rowCount: number, buffers: BatchBuffers | undefined): Columns {
  const byteCount = rowCount * rowColumnBytes;
  const buffer =
    buffers?.take(byteCount).fill(0, 0, byteCount).buffer ?? new ArrayBuffer(byteCount);
  const numbers = (index: number): Uint32Array =>
    new Uint32Array(buffer, rowCount * (8 + index * 4), rowCount);
  return {
    epochSeconds: new Float64Array(buffer, 0, rowCount),
    lineStarts: numbers(0),
    lineEnds: numbers(1),
    nanos: numbers(2),
    metadataOfRow: numbers(3),
  };
}

function countEntries(reader: ProtoReader): number {
  const total = reader.bytes.length;
  let count = 0;
  while (reader.at < total) {
    const tag = reader.tag("PushRequest");
    if (tag !== bytesField1) {
      reader.skip(tag, "PushRequest");
      continue;
    }
    reader.end = reader.span();
    while (reader.at < reader.end) {
      const field = reader.tag("StreamAdapter");
      if (field === bytesField2) count++;
      reader.skip(field, "StreamAdapter");
    }
    reader.end = total;
  }
  return count;
}

/** Reads the stream that ends at `reader.end`; returns the next free row. */
function readStream(
  reader: ProtoReader,
  fromRow: number,
  columns: Columns,
  sets: RepeatedSets,
): number {
  const end = reader.end;
  let row = fromRow;
  columns.labelsFrom = columns.labelsTo = 0;
  while (reader.at < end) {
    const tag = reader.tag("StreamAdapter");
    if (tag === bytesField2) {
      reader.end = reader.span();
      readEntry(reader, row++, columns, sets);
      reader.end = end;
    } else if (tag === bytesField1) {
      columns.labelsTo = reader.span();
      columns.labelsFrom = reader.at;
      reader.at = columns.labelsTo;
    } else {
      expectNot(tag, 1, "Labels");
      expectNot(tag, 2, "Entries");
      reader.skip(tag, "StreamAdapter");
    }
  }
  return row;
}

function readEntry(reader: ProtoReader, row: number, columns: Columns, sets: RepeatedSets): void {
  const end = reader.end;
  let metadataFrom = -1;
  let metadataTo = -1;
  while (reader.at < end) {
    const fieldFrom = reader.at;
    const tag = reader.tag("EntryAdapter");
    if (tag === bytesField2) {
      const to = reader.span();
      columns.lineStarts[row] = reader.at;
      columns.lineEnds[row] = to;
      reader.at = to;
    } else if (tag === bytesField1) {
      reader.end = reader.span();
      readTimestamp(reader, row, columns);
      reader.end = end;
    } else if (tag === bytesField3) {
      if (metadataFrom < 0) metadataFrom = fieldFrom;
      reader.at = reader.span();
      metadataTo = reader.at;
    } else {
      expectNot(tag, 1, "Timestamp");
      expectNot(tag, 2, "Line");
      expectNot(tag, 3, "StructuredMetadata");
      reader.skip(tag, "EntryAdapter");
    }
  }
  if (metadataFrom >= 0) columns.metadataOfRow[row] = sets.idOf(metadataFrom, metadataTo);
}

/** google.protobuf.Timestamp; fields that are missing are 0. */
function readTimestamp(reader: ProtoReader, row: number, columns: Columns): void {
  let seconds = 0;
  let nanos = 0;
  while (reader.at < reader.end) {
    const tag = reader.tag("Timestamp");
    if (tag === 8) seconds = reader.int64();
    else if (tag === 16) nanos = reader.int64();
    else reader.skip(tag, "Timestamp");
  }
  if (nanos < 0 || nanos >= 1e9) {
    throw new RequestError(
      400,
      `timestamp: seconds:${seconds} nanos:${nanos}: nanos not in range [0, 1e9)`,
    );
  }
  if (seconds > epochSecondsMax || seconds < -epochSecondsMax) {
    throw new RequestError(400, `timestamp: seconds:${seconds} nanos:${nanos} out of range`);
  }
  columns.epochSeconds[row] = seconds;
  columns.nanos[row] = nanos;
}

/**
 * Metadata of entries by the bytes it arrived as: the same bytes as in the entry before are the
 * same set, without reading them again.
 */
export class RepeatedSets {
  readonly sets: MetadataSets;
  readonly #bytes: Buffer;
  readonly #reader: ProtoReader;
  #from = 0;
  #to = 0;
  #id = 0;

  constructor(bytes: Buffer) {
    this.sets = new MetadataSets(bytes);
    this.#bytes = bytes;
    this.#reader = new ProtoReader(bytes);
  }

  /** bytes[from, to) are fields of an entry, among them all its metadata. */
  idOf(from: number, to: number): number {
    const length = to - from;
    const bytes = this.#bytes;
    if (
      length === this.#to - this.#from &&
      bytes.compare(bytes, this.#from, this.#to, from, to) === 0
    ) {
      return this.#id;
    }
    const reader = this.#reader;
    reader.at = from;
    reader.end = to;
    while (reader.at < to) {
      const tag = reader.tag("EntryAdapter");
      if (tag !== bytesField3) {
        reader.skip(tag, "EntryAdapter");
        continue;
      }
      reader.end = reader.span();
      readPair(reader, this.sets);
      reader.end = to;
    }
    this.#from = from;
    this.#to = to;
    this.#id = this.sets.finish();
    return this.#id;
  }
}

function readPair(reader: ProtoReader, sets: MetadataSets): void {
  let nameFrom = 0;
  let nameTo = 0;
  let valueFrom = 0;
  let valueTo = 0;
  while (reader.at < reader.end) {
    const tag = reader.tag("LabelPairAdapter");
    if (tag === bytesField1) {
      nameTo = reader.span();
      nameFrom = reader.at;
      reader.at = nameTo;
    } else if (tag === bytesField2) {
      valueTo = reader.span();
      valueFrom = reader.at;
      reader.at = valueTo;
    } else {
      expectNot(tag, 1, "Name");
      expectNot(tag, 2, "Value");
      reader.skip(tag, "LabelPairAdapter");
    }
  }
  sets.pair(nameFrom, nameTo, valueFrom, valueTo);
}

/** A known field with another wire type than length-delimited. */
function expectNot(tag: number, field: number, name: string): void {
  if (tag >>> 3 === field) {
    throw new RequestError(400, `proto: wrong wireType = ${tag & 7} for field ${name}`);
  }
}

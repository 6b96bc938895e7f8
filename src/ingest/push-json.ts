import { RequestError } from "#base";
import { JsonReader } from "#codec";
import {
  type DecodedPush,
  type DecodedStream,
  epochSecondsMax,
  GrowingRows,
} from "./push-columns.ts";
import { MetadataSets } from "./push-metadata.ts";
import type { StreamLabels } from "./validate-labels.ts";

/**
 * `{"streams":[{"stream":{…},"values":[["<ns>","<line>",{…}?],…]}]}`, read in place: strings
 * are unescaped where they are, so lines are not copied and `bytes` IS OVERWRITTEN. As tolerant as
 * Loki: unknown keys, further members of an entry and whatever follows the object are ignored, null
 * stands for nothing. Malformed input is a RequestError 400.
 */
export type LabelsOfObject = (bytes: Buffer, from: number, to: number) => StreamLabels;

/** Rows and streams of a JSON body while it is read. */
export class JsonPush {
  readonly reader: JsonReader;
  readonly rows: GrowingRows = GrowingRows.take();
  readonly sets: MetadataSets;
  streams: DecodedStream[] = [];
  streamCount = 0;

  constructor(bytes: Buffer) {
    this.reader = new JsonReader(bytes);
    this.sets = new MetadataSets(bytes);
  }

  build(): DecodedPush {
    const { rows, streams, streamCount } = this;
    const { bytes } = this.reader;
    return { ...rows.finish(), bytes, metadata: this.sets.build(), streams, streamCount };
  }
}

/** `bytes` is kept by the result. */
export function decodeJsonPush(bytes: Buffer, labelsOf: LabelsOfObject): DecodedPush {
  const push = new JsonPush(bytes);
  readRequest(push, () => readStream(push, labelsOf));
  return push.build();
}

/** The outer object; calls `readElement` at every element of "streams" that is not null. */
export function readRequest(push: JsonPush, readElement: () => void): void {
  const { reader } = push;
  if (reader.tryNull()) return;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    if (reader.keyText().toLowerCase() !== "streams") {
      reader.skip();
      continue;
    }
    push.streams = [];
    push.streamCount = 0;
    push.rows.rowCount = 0;
    if (reader.tryNull()) continue;
    reader.expect(0x5b);
    for (let start = true; reader.more(0x5d, start); start = false) {
      if (reader.tryNull()) continue;
      push.streamCount++;
      readElement();
    }
  }
}

function readStream(push: JsonPush, labelsOf: LabelsOfObject): void {
  const { reader, rows } = push;
  const fromRow = rows.rowCount;
  let labels: StreamLabels | undefined;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    reader.key();
    if (reader.is("stream")) {
      if (reader.tryNull()) continue;
      if (reader.peek() !== 0x7b) reader.fail("an object of labels");
      reader.skip();
      labels = labelsOf(reader.bytes, reader.from, reader.to);
    } else if (reader.is("values")) {
      readValues(push);
    } else {
      reader.skip();
    }
  }
  if (rows.rowCount === fromRow) return;
  labels ??= labelsOf(noLabels, 0, noLabels.length);
  push.streams.push({ labels, fromRow, toRow: rows.rowCount });
}

const noLabels = Buffer.from("{}");

function readValues(push: JsonPush): void {
  const { reader } = push;
  if (reader.tryNull()) return;
  reader.expect(0x5b);
  for (let first = true; reader.more(0x5d, first); first = false) {
    if (!reader.tryNull()) readEntry(push);
  }
}

function readEntry(push: JsonPush): void {
  const { reader, rows } = push;
  reader.expect(0x5b);
  if (!reader.more(0x5d, true)) return;
  const row = rows.add();
  reader.string();
  readNanoseconds(reader, row, rows);
  rows.lineStarts[row] = rows.lineEnds[row] = 0;
  rows.metadataOfRow[row] = 0;
  for (let member = 1; reader.more(0x5d, false); member++) {
    if (member === 1) {
      reader.string();
      rows.lineStarts[row] = reader.from;
      rows.lineEnds[row] = reader.to;
    } else if (member === 2) {
      rows.metadataOfRow[row] = readMetadata(push);
    } else {
      reader.skip();
    }
  }
}

/** An object of strings. */
export function readMetadata(push: JsonPush): number {
  const { reader, sets } = push;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    reader.key();
    const nameFrom = reader.from;
    const nameTo = reader.to;
    reader.string();
    sets.pair(nameFrom, nameTo, reader.from, reader.to);
  }
  return sets.finish();
}

/** The string just read as a decimal int64 of nanoseconds, into seconds and nanoseconds. */
function readNanoseconds(reader: JsonReader, row: number, rows: GrowingRows): void {
  const { bytes, to } = reader;
  const negative = bytes[reader.from] === 0x2d && reader.from < to;
  let from = reader.from + (negative ? 1 : 0);
  if (from === to) throw wrongTimestamp(reader);
  while (from < to - 1 && bytes[from] === 0x30) from++;
  let seconds = 0;
  let nanos = 0;
  const split = to - 9;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) throw wrongTimestamp(reader);
    if (i < split) seconds = seconds * 10 + digit;
    else nanos = nanos * 10 + digit;
  }
  if (seconds > epochSecondsMax) throw wrongTimestamp(reader);
  if (negative) {
    seconds = -seconds;
    if (nanos > 0) {
      seconds--;
      nanos = 1e9 - nanos;
    }
  }
  rows.epochSeconds[row] = seconds;
  rows.nanos[row] = nanos;
}

function wrongTimestamp(reader: JsonReader): RequestError {
  const shown = reader.bytes.toString("utf8", reader.from, Math.min(reader.to, reader.from + 40));
  return new RequestError(
    400,
    `invalid JSON: ${JSON.stringify(shown)} is no timestamp in nanoseconds`,
  );
}

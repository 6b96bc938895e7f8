import { StoreError } from "#base";
import { compressSnappyBlock, decompressSnappyBlock, ProtoReader, ProtoWriter } from "#codec";
import { type EntryBatch, type LabelPair, Labels, type PackedSets } from "#model";
import { LevelDetector, type LevelSettings } from "./level.ts";
import { levelOfPairs } from "./level-fields.ts";
import { buildBatch } from "./push-batch.ts";
import { behindVarint, varintAt } from "./push-packed.ts";
import { decodeProtobufPush } from "./push-protobuf.ts";

/**
 * The journal record of one accepted push: who, which streams, and the entries as a snappy block of
 * Loki's PushRequest. Byte by byte in docs/formats/push-record.md. Decoding gives the batch that
 * was accepted, also under another configuration.
 */
const recordVersion = 1;

/** The body's entries have no detected_level yet: it is found again when the record is read. */
const findLevelsFlag = 1;

/** Records come from our own journal; this only keeps a damaged length from taking all memory. */
const recordBytesMax = 0x7fffffff;

/**
 * `asArrived` is the snappy block of the request, given when every row of it was accepted
 * unchanged; then `levels` tells how the levels of the batch were found (undefined: they were not
 * looked for). The parts, one after the other, are the record.
 */
export function encodePushRecord(input: {
  readonly tenant: string;
  readonly batch: EntryBatch;
  readonly asArrived?: { readonly block: Buffer; readonly levels: LevelSettings | undefined };
}): readonly Buffer[] {
  const { tenant, batch, asArrived } = input;
  const header = new ProtoWriter(256);
  header.byte(recordVersion);
  header.byte(asArrived?.levels === undefined ? 0 : findLevelsFlag);
  header.prefixedText(tenant);
  if (asArrived?.levels !== undefined) {
    header.varint(asArrived.levels.jsonDepthMax);
    header.varint(asArrived.levels.fields.length);
    for (const field of asArrived.levels.fields) header.prefixedText(field);
  }
  header.varint(batch.streams.length);
  for (const { labels } of batch.streams) {
    header.varint(labels.size);
    for (const [name, value] of labels.pairs) {
      header.prefixedText(name);
      header.prefixedText(value);
    }
  }
  return [header.finish(), asArrived?.block ?? compressSnappyBlock(encodeBatch(batch))];
}

/** PushRequest of the batch; labels are left out, the header has them. */
function encodeBatch(batch: EntryBatch): Buffer {
  const sets = encodeSets(batch.metadata);
  const writer = new ProtoWriter(batch.bytes.length + batch.rowCount * 24 + 64);
  for (const stream of batch.streams) {
    const streamStart = writer.begin(1);
    for (let row = stream.fromRow; row < stream.toRow; row++) encodeEntry(writer, batch, row, sets);
    writer.end(streamStart);
  }
  return writer.finish();
}

/** Each metadata set as the fields of an entry. */
function encodeSets(metadata: PackedSets): PackedSets {
  const { bytes, count } = metadata;
  const starts = new Uint32Array(count + 1);
  const writer = new ProtoWriter(bytes.length * 2 + 64);
  for (let set = 0; set < count; set++) {
    starts[set] = writer.length;
    let at = metadata.starts[set]!;
    while (at < metadata.starts[set + 1]!) {
      const nameFrom = behindVarint(bytes, at);
      const nameTo = nameFrom + varintAt(bytes, at);
      const valueFrom = behindVarint(bytes, nameTo);
      const valueTo = valueFrom + varintAt(bytes, nameTo);
      const pair = writer.begin(3);
      writer.bytes(1, bytes, nameFrom, nameTo);
      writer.bytes(2, bytes, valueFrom, valueTo);
      writer.end(pair);
      at = valueTo;
    }
  }
  starts[count] = writer.length;
  return { bytes: writer.finish(), starts, count };
}

/** The length is computed beforehand, so that lines are copied once. */
function encodeEntry(writer: ProtoWriter, batch: EntryBatch, row: number, sets: PackedSets): void {
  const seconds = batch.epochSeconds[row]!;
  const nanos = batch.nanos[row]!;
  const lineFrom = batch.lineStarts[row]!;
  const lineTo = batch.lineEnds[row]!;
  const setFrom = sets.starts[batch.metadataOfRow[row]!]!;
  const setTo = sets.starts[batch.metadataOfRow[row]! + 1]!;
  const timeBytes = 2 + varintLength(seconds) + varintLength(nanos);
  const lineBytes = 1 + varintLength(lineTo - lineFrom) + lineTo - lineFrom;
  writer.tag(2, 2);
  writer.varint(2 + timeBytes + lineBytes + setTo - setFrom);
  writer.tag(1, 2);
  writer.varint(timeBytes);
  writer.tag(1, 0);
  writer.varint(seconds);
  writer.tag(2, 0);
  writer.varint(nanos);
  writer.bytes(2, batch.bytes, lineFrom, lineTo);
  writer.raw(sets.bytes, setFrom, setTo);
}

/** Bytes `ProtoWriter.varint` takes. */
function varintLength(value: number): number {
  if (value < 0) return 10;
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** StoreError `corrupt` when the record is not one of ours. `body` is not kept. */
export function decodePushRecord(body: Buffer): {
  readonly tenant: string;
  readonly batch: EntryBatch;
} {
  const reader = new ProtoReader(body);
  try {
    const version = reader.varint();
    if (version !== recordVersion) {
      throw new Error(`version ${recordVersion} expected but found ${version}`);
    }
    const flags = reader.varint();
    const tenant = reader.text();
    const levels = (flags & findLevelsFlag) === 0 ? undefined : readLevels(reader);
    const streams = readStreams(reader);
    const limits = { compressedBytesMax: recordBytesMax, rawBytesMax: recordBytesMax };
    const content = decompressSnappyBlock(body.subarray(reader.at), limits);
    let used = 0;
    const push = decodeProtobufPush(content, (_bytes, _from, _to, index) => {
      const labels = streams[index];
      if (labels === undefined) throw new Error(`more than ${streams.length} streams in the body`);
      used = index + 1;
      const level = levels && levelOfPairs(labels.pairs, levels.fields);
      return { labels, text: "", refusal: undefined, level };
    });
    if (used !== streams.length)
      throw new Error(`${streams.length} streams expected, ${used} found`);
    const detector = levels && new LevelDetector(levels);
    return { tenant, batch: buildBatch(push, undefined, detector) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      "corrupt",
      `push record, near byte ${reader.at} of ${body.length}: ${reason}`,
    );
  }
}

function readLevels(reader: ProtoReader): LevelSettings {
  const jsonDepthMax = reader.varint();
  const count = reader.varint();
  const fields: string[] = [];
  for (let i = 0; i < count; i++) fields.push(reader.text());
  return { fields, jsonDepthMax };
}

function readStreams(reader: ProtoReader): Labels[] {
  const count = reader.varint();
  const streams: Labels[] = [];
  for (let i = 0; i < count; i++) {
    const size = reader.varint();
    const pairs: LabelPair[] = [];
    for (let j = 0; j < size; j++) {
      const name = reader.text();
      pairs.push([name, reader.text()]);
    }
    streams.push(Labels.ofSorted(pairs));
  }
  return streams;
}

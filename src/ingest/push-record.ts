import { StoreError } from "#base";
import { compressSnappyBlock, ProtoReader, ProtoWriter } from "#codec";
import { type EntryBatch, type LabelPair, Labels } from "#model";
import type { BatchMemory } from "./batch-memory.ts";
import { LevelDetector, type LevelSettings } from "./level.ts";
import { levelOfPairs } from "./level-fields.ts";
import { buildBatch } from "./push-batch.ts";
import type { LabelsOfSpan } from "./push-protobuf.ts";
import { encodeEntries } from "./push-record-entries.ts";
import { decodeSnappyPush } from "./push-snappy.ts";

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
  return [header.finish(), asArrived?.block ?? compressSnappyBlock(encodeEntries(batch))];
}

/**
 * StoreError `corrupt` when the record is not one of ours. `body` is not kept. With `memory` the
 * batch has a lease, to be let go of.
 */
export function decodePushRecord(
  body: Buffer,
  memory?: BatchMemory,
): {
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
    let used = 0;
    const labelsOf: LabelsOfSpan = (_bytes, _from, _to, index) => {
      const labels = streams[index];
      if (labels === undefined) throw new Error(`more than ${streams.length} streams in the body`);
      used = index + 1;
      const level = levels && levelOfPairs(labels.pairs, levels.fields);
      return { labels, text: "", refusal: undefined, level };
    };
    const push = decodeSnappyPush(body.subarray(reader.at), { limits, labelsOf, memory });
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

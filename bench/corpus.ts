/**
 * A corpus is a file of push requests, each a length (u32, little endian) and a snappy block of
 * Loki's PushRequest, beside a `.json` file of facts. Whoever has such a file can measure with it.
 */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { compressSnappyBlock, decompressSnappyBlock, ProtoReader, ProtoWriter } from "#codec";
import { type Dice, lineShapes, seededDice } from "./line-shapes.ts";

export interface CorpusFacts {
  readonly rawBytes: number;
  readonly entries: number;
  readonly batches: number;
  readonly streams: number;
  /** Milliseconds since 1970; `end` is after the last entry. */
  readonly start: number;
  readonly end: number;
}

export interface Corpus {
  readonly facts: CorpusFacts;
  readonly requests: readonly Buffer[];
}

export const needle = "needle=zq7Xk9Vw";
const needleEvery = 1_000_003;
const needleAt = 500_000;
const streamsPerRequest = 20;
const linesPerStream = 350;
const hostsPerApp = 8;
const startMs: number = Date.parse("2026-01-10T00:00:00Z");

interface CorpusStream {
  readonly labels: string;
  readonly makeLine: (timeMs: number) => string;
}

function corpusStreams(dice: Dice): CorpusStream[] {
  const streams: CorpusStream[] = [];
  for (const [app, shape] of lineShapes) {
    for (let host = 0; host < hostsPerApp; host++) {
      const env = host % 2 === 0 ? "dev" : "prod";
      const labels =
        `{app="${app}", host="host-${host}", env="${env}", ` + `replica="${streams.length}"}`;
      streams.push({ labels, makeLine: (timeMs) => shape(dice, timeMs) });
    }
  }
  return streams;
}

/** Writes a corpus of about `bytes` of lines; the same file for the same arguments. */
export function generateCorpus(path: string, bytes: number, seed: number): CorpusFacts {
  const dice = seededDice(seed);
  const streams = corpusStreams(dice);
  const file = openSync(path, "w");
  let [rawBytes, entries, batches, clockMs] = [0, 0, 0, startMs];
  while (rawBytes < bytes) {
    const first = dice.upTo(streams.length);
    const request = new ProtoWriter(2 * 1024 * 1024);
    for (let i = 0; i < streamsPerRequest; i++) {
      const { labels, makeLine } = streams[(first + i * 7) % streams.length]!;
      const stream = request.begin(1);
      request.text(1, labels);
      for (let j = 0; j < linesPerStream; j++) {
        clockMs += dice.upTo(600) / 1000;
        const timeMs = Math.floor(clockMs);
        let line = makeLine(timeMs);
        if (entries % needleEvery === needleAt) line += ` ${needle}`;
        entries++;
        rawBytes += appendEntry(request, line, timeMs, entries % 1_000_000);
      }
      request.end(stream);
    }
    const block = compressSnappyBlock(request.finish());
    const length = Buffer.alloc(4);
    length.writeUInt32LE(block.length);
    writeSync(file, length);
    writeSync(file, block);
    batches++;
  }
  closeSync(file);
  const end = Math.ceil(clockMs) + 1;
  const facts = { rawBytes, entries, batches, streams: streams.length, start: startMs, end };
  writeFileSync(`${path}.json`, JSON.stringify(facts));
  return facts;
}

function appendEntry(writer: ProtoWriter, line: string, timeMs: number, nanos: number): number {
  const bytes = Buffer.from(line);
  const entry = writer.begin(2);
  const time = writer.begin(1);
  writer.tag(1, 0);
  writer.varint(Math.floor(timeMs / 1000));
  writer.tag(2, 0);
  writer.varint((timeMs % 1000) * 1_000_000 + nanos);
  writer.end(time);
  writer.bytes(2, bytes, 0, bytes.length);
  writer.end(entry);
  return bytes.length;
}

export function readCorpus(path: string): Corpus {
  const facts = JSON.parse(readFileSync(`${path}.json`, "utf8")) as CorpusFacts;
  const bytes = readFileSync(path);
  const requests: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    requests.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { facts, requests };
}

export interface CorpusEntry {
  readonly seconds: number;
  readonly nanos: number;
  readonly line: Buffer;
}

export interface CorpusRows {
  readonly labels: string;
  readonly entries: readonly CorpusEntry[];
}

const limits = { compressedBytesMax: 2 ** 31 - 1, rawBytesMax: 2 ** 31 - 1 };

/** The streams of one request. Lines are views of the request's bytes. */
export function readRequest(block: Buffer): CorpusRows[] {
  const bytes = decompressSnappyBlock(block, limits);
  const reader = new ProtoReader(bytes);
  const streams: CorpusRows[] = [];
  while (reader.at < bytes.length) {
    reader.tag("PushRequest");
    const streamEnd = reader.span();
    let labels = "";
    const entries: CorpusEntry[] = [];
    while (reader.at < streamEnd) {
      const tag = reader.tag("Stream");
      const end = reader.span();
      if (tag === 10) labels = bytes.toString("utf8", reader.at, end);
      else entries.push(readEntry(reader, bytes, end));
      reader.at = end;
    }
    streams.push({ labels, entries });
  }
  return streams;
}

function readEntry(reader: ProtoReader, bytes: Buffer, end: number): CorpusEntry {
  let [seconds, nanos] = [0, 0];
  let line: Buffer = bytes.subarray(0, 0);
  while (reader.at < end) {
    const tag = reader.tag("Entry");
    const to = reader.span();
    if (tag === 10) {
      while (reader.at < to) {
        if (reader.tag("Timestamp") === 8) seconds = reader.int64();
        else nanos = reader.int64();
      }
    } else {
      line = bytes.subarray(reader.at, to);
    }
    reader.at = to;
  }
  return { seconds, nanos, line };
}

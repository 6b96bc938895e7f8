/** The same lines in other requests: many small ones, JSON, OpenTelemetry. */
import { compressSnappyBlock, ProtoWriter } from "#codec";
import { type Corpus, type CorpusEntry, type CorpusRows, readRequest } from "./corpus.ts";
import { seededDice } from "./line-shapes.ts";
import { type PushJob, snappyHeaders } from "./push-load.ts";

const smallConnections = 1000;
const smallBytesMin = 1024;
const smallBytesMax: number = 100 * 1024;
const otherConnections = 4;

export type PushCase = "small" | "json" | "otlp";

export function pushCase(corpus: Corpus, kind: PushCase, bytes: number): PushJob {
  switch (kind) {
    case "small":
      return smallPushes(corpus, bytes);
    case "json":
      return {
        path: "/loki/api/v1/push",
        headers: { "content-type": "application/json" },
        connections: otherConnections,
        ...bodiesOf(corpus, bytes, jsonBody),
      };
    case "otlp":
      return {
        path: "/otlp/v1/logs",
        headers: { "content-type": "application/x-protobuf" },
        connections: otherConnections,
        ...bodiesOf(corpus, bytes, otlpBody),
      };
    default:
      return kind satisfies never;
  }
}

type Bodies = Pick<PushJob, "bodies" | "rawBytes">;

function bodiesOf(corpus: Corpus, bytes: number, bodyOf: (rows: CorpusRows[]) => Buffer): Bodies {
  const bodies: Buffer[] = [];
  let rawBytes = 0;
  for (const request of corpus.requests) {
    if (rawBytes >= bytes) break;
    const rows = readRequest(request);
    for (const { entries } of rows) for (const { line } of entries) rawBytes += line.length;
    bodies.push(bodyOf(rows));
  }
  return { bodies, rawBytes };
}

/** One stream each, 1 to 100 KiB of lines, as agents of small nodes send. */
function smallPushes(corpus: Corpus, bytes: number): PushJob {
  const dice = seededDice(7);
  const bodies: Buffer[] = [];
  let rawBytes = 0;
  for (const request of corpus.requests) {
    for (const { labels, entries } of readRequest(request)) {
      let from = 0;
      while (from < entries.length) {
        const wanted = smallBytesMin + dice.upTo(smallBytesMax - smallBytesMin);
        let [to, size] = [from, 0];
        while (to < entries.length && size < wanted) size += entries[to++]!.line.length;
        bodies.push(protobufBody([{ labels, entries: entries.slice(from, to) }]));
        rawBytes += size;
        from = to;
      }
    }
    if (rawBytes >= bytes) break;
  }
  return {
    path: "/loki/api/v1/push",
    headers: snappyHeaders,
    connections: smallConnections,
    bodies,
    rawBytes,
  };
}

function nanosOf({ seconds, nanos }: CorpusEntry): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}

function labelsOf(text: string): [name: string, value: string][] {
  return [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]);
}

function jsonBody(rows: CorpusRows[]): Buffer {
  const streams = rows.map(({ labels, entries }) => ({
    stream: Object.fromEntries(labelsOf(labels)),
    values: entries.map((entry) => [nanosOf(entry), entry.line.toString("utf8")]),
  }));
  return Buffer.from(JSON.stringify({ streams }));
}

function protobufBody(rows: CorpusRows[]): Buffer {
  const writer = new ProtoWriter(64 * 1024);
  for (const { labels, entries } of rows) {
    const stream = writer.begin(1);
    writer.text(1, labels);
    for (const { seconds, nanos, line } of entries) {
      const entry = writer.begin(2);
      const time = writer.begin(1);
      writer.tag(1, 0);
      writer.varint(seconds);
      writer.tag(2, 0);
      writer.varint(nanos);
      writer.end(time);
      writer.bytes(2, line, 0, line.length);
      writer.end(entry);
    }
    writer.end(stream);
  }
  return compressSnappyBlock(writer.finish());
}

/** ExportLogsServiceRequest: a resource per stream, its labels as attributes of the resource. */
function otlpBody(rows: CorpusRows[]): Buffer {
  const writer = new ProtoWriter(2 * 1024 * 1024);
  const time = Buffer.alloc(8);
  for (const { labels, entries } of rows) {
    const resourceLogs = writer.begin(1);
    const resource = writer.begin(1);
    for (const [name, value] of labelsOf(labels)) {
      const attribute = writer.begin(1);
      writer.text(1, name === "app" ? "service.name" : name);
      const any = writer.begin(2);
      writer.text(1, value);
      writer.end(any);
      writer.end(attribute);
    }
    writer.end(resource);
    const scopeLogs = writer.begin(2);
    for (const entry of entries) {
      const record = writer.begin(2);
      time.writeBigUInt64LE(BigInt(nanosOf(entry)));
      writer.tag(1, 1);
      writer.raw(time, 0, 8);
      const body = writer.begin(5);
      writer.bytes(1, entry.line, 0, entry.line.length);
      writer.end(body);
      writer.end(record);
    }
    writer.end(scopeLogs);
    writer.end(resourceLogs);
  }
  return Buffer.from(writer.finish());
}

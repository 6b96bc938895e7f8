/**
 * Decoding of pushes: MiB of lines per second, by step.
 *
 *     node bench/micro/push-decode.bench.ts [FILE]
 *
 * FILE holds requests as the whole-process benchmark sends them (a u32 length, then a snappy block,
 * again and again); without it 8 MiB of requests are made up.
 */
import { readFileSync } from "node:fs";
import { seededRandom } from "#world";
import { Bench } from "tinybench";
import { compressSnappyBlock, decompressSnappyBlock, ProtoWriter } from "../../src/codec/index.ts";
import { defaultLimits, type Limits } from "../../src/config/index.ts";
import { Distributor } from "../../src/ingest/distributor.ts";
import { LevelDetector } from "../../src/ingest/level.ts";
import { decodeJsonPush } from "../../src/ingest/push-json.ts";
import { decodeProtobufPush } from "../../src/ingest/push-protobuf.ts";
import { decodePushRecord } from "../../src/ingest/push-record.ts";
import { stillClock } from "../../src/ingest/push-test-kit.ts";
import { streamLabelsOf } from "../../src/ingest/validate-labels.ts";

const bodyLimits = { compressedBytesMax: 2 ** 30, rawBytesMax: 2 ** 30 };
const limits: Limits = {
  ...defaultLimits,
  rejectOldSamples: false,
  ingestionRateBytesPerSecond: 1e15,
  ingestionBurstBytes: 1e15,
  perStreamRateBytesPerSecond: 0,
};

function madeUpRequest(seed: number): Buffer {
  const random = seededRandom(seed);
  const writer = new ProtoWriter(2 ** 20);
  for (let s = 0; s < 20; s++) {
    const stream = writer.begin(1);
    writer.text(1, `{app="bench", host="h-${s}"}`);
    for (let i = 0; i < 350; i++) {
      const id = random.bytes(8).toString("hex");
      const level = ["info", "info", "warn", "debug"][i % 4]!;
      const lines = [
        `ts=2026-01-10T00:00:00Z caller=flush.go:${i} level=${level} msg="flushing chunk" trace=${id}`,
        `{"ts":"2026-01-10T00:00:00Z","level":"${level}","msg":"request handled","trace":"${id}"}`,
        `Jan 10 00:00:00 combo sshd(pam_unix)[${i}]: authentication failure; uid=0 euid=0 rhost=${id}`,
        `081109 203615 148 dfs.DataNode$PacketResponder: PacketResponder ${i} for block ${id}`,
      ];
      const entry = writer.begin(2);
      const time = writer.begin(1);
      writer.tag(1, 0);
      writer.varint(1_768_003_200 + i);
      writer.tag(2, 0);
      writer.varint(i * 1000);
      writer.end(time);
      writer.text(2, lines[(s + i) % lines.length]!);
      writer.end(entry);
    }
    writer.end(stream);
  }
  return compressSnappyBlock(writer.finish());
}

function requests(): Buffer[] {
  const path = process.argv[2];
  if (path === undefined) return Array.from({ length: 12 }, (_, i) => madeUpRequest(i + 1));
  const file = readFileSync(path);
  const blocks: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at);
    blocks.push(file.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return blocks;
}

function distributorOf(discoverLogLevels: boolean): Distributor {
  const all = { ...limits, discoverLogLevels };
  return new Distributor({
    limits: { for: () => all },
    clock: stillClock,
    active: { count: () => 0, has: () => false },
    observer: { received: () => undefined, discarded: () => undefined },
    body: bodyLimits,
  });
}

const blocks = requests();
const raw = blocks.map((block) => decompressSnappyBlock(block, bodyLimits));
const labels = streamLabelsOf([["app", "bench"]], limits);
const decoded = raw.map((bytes) => decodeProtobufPush(bytes, () => labels));
let lineBytes = 0;
for (const push of decoded) {
  for (let i = 0; i < push.rowCount; i++) lineBytes += push.lineEnds[i]! - push.lineStarts[i]!;
}
const json = decoded.map((push) => {
  const values = Array.from({ length: push.rowCount }, (_, i) => [
    "1768003201000000000",
    push.bytes.toString("utf8", push.lineStarts[i], push.lineEnds[i]),
  ]);
  return Buffer.from(JSON.stringify({ streams: [{ stream: { app: "bench" }, values }] }));
});
const push = (distributor: Distributor, body: Buffer, contentType: string): readonly Buffer[] => {
  const input = { tenant: "t", kind: "loki", contentEncoding: undefined } as const;
  const { reply, accepted } = distributor.push({ ...input, contentType, body });
  if (accepted === undefined) throw new Error(reply.text);
  return accepted.record;
};
const protobufType = "application/x-protobuf";
const plain = distributorOf(false);
const levelled = distributorOf(true);
const records = blocks.map((block) => Buffer.concat(push(levelled, block, protobufType)));
const detector = new LevelDetector({ fields: defaultLimits.logLevelFields, jsonDepthMax: 2 });

const bench = new Bench({ time: 1500, warmupTime: 500 });
bench.add("snappy", () => {
  for (const block of blocks) decompressSnappyBlock(block, bodyLimits);
});
bench.add("protobuf into columns", () => {
  for (const bytes of raw) decodeProtobufPush(bytes, () => labels);
});
bench.add("levels of lines", () => {
  for (const { bytes, rowCount, lineStarts, lineEnds } of decoded) {
    for (let i = 0; i < rowCount; i++) detector.detect(bytes, lineStarts[i]!, lineEnds[i]!);
  }
});
bench.add("push of protobuf, levels off", () => {
  for (const block of blocks) push(plain, block, protobufType);
});
bench.add("push of protobuf", () => {
  for (const block of blocks) push(levelled, block, protobufType);
});
bench.add("replay of its records", () => {
  for (const record of records) decodePushRecord(record);
});
bench.add("JSON into columns (with a copy)", () => {
  for (const body of json) decodeJsonPush(Buffer.from(body), () => labels);
});
bench.add("push of JSON (with a copy)", () => {
  for (const body of json) push(levelled, Buffer.from(body), "application/json");
});
await bench.run();
console.table(
  bench.tasks.map(({ name, result }) => {
    const ms = result.state === "completed" ? result.latency.p50 : Number.NaN;
    return { step: name, "MiB of lines/s": Math.round((lineBytes / 2 ** 20 / ms) * 1000) };
  }),
);

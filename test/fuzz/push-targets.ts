/** What clients send: pushes of each kind, and the compressions around them. */
import assert from "node:assert/strict";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { MiB, RequestError } from "#base";
import { compressSnappyBlock, decompressBody, decompressSnappyBlock } from "#codec";
import { defaultLimits } from "#config";
import { decodePushRecord, type PushKind } from "#ingest";
import { Labels } from "#model";
import { compressSnappyFrames, decompressSnappyFrames } from "../../src/grpc/snappy-frames.ts";
import { LevelDetector } from "../../src/ingest/level.ts";
import { buildBatch } from "../../src/ingest/push-batch.ts";
import type { LabelsOfSpan } from "../../src/ingest/push-protobuf.ts";
import { decodeSnappyPush } from "../../src/ingest/push-snappy.ts";
import { pushMessage, rowsOf, testDistributor } from "../../src/ingest/push-test-kit.ts";
import { isRefusal, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { sealSnappyFrames } from "./seals.ts";

const ns = "1768003201000000000";
const entry = `["${ns}","level=info x",{"a.b":"1"}]`;

const ordinaryPush = pushMessage([[{ app: "a" }, [[BigInt(ns) + 7n, "level=info x", { k: "v" }]]]]);

/** A log record whose body is a value of each kind, nested. */
const otlpMessage = Buffer.from(
  "CkUKFwoVCgxzZXJ2aWNlLm5hbWUSBQoDc3ZjEioSEwkAyltFizWJGCoICgZsaW5lIDESEwkAlPaAizWJGCoICgZsaW5lIDI=",
  "base64",
);

function otlpDeepMessage(): Buffer {
  let value = Buffer.from("0a0178", "hex");
  for (let depth = 0; depth < 12; depth++) {
    const list = Buffer.concat([Buffer.from([0x0a, value.length]), value]);
    value = Buffer.concat([Buffer.from([0x2a, list.length]), list]);
  }
  const record = Buffer.concat([Buffer.from([0x2a, value.length]), value]);
  const scope = Buffer.concat([Buffer.from([0x12, record.length]), record]);
  const resource = Buffer.concat([Buffer.from([0x12, scope.length]), scope]);
  return Buffer.concat([Buffer.from([0x0a, resource.length]), resource]);
}

const jsonWords = [
  "null",
  "true",
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '\\u0000"',
  "\\ud800",
  "-1",
  "-0",
  "1e999",
  "9223372036854775808",
  "{}",
  '"values"',
  '"__proto__"',
];

const namesWithNothing = /label name is empty|normalization for label name/;

function pushTarget(
  name: string,
  kind: PushKind,
  contentType: string,
  seeds: readonly Buffer[],
): FuzzTarget {
  const distributor = testDistributor({ discoverLogLevels: true });
  return {
    name,
    seeds,
    words: jsonWords,
    run: (body) => {
      const { reply, accepted } = distributor.push({ kind, contentType, body });
      // Loki answers a name of structured metadata with nothing left with 500, OTLP with 503.
      const isLokis = reply.status >= 500 && namesWithNothing.test(reply.text);
      const isRefused = [400, 413, 422].includes(reply.status);
      assert.ok(reply.status < 300 || isRefused || isLokis, `${reply.status} ${reply.text}`);
      if (accepted !== undefined) {
        const { batch } = decodePushRecord(Buffer.concat(accepted.record));
        assert.equal(batch.rowCount, accepted.batch.rowCount, "rows of the record");
      }
    },
  };
}

const pushes: readonly FuzzTarget[] = [
  pushTarget(
    "push-json",
    "loki",
    "application/json",
    texts(
      `{"streams":[{"stream":{"app":"a","b":"\\n"},"values":[${entry}]}]}`,
      `{"streams":[{"stream":{"app":"a"},"values":[["${ns}","{\\"level\\":\\"WARN\\"}",{"x":"\\u00e9","x":"2"}],["1","\\ud83e\\udd8a\\ud800"]]},{"stream":{}}]}`,
      `\ufeff{"streams":[]}`,
    ),
  ),
  pushTarget(
    "push-json-legacy",
    "loki-v0",
    "application/json",
    texts(
      '{"streams":[{"labels":"{a=\\"b\\"}","entries":[{"ts":"2026-01-10T00:00:01Z","line":"x"}]}]}',
      '{"streams":[{"labels":"{a=`b`, c=\\"\\\\x41\\"}","entries":[{"ts":"2026-01-10T00:00:01.999999999+23:59","line":"","structuredMetadata":{"k":"v"}}]}]}',
    ),
  ),
  pushTarget("push-protobuf", "loki-message", "application/x-protobuf", [
    ordinaryPush,
    Buffer.concat([ordinaryPush, ordinaryPush]),
    Buffer.from("0affffffff7f0aff0a05", "hex"),
  ]),
  pushTarget(
    "otlp-json",
    "otlp",
    "application/json",
    texts(
      `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"${ns}","body":{"arrayValue":{"values":[{"intValue":"1"},{"kvlistValue":{"values":[]}}]}},"traceId":"","flags":1}]}]}]}`,
      `{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"n","version":"v","attributes":[{"key":"k","value":{"bytesValue":"AAE="}}]},"logRecords":[{"observedTimeUnixNano":${ns},"severityNumber":9,"severityText":"INFO","traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","droppedAttributesCount":1,"body":{"doubleValue":"NaN"},"attributes":[{"key":"a","value":{"boolValue":true}}]}]}]}]}`,
    ),
  ),
  pushTarget("otlp-protobuf", "otlp", "application/x-protobuf", [otlpMessage, otlpDeepMessage()]),
];

const bodyLimits = { compressedBytesMax: MiB, rawBytesMax: MiB };
const encodings = ["gzip", "deflate", "zstd", "lz4"] as const;
const hello = "hello hello hello";

const bodies: FuzzTarget = {
  name: "compressed-bodies",
  seeds: [
    Buffer.concat([Buffer.from([0]), gzipSync(hello)]),
    Buffer.concat([Buffer.from([0]), gzipSync(hello), gzipSync(hello)]),
    Buffer.concat([Buffer.from([1]), deflateSync(hello)]),
    Buffer.concat([Buffer.from([2]), zstdCompressSync(hello)]),
    Buffer.from("0304224d18604082040000006c696e650000000000", "hex"),
    // A block of one literal and a match that overlaps what it writes; a skippable frame before.
    Buffer.from("03502a4d1803000000aabbcc04224d186040820500000" + "01f610100000000000000", "hex"),
    Buffer.concat([Buffer.from([4]), compressSnappyBlock(Buffer.from(hello))]),
    Buffer.from("04ffffffff0f00", "hex"),
    Buffer.concat([Buffer.from([0]), gzipSync(Buffer.alloc(3 * MiB))]),
    Buffer.concat([Buffer.from([2]), zstdCompressSync(Buffer.alloc(3 * MiB))]),
  ],
  run: (input) => {
    const encoding = encodings[(input[0] ?? 0) % (encodings.length + 1)];
    const body = input.subarray(1);
    mayThrow(isRefusal, () => {
      const raw =
        encoding === undefined
          ? decompressSnappyBlock(body, bodyLimits)
          : decompressBody(body, encoding, bodyLimits);
      assert.ok(raw.length <= bodyLimits.rawBytesMax, `${raw.length} bytes`);
    });
  },
};

const detector = new LevelDetector({ fields: defaultLimits.logLevelFields, jsonDepthMax: 2 });

const labelsOf: LabelsOfSpan = (bytes, from, to) => {
  const text = bytes.toString("latin1", from, to);
  return { labels: Labels.ofSorted([["text", text]]), text, refusal: undefined, level: undefined };
};

/** What the kernel makes of a block (0) and what the plain code does (Infinity), or how they refuse. */
function readBlock(block: Buffer, kernelFromBytes: number): unknown {
  const limits = { compressedBytesMax: MiB, rawBytesMax: MiB };
  try {
    const push = decodeSnappyPush(block, { limits, labelsOf, kernelFromBytes });
    return rowsOf(buildBatch(push, undefined, detector));
  } catch (error) {
    // A name of metadata with nothing left is 500, as Loki has it.
    if (error instanceof RequestError) return String(error);
    throw error;
  }
}

/** The first byte: is the rest a message, or a block as it comes? */
const snappyBlocks: FuzzTarget = {
  name: "push-snappy",
  seeds: [
    Buffer.concat([Buffer.from([0]), ordinaryPush, ordinaryPush]),
    Buffer.concat([Buffer.from([1]), compressSnappyBlock(ordinaryPush)]),
    Buffer.from("010affffff0f", "hex"),
  ],
  words: ['{"level":"error"}', "level=warn ", "ERR", "\u0061", "[info]"],
  run: (input) => {
    const rest = input.subarray(1);
    const block = (input[0] ?? 0) % 2 === 0 ? compressSnappyBlock(rest) : rest;
    const kernel = readBlock(Buffer.from(block), 0);
    assert.deepEqual(kernel, readBlock(Buffer.from(block), Number.POSITIVE_INFINITY));
  },
};

const grpcFrames: FuzzTarget = {
  name: "snappy-frames",
  seeds: [
    compressSnappyFrames(Buffer.from("level=info x")),
    compressSnappyFrames(Buffer.alloc(9_000)),
    Buffer.concat([compressSnappyFrames(Buffer.from("a")), compressSnappyFrames(Buffer.alloc(0))]),
  ],
  sealed: sealSnappyFrames,
  run: (bytes) =>
    mayThrow(isRefusal, () => {
      assert.ok(decompressSnappyFrames(bytes, 8_000).length <= 8_000);
    }),
};

export const pushTargets: readonly FuzzTarget[] = [...pushes, snappyBlocks, bodies, grpcFrames];

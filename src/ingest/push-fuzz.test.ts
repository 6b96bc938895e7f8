import assert from "node:assert/strict";
import { test } from "node:test";
import { compressSnappyBlock } from "#codec";
import fc from "fast-check";
import type { PushKind } from "./distributor.ts";
import { decodePushRecord } from "./push-record.ts";
import { pushMessage, rowsOf, testDistributor } from "./push-test-kit.ts";

/** Damaged requests: `push` must answer, never throw, and what it accepts must be sound. */

const ns = "1768003201000000000";
const json = JSON.stringify({
  streams: [{ stream: { app: "a", b: "\n" }, values: [[ns, '{"level":"info"}', { "a.b": "1" }]] }],
});
const legacy = JSON.stringify({
  streams: [{ labels: '{app="a"}', entries: [{ ts: "2026-01-10T00:00:01Z", line: "x" }] }],
});
const list = { arrayValue: { values: [{ intValue: "1" }, { doubleValue: 0.5 }] } };
const otlpJson = JSON.stringify({
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "s" } }] },
      scopeLogs: [{ logRecords: [{ timeUnixNano: ns, body: list, traceId: "", flags: 1 }] }],
    },
  ],
});

const protobuf = pushMessage([[{ app: "a" }, [[BigInt(ns), "level=info x", { k: "v" }]]]]);

const otlpProtobuf = Buffer.from(
  "CkUKFwoVCgxzZXJ2aWNlLm5hbWUSBQoDc3ZjEioSEwkAyltFizWJGCoICgZsaW5lIDESEwkAlPaAizWJGCoICgZsaW5lIDI=",
  "base64",
);

const seeds: readonly (readonly [PushKind, string, Buffer, (body: Buffer) => Buffer])[] = [
  ["loki", "application/json", Buffer.from(json), (body) => body],
  ["loki-v0", "application/json", Buffer.from(legacy), (body) => body],
  ["loki", "application/x-protobuf", protobuf, compressSnappyBlock],
  ["loki", "application/x-protobuf", compressSnappyBlock(protobuf), (body) => body],
  ["otlp", "application/json", Buffer.from(otlpJson), (body) => body],
  ["otlp", "application/x-protobuf", otlpProtobuf, (body) => body],
];

type Change = readonly [at: number, kind: number, value: number];

function damaged(seed: Buffer, changes: readonly Change[]): Buffer {
  let body = Buffer.from(seed);
  for (const [position, kind, value] of changes) {
    if (body.length === 0) return body;
    const at = position % body.length;
    if (kind === 0) body[at] = value;
    else if (kind === 1) body = body.subarray(0, at);
    else if (kind === 2) body = Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]);
    else body = Buffer.concat([body.subarray(0, at), Buffer.from([value]), body.subarray(at)]);
  }
  return body;
}

for (const [kind, contentType, seed, wrap] of seeds) {
  test(`damaged ${kind} ${contentType}${wrap === compressSnappyBlock ? " inside snappy" : ""}`, () => {
    const distributor = testDistributor({ discoverLogLevels: true });
    const sound = distributor.push({ kind, contentType, body: wrap(Buffer.from(seed)) });
    assert.equal(sound.reply.status, 204, sound.reply.text);
    const change = fc.tuple(fc.nat(1000), fc.nat(3), fc.nat(255));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const body = wrap(damaged(seed, changes));
      const { reply, accepted } = distributor.push({ kind, contentType, body });
      assert.ok([204, 400, 413, 422, 500, 503].includes(reply.status), `${reply.status}`);
      if (accepted === undefined) return;
      const replayed = decodePushRecord(Buffer.concat(accepted.record));
      assert.deepEqual(rowsOf(replayed.batch), rowsOf(accepted.batch));
    });
    fc.assert(property, { seed: 13, numRuns: 800 });
  });
}

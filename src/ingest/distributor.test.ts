import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { compressSnappyBlock, ProtoWriter } from "#codec";
import type { Limits } from "#config";
import { defaultLimits } from "#config";
import {
  rowsOf,
  snappyPush,
  testDistributor,
  type TestRow,
  type TestStream,
} from "./push-test-kit.ts";

const at = "1768003201000000000";
const one = (labels: unknown, ...values: unknown[]): unknown => ({
  streams: [{ stream: labels, values }],
});
const rowsOfJson = (body: unknown, limits: Partial<Limits> = {}): TestRow[] =>
  rowsOf(testDistributor(limits).json(body).accepted?.batch);

const replies: readonly (readonly [body: unknown, status: number, text?: string])[] = [
  [one({ app: "a" }, [at, "x"]), 204, ""],
  [one({ app: "a" }), 204, ""],
  [one({ app: "a" }, null, [at, "x"]), 204, ""],
  [{ streams: [{ stream: { app: "a" }, values: null }] }, 204, ""],
  [{ streams: [{ labels: "{}", entries: [] }], other: [{}, "[", 1e5] }, 204, ""],
  ['{"streams":[]} trailing', 422, "error at least one valid stream is required for ingestion"],
  ["null", 422],
  ["{}", 422],
  ["", 400],
  ["[]", 400],
  ['{"streams":[{"stream":{"app":"a"},"values":[["1","x"]]}', 400],
  [{ streams: "x" }, 400],
  [{ streams: [5] }, 400],
  [one("x"), 400],
  [{ streams: [{ stream: {}, values: "x" }] }, 400],
  [one({ app: "a" }, [1768003201000000000, "x"]), 400],
  [one({ app: "a" }, ["", "x"]), 400],
  [one({ app: "a" }, ["12a", "x"]), 400],
  [one({ app: "a" }, ["99999999999999999999", "x"]), 400],
  [one({ app: "a" }, [at, null]), 400],
  [one({ app: "a" }, [at, "x", null]), 400],
  [one({ app: "a" }, [at, "x", { n: 1 }]), 400],
  [one({ app: "a" }, [at, "x", { "": "1" }]), 500, "label name is empty"],
  [
    one({ app: "a", "b-c": "x" }, [at, "x"]),
    400,
    "couldn't parse labels: 1:12: parse error: unexpected character inside braces: '-'",
  ],
];
for (const [body, status, text] of replies) {
  const shown = typeof body === "string" ? body : JSON.stringify(body);
  test(`JSON ${shown} is answered ${status}`, () => {
    const { reply, accepted } = testDistributor().json(body);
    assert.equal(reply.status, status, reply.text);
    if (text !== undefined) assert.equal(reply.text, text);
    if (status !== 204) assert.equal(accepted, undefined);
  });
}

test("labels may be any JSON value, empty ones are dropped, the last of a name wins", () => {
  const body = `{"streams":[{"values":[["${at}","x"]],"stream":{"a":5,"b":null,"c":"","d":"1","d":"\\u00e9","e":{"f":1}}}]}`;
  const [row] = rowsOfJson(body);
  assert.equal(
    row?.labels,
    '{a="5", b="null", d="é", e="{\\"f\\":1}", service_name="unknown_service"}',
  );
});

test("times are exact, also before 1970", () => {
  const times = [
    "0",
    "-1",
    "-1000000000",
    "1768003201123456789",
    "00000000000000000001",
    "999999999",
  ];
  const rows = rowsOfJson(one({ a: "1" }, ...times.map((ns) => [ns, ""])));
  assert.deepEqual(
    rows.map((row) => row.ns),
    times.map((ns) => BigInt(ns).toString()),
  );
});

test("lines are unescaped and keep bytes that are not UTF-8", () => {
  const head = Buffer.from(`{"streams":[{"stream":{"a":"1"},"values":[["${at}","f`);
  const body = Buffer.concat([head, Buffer.from([0xff, 0xfe]), Buffer.from('\\to\\u0041"]]}]}')]);
  const result = testDistributor().push({ body });
  assert.equal(rowsOf(result.accepted?.batch)[0]?.line, "f\xff\xfe\toA");
});

test("the old form is read on the old path only", () => {
  const entries = [{ ts: "2026-01-10T00:00:01.5+01:00", line: "old", extra: {} }, null];
  const body = { streams: [{ labels: '{app="a"}', entries }] };
  assert.deepEqual(rowsOfJson(body), []);
  const result = testDistributor().json(body, "loki-v0");
  assert.equal(result.reply.status, 204);
  const rows = rowsOf(result.accepted?.batch);
  assert.deepEqual(
    rows.map(({ ns, line, labels }) => [ns, line, labels]),
    [["1767999601500000000", "old", '{app="a", service_name="a"}']],
  );
  const bad = { streams: [{ labels: "{", entries: [{ ts: "bad", line: "x" }] }] };
  assert.equal(testDistributor().json(bad, "loki-v0").reply.status, 400);
});

const encodings: readonly (readonly [
  encoding: string | undefined,
  type: string | undefined,
  encode: (body: Buffer) => Buffer,
  status: number,
  text: string,
])[] = [
  ["gzip", "application/json", (body) => zlib.gzipSync(body), 204, ""],
  ["deflate", "application/json", (body) => zlib.deflateSync(body), 204, ""],
  ["deflate", "application/json", (body) => zlib.deflateRawSync(body), 204, ""],
  ["GZIP", "application/json", (b) => b, 400, 'Content-Encoding "GZIP" not supported'],
  ["br", undefined, (b) => b, 400, 'Content-Encoding "br" not supported'],
  [undefined, undefined, (b) => b, 400, "mime: no media type"],
  [undefined, "text/json", (b) => b, 400, "snappy: corrupt input"],
  [undefined, "application/json;charset=UTF-8", (b) => b, 204, ""],
];
for (const [contentEncoding, contentType, encode, status, text] of encodings) {
  test(`${String(contentEncoding)}, ${String(contentType)}: ${status} ${text}`, () => {
    const body = encode(Buffer.from(JSON.stringify(one({ app: "a" }, [at, "x"]))));
    const { reply } = testDistributor().push({ body, contentEncoding, contentType });
    assert.deepEqual([reply.status, reply.text], [status, text]);
  });
}

test("a body that grows too large is refused with 413", () => {
  const body = zlib.gzipSync(Buffer.alloc(5 * 2 ** 20, 0x20));
  assert.equal(testDistributor().push({ body, contentEncoding: "gzip" }).reply.status, 413);
});

const serviceNames: readonly (readonly [labels: Record<string, string>, name: string])[] = [
  [{ app: "x", service: "s" }, "s"],
  [{ container: "c", job: "j" }, "c"],
  [{ foo: "x" }, "unknown_service"],
  [{ service_name: "own", app: "x" }, "own"],
  [{ App: "x" }, "unknown_service"],
];
for (const [labels, name] of serviceNames) {
  test(`the service of ${JSON.stringify(labels)} is ${name}`, () => {
    const [row] = rowsOfJson(one(labels, [at, "x"]));
    assert.match(row?.labels ?? "", new RegExp(`service_name="${name}"`));
  });
}

test("levels come from metadata, then labels, then the line", () => {
  const levels = { discoverLogLevels: true, logLevelFields: defaultLimits.logLevelFields };
  const level = (labels: object, line: string, metadata: object = {}): string | undefined =>
    rowsOfJson(one(labels, [at, line, metadata]), levels)[0]?.metadata["detected_level"];
  assert.equal(level({ app: "a" }, "level=warn"), "warn");
  assert.equal(level({ app: "a" }, "plain"), "unknown");
  assert.equal(level({ app: "a", level: "Warning" }, "level=error"), "warn");
  assert.equal(level({ app: "a", severity: "weird" }, "level=error"), "weird");
  assert.equal(level({ app: "a" }, "level=error", { severity: "DEBUG" }), "debug");
  assert.equal(level({ app: "a" }, "error", { severity_number: "9" }), "info");
  assert.equal(level({ app: "a" }, "x", { severity_number: "17", level: "info" }), "info");
  assert.equal(level({ app: "a", level: "warn" }, "x", { detected_level: "own" }), "own");
  const [first, second] = rowsOfJson(
    one({ app: "a" }, [at, "info", { z: "1", a: "2" }], [at, "error", { z: "1", a: "2" }]),
    levels,
  );
  assert.deepEqual(Object.entries(first?.metadata ?? {}), [
    ["a", "2"],
    ["detected_level", "info"],
    ["z", "1"],
  ]);
  assert.equal(second?.metadata["detected_level"], "error");
});

test("OpenTelemetry replies are a Status in protobuf, and 500 becomes 503", () => {
  const writer = new ProtoWriter();
  writer.text(2, "content type: text/plain is not supported");
  const distributor = testDistributor();
  const body = Buffer.from("{}");
  const { reply } = distributor.push({ kind: "otlp", contentType: "text/plain", body });
  assert.equal(reply.status, 400);
  assert.equal(reply.contentType, "application/octet-stream");
  assert.deepEqual(reply.body, writer.finish());
  const attributes = [{ key: "ключ", value: { stringValue: "x" } }];
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes }] }] }] };
  assert.equal(distributor.json(logs, "otlp").reply.status, 503);
});

test("protobuf in any order of fields, with fields nobody knows", () => {
  const writer = new ProtoWriter();
  writer.text(9, "unknown");
  const stream = writer.begin(1);
  const entry = writer.begin(2);
  writer.text(2, "line");
  const time = writer.begin(1);
  writer.tag(1, 0);
  writer.varint(-5);
  writer.tag(2, 0);
  writer.varint(7);
  writer.end(time);
  writer.end(entry);
  writer.text(1, '{ b="2", a="1" }');
  writer.tag(3, 0);
  writer.varint(12345);
  writer.end(stream);
  const empty = writer.begin(1);
  writer.text(1, "not even labels");
  writer.end(empty);
  const body = compressSnappyBlock(writer.finish());
  const result = testDistributor().push({ contentType: "application/x-protobuf", body });
  assert.equal(result.reply.status, 204, result.reply.text);
  assert.deepEqual(rowsOf(result.accepted?.batch), [
    {
      labels: '{a="1", b="2", service_name="unknown_service"}',
      ns: "-4999999993",
      line: "line",
      metadata: {},
    },
  ]);
});

test("of a snappy push nothing is needed once its record is durable, whoever decodes it", () => {
  const long = "a line of some length ".repeat(40);
  const pushes: readonly TestStream[][] = [
    [[{ app: "a" }, [[BigInt(at), "short", {}]]]],
    [[{ app: "a" }, [[BigInt(at), long, { trace: "t1" }]]]],
  ];
  for (const streams of pushes) {
    const block = snappyPush(streams);
    const { accepted } = testDistributor().push({
      contentType: "application/x-protobuf",
      body: block,
    });
    assert.equal(accepted!.isBodySpent, true);
    const before = rowsOf(accepted!.batch);
    block.fill(0xdd);
    assert.deepEqual(rowsOf(accepted!.batch), before);
  }
  assert.equal(testDistributor().json(one({ app: "a" }, [at, "x"])).accepted!.isBodySpent, false);
});

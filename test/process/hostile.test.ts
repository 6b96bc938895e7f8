/** One process, many hostile requests: each gets a clear 4xx soon, memory stays bounded, it lives on. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { compressSnappyBlock } from "#codec";
import { type Random, seededRandom } from "#world";
import { chosenSeed, seedText } from "../support/chosen-seed.ts";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const answerMsMax = 15_000;
const rssMiBMax = 1_500;
const mib = 1024 * 1024;
const nowNs = `${Date.now()}000000`;

interface Hostile {
  readonly name: string;
  readonly path: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are an answer; 4xx when left out. */
  readonly wanted?: readonly number[];
}

const json = { "Content-Type": "application/json" };
const protobuf = { "Content-Type": "application/x-protobuf" };
const push = "/loki/api/v1/push";
const bomb = Buffer.alloc(300 * mib);
const zipped = (encoding: string, body: Buffer): Hostile => ({
  name: `a bomb of ${encoding}`,
  path: push,
  body,
  headers: { ...json, "Content-Encoding": encoding },
});
const pushOf = (stream: string, values: string): string =>
  `{"streams":[{"stream":${stream},"values":[${values}]}]}`;
const jsonPush = (name: string, body: Buffer | string, wanted?: readonly number[]): Hostile => ({
  name,
  path: push,
  body,
  headers: json,
  ...(wanted === undefined ? {} : { wanted }),
});
const query = (name: string, text: string, wanted?: readonly number[]): Hostile => ({
  name,
  path: "/loki/api/v1/query_range",
  body: new URLSearchParams({ query: text, since: "1h" }).toString(),
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  ...(wanted === undefined ? {} : { wanted }),
});

const bombs: readonly Hostile[] = [
  zipped("gzip", gzipSync(bomb)),
  zipped("deflate", deflateSync(bomb)),
  zipped("zstd", zstdCompressSync(bomb)),
  zipped("br", brotliCompressSync(Buffer.alloc(mib))),
  {
    name: "a bomb of snappy",
    path: push,
    body: compressSnappyBlock(bomb),
    headers: protobuf,
  },
  {
    name: "snappy that promises four gigabytes",
    path: push,
    body: Buffer.from("ffffffff0f00", "hex"),
    headers: protobuf,
  },
];

const pushes: readonly Hostile[] = [
  jsonPush("JSON nested 100,000 deep", "[".repeat(100_000)),
  jsonPush("objects nested 100,000 deep", '{"a":'.repeat(100_000)),
  jsonPush("a giant label", pushOf(`{"a":"${"x".repeat(mib)}"}`, `["${nowNs}","x"]`)),
  jsonPush("a giant label name", pushOf(`{"${"x".repeat(mib)}":"a"}`, `["${nowNs}","x"]`)),
  jsonPush(
    "ten thousand labels",
    pushOf(
      `{${Array.from({ length: 10_000 }, (_, i) => `"l${i}":"x"`).join()}}`,
      `["${nowNs}","x"]`,
    ),
  ),
  jsonPush(
    "a label that is not UTF-8",
    Buffer.concat([
      Buffer.from('{"streams":[{"stream":{"a":"'),
      Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
      Buffer.from(`"},"values":[["${nowNs}","x"]]}]}`),
    ]),
    [204, 400],
  ),
  jsonPush(
    "NUL in label and line",
    pushOf('{"a":"\\u0000"}', `["${nowNs}","\\u0000"]`),
    [204, 400],
  ),
  jsonPush(
    "CRLF in a label",
    pushOf('{"a":"x\\r\\nmsg=forged level=error"}', `["${nowNs}","x"]`),
    [204, 400],
  ),
  jsonPush("a name that is no name", pushOf('{"a\\n{}":"x"}', `["${nowNs}","x"]`)),
  jsonPush("a negative time", pushOf('{"a":"b"}', '["-1","x"]'), [204, 400]),
  jsonPush("a time beyond 64 bits", pushOf('{"a":"b"}', '["99999999999999999999999","x"]')),
  jsonPush("a time far ahead", pushOf('{"a":"b"}', '["9223372036854775807","x"]')),
  jsonPush("a time that is no number", pushOf('{"a":"b"}', '["1e18","x"]')),
  jsonPush("no JSON", "\u0000\u0001"),
  {
    name: "protobuf with wrong lengths",
    path: push,
    body: compressSnappyBlock(Buffer.from("0affffffff7f0aff0a05", "hex")),
    headers: protobuf,
  },
  {
    name: "OTLP with wrong lengths",
    path: "/otlp/v1/logs",
    body: Buffer.from("0affffffff7f0aff0a05", "hex"),
    headers: protobuf,
  },
  {
    name: "OTLP values nested 50,000 deep",
    path: "/otlp/v1/logs",
    body: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(50_000)}`,
    headers: json,
  },
  {
    name: "a tenant that climbs",
    path: push,
    body: pushOf('{"a":"b"}', `["${nowNs}","x"]`),
    headers: { ...json, "X-Scope-OrgID": "../.." },
    wanted: [204, 400],
  },
];

const queries: readonly Hostile[] = [
  query("brackets 10,000 deep", `${"(".repeat(10_000)}1${")".repeat(10_000)}`),
  query("sums 10,000 deep", `${"sum(".repeat(10_000)}rate({a="b"}[1m])${")".repeat(10_000)}`),
  query("a filter of 10,000 brackets", `{a="b"} | ${"(".repeat(10_000)}x=1`),
  query("10,000 operators", `1${"+1".repeat(10_000)}`, [200, 400]),
  query("10,000 stages", `{a="b"}${" | json".repeat(10_000)}`, [200, 400]),
  query("a regular expression that blows up", '{a="b"} |~ "(((((a{100}){100}){100}){100}){100})"'),
  query("a regular expression that runs away", '{a="b"} |~ "(a+)+(b+)+(a|aa)+$"', [200]),
  query("brackets of a regular expression", `{a=~"${"(".repeat(5_000)}a${")".repeat(5_000)}"}`),
  query("a template without an end", `{a="b"} | line_format "${"{{if .a}}".repeat(5_000)}"`),
  query("a template that grows", '{a="b"} | line_format `{{repeat 999999999 "x"}}`', [200, 400]),
  query("a string without an end", `{a="${"x".repeat(100_000)}`),
  query("a step of nothing", 'rate({a="b"}[1ns])', [200, 400]),
  query("NUL", "\u0000"),
  {
    name: "a label name that climbs",
    path: "/loki/api/v1/label/..%2f..%2fetc/values",
    wanted: [200, 400, 404],
  },
  {
    name: "a giant address",
    path: `/loki/api/v1/query?query=${"x".repeat(200_000)}`,
    wanted: [400, 413, 414, 431],
  },
  {
    name: "a header of 200 KiB",
    path: "/loki/api/v1/labels",
    headers: { "X-Flood": "x".repeat(200_000) },
    wanted: [200, 400, 431],
  },
];

async function ask(skald: SkaldProcess, { path, body, headers }: Hostile): Promise<Response> {
  return fetch(`${skald.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    signal: AbortSignal.timeout(answerMsMax),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }),
    ...(headers === undefined ? {} : { headers }),
  });
}

function rssMiB({ pid }: SkaldProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** What a client that does not speak the protocol gets, or nothing when it is cut off. */
function speak(skald: SkaldProcess, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(skald.url).port), "127.0.0.1");
    let text = "";
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", done).on("close", done);
    const timer = setTimeout(done, 1_000);
    socket.on("close", () => clearTimeout(timer));
    socket.write(bytes);
  });
}

const upgrade =
  'GET /loki/api/v1/tail?query={a="b"} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** A few frames after an upgrade: any bits before, true, false and huge lengths, masks or none. */
function framesOf(random: Random): Buffer {
  const count = 1 + Math.floor(random.fraction() * 4);
  const frames = Array.from({ length: count }, () => {
    const [opcode = 0, told = 0] = random.bytes(2);
    const isMasked = random.fraction() < 0.8;
    const length = random.fraction() < 0.7 ? told % 126 : 126 + (told % 2);
    const bytes = random.bytes(Math.floor(random.fraction() * 200));
    // Half of them with an opcode there is and no reserved bit.
    const first =
      random.fraction() < 0.5 ? (opcode & 0x80) | [0, 1, 2, 8, 9, 10][told % 6]! : opcode;
    return Buffer.concat([Buffer.from([first, (isMasked ? 0x80 : 0) | length]), bytes]);
  });
  return Buffer.concat([Buffer.from(upgrade), ...frames]);
}

test("hostile requests are refused with a clear text, in bounded time and memory", async (context) => {
  await using skald = await startSkald();
  for (const hostile of [...bombs, ...pushes, ...queries]) {
    await context.test(hostile.name, async () => {
      const answer = await ask(skald, hostile);
      const text = await answer.text();
      const { wanted } = hostile;
      const isWanted =
        wanted?.includes(answer.status) ?? (answer.status >= 400 && answer.status < 500);
      assert.ok(isWanted, `${answer.status} ${text.slice(0, 300)}`);
      // The text may quote what was sent; its length is ours to choose.
      if (answer.status >= 400) assert.ok(text.length > 0 && text.length <= 32_769);
    });
  }
  await context.test("bytes that are no HTTP, and frames that are no websocket's", async () => {
    await speak(skald, Buffer.alloc(100_000, 0x16));
    await speak(skald, "GET / HTTP/9.9\r\n\r\n");
    for (const frame of ["8fffffffffffffffffff", "ff00", "818000000000", "c1ff7fffffffffffffff"]) {
      await speak(skald, Buffer.concat([Buffer.from(upgrade), Buffer.from(frame, "hex")]));
    }
  });
  const seed = chosenSeed();
  await context.test(`frames of a websocket by chance, ${seedText(seed)}`, async () => {
    const random = seededRandom(seed);
    const sent = Array.from({ length: 150 }, () => framesOf(random));
    for (let at = 0; at < sent.length; at += 50) {
      await Promise.all(sent.slice(at, at + 50).map((frames) => speak(skald, frames)));
    }
  });
  const ready = await fetch(`${skald.url}/ready`);
  assert.equal(ready.status, 200);
  assert.ok(rssMiB(skald) < rssMiBMax, `${Math.round(rssMiB(skald))} MiB`);
  // Nothing of a request makes lines of its own in the log.
  assert.doesNotMatch(skald.output(), /^msg=forged/m);
});

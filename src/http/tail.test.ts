import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import {
  startTestServer,
  type TestServer,
  testNowNs,
  testStartSeconds,
} from "./server-for-tests.ts";

interface Frame {
  readonly streams: readonly {
    readonly stream?: Record<string, string>;
    readonly labels?: string;
    readonly values?: [string, string, unknown?][];
    readonly entries?: unknown[];
  }[];
  readonly dropped_entries?: unknown[] | null;
  readonly encodingFlags?: string[];
}

/** A client that tails. */
class Tail implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly #socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: () => void = () => {};

  constructor(server: TestServer, path: string, headers: Record<string, string> = {}) {
    this.#socket = new WebSocket(server.url.replace("http", "ws") + path, {
      headers: { "x-scope-orgid": "t", ...headers },
    });
    this.#socket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  opened(): Promise<unknown> {
    return once(this.#socket, "open");
  }

  lines(): string[] {
    return this.frames.flatMap(({ streams }) =>
      streams.flatMap(({ values = [] }) => values.map(([, line]) => line)),
    );
  }

  /** Waits until so many entries have come. */
  async entries(count: number): Promise<string[]> {
    while (this.lines().length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.lines();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed;
  }
}

const start = `start=${testStartSeconds}`;
const all = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}&${start}`;

test("history first, oldest first, then what is pushed; nothing twice", async () => {
  await using server = await startTestServer();
  await server.push({ app: "t" }, ["one", "two", "three"]);
  await using tail = new Tail(server, `${all}&limit=2`);
  assert.deepEqual(await tail.entries(2), ["two", "three"]);
  await server.push({ app: "t" }, ["four"]);
  await server.push({ app: "u" }, ["of nobody"]);
  await server.push({ app: "t" }, ["five"]);
  assert.deepEqual(await tail.entries(4), ["two", "three", "four", "five"]);
});

test("pushes while history is read are neither lost nor doubled", async () => {
  await using server = await startTestServer();
  await using tail = new Tail(server, `${all}&limit=5000`);
  const pushed: string[] = [];
  for (let i = 0; i < 40; i++) {
    pushed.push(`line ${i}`);
    await server.push({ app: "t", i: String(i) }, [`line ${i}`]);
  }
  const lines = await tail.entries(40);
  assert.deepEqual(lines.toSorted(), pushed.toSorted());
});

test("stages filter and label; without any a live entry shows its stream alone", async () => {
  await using server = await startTestServer();
  const staged = `query=${encodeURIComponent('{app="t"} | logfmt | n > 1')}`;
  await using tail = new Tail(server, `/loki/api/v1/tail?${staged}`);
  await using plain = new Tail(server, all);
  await tail.opened();
  await plain.opened();
  await server.push({ app: "t" }, ["n=1", ["n=2", { trace: "x" }]]);
  await tail.entries(1);
  await plain.entries(2);
  assert.deepEqual(tail.frames[0]?.streams, [
    {
      stream: { app: "t", n: "2", trace: "x" },
      values: [[`${testStartSeconds + 1}000000000`, "n=2"]],
    },
  ]);
  assert.deepEqual(
    plain.frames.flatMap(({ streams }) => streams.map(({ stream }) => stream)),
    [{ app: "t" }],
  );
});

test("entries by category", async () => {
  await using server = await startTestServer();
  const staged = `query=${encodeURIComponent('{app="t"} | logfmt')}&${start}`;
  await server.push({ app: "t" }, [["a=1", { trace: "old" }]]);
  await using tail = new Tail(server, `/loki/api/v1/tail?${staged}`, {
    "x-loki-response-encoding-flags": "categorize-labels",
  });
  await tail.entries(1);
  await server.push({ app: "t" }, ["a=2"]);
  await tail.entries(2);
  const time = `${testStartSeconds}000000000`;
  assert.deepEqual(tail.frames[0], {
    streams: [
      {
        stream: { app: "t" },
        values: [[time, "a=1", { structuredMetadata: { trace: "old" }, parsed: { a: "1" } }]],
      },
    ],
    encodingFlags: ["categorize-labels"],
  });
  assert.deepEqual(tail.frames[1]?.streams[0]?.values, [[time, "a=2", { parsed: { a: "2" } }]]);
});

test("a browser's websocket names tenant and flags in its address, if it is this server's", async () => {
  await using server = await startTestServer();
  await server.push({ app: "t" }, ["a=1"]);
  const noTenant = { "x-scope-orgid": "" };
  const path = `${all}&tenant=t&flags=categorize-labels`;
  await using own = new Tail(server, path, { ...noTenant, origin: server.url });
  await own.entries(1);
  assert.deepEqual(own.frames[0]?.encodingFlags, ["categorize-labels"]);
  const foreign = fetch(`${server.url}${path}`, { headers: { origin: "http://elsewhere" } });
  assert.equal((await foreign).status, 401);
});

test("the first version has its own frames", async () => {
  await using server = await startTestServer();
  await server.push({ app: "t" }, ["n=1", "n=2"]);
  const query = `query=${encodeURIComponent('{app="t"}')}&${start}&regexp=2`;
  await using tail = new Tail(server, `/api/prom/tail?${query}`);
  while (tail.frames.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(tail.frames, [
    {
      streams: [{ labels: '{app="t"}', entries: [{ ts: "2026-01-10T00:00:01Z", line: "n=2" }] }],
      dropped_entries: null,
    },
  ]);
});

test("a frame has at most 100 entries", async () => {
  await using server = await startTestServer();
  await using tail = new Tail(server, all);
  await tail.opened();
  await server.push(
    { app: "t" },
    Array.from({ length: 250 }, (_, i) => `line ${i}`),
  );
  await tail.entries(250);
  const sizes = tail.frames.map(({ streams }) =>
    streams.reduce((sum, { values = [] }) => sum + values.length, 0),
  );
  assert.ok(sizes.every((size) => size <= 100));
});

test("with delay_for entries wait and come in order of time", async () => {
  await using server = await startTestServer();
  await using tail = new Tail(server, `${all}&delay_for=2`);
  await tail.opened();
  await server.push({ app: "t" }, ["early", "late"]);
  await server.push({ app: "t" }, [["also early", { n: "2" }]]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(tail.lines(), []);
  server.clock.advance(2000);
  assert.deepEqual(await tail.entries(3), ["early", "also early", "late"]);
});

test("a client that does not read loses entries and is told which", async () => {
  await using server = await startTestServer({
    limits: {
      ingestionRateBytesPerSecond: 1e9,
      ingestionBurstBytes: 1e9,
      perStreamBurstBytes: 1e9,
    },
  });
  await using tail = new Tail(server, all);
  await tail.opened();
  tail.pause();
  const line = "x".repeat(60_000);
  for (let i = 0; i < 60; i++) {
    await server.push(
      { app: "t" },
      Array.from({ length: 12 }, (_, n) => `${i}.${n} ${line}`),
    );
  }
  tail.resume();
  while (!tail.frames.some((frame) => (frame.dropped_entries ?? []).length > 0)) {
    await server.push({ app: "t" }, ["after"]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const told = tail.frames.find((frame) => frame.dropped_entries)?.dropped_entries?.[0];
  assert.deepEqual(Object.keys(told as object), ["timestamp", "labels"]);
});

test("too many tails, metrics, and the end of its time close with 1011 and a reason", async () => {
  await using server = await startTestServer({
    limits: { maxConcurrentTailRequests: 1 },
    ports: { tailMaxDurationMs: 1000 },
  });
  await using first = new Tail(server, all);
  await first.opened();
  await using second = new Tail(server, all);
  assert.deepEqual(await second.closed, {
    code: 1011,
    reason:
      "rpc error: code = Code(400) desc = max concurrent tail requests limit exceeded, " +
      "count > limit (2 > 1)",
  });
  server.clock.advance(1000);
  assert.deepEqual(await first.closed, { code: 1011, reason: "reached tail max duration limit" });
  const metric = encodeURIComponent('rate({app="t"}[1m])');
  await using third = new Tail(server, `/loki/api/v1/tail?query=${metric}`);
  assert.deepEqual(await third.closed, {
    code: 1011,
    reason: "only log selector is supported",
  });
});

test("a failing history closes the tail with as much of the reason as fits", async () => {
  await using server = await startTestServer({ limits: { requiredLabels: ["é".repeat(100)] } });
  await using tail = new Tail(server, all);
  const { code, reason } = await tail.closed;
  assert.equal(code, 1011);
  assert.match(reason, /^stream selector is missing required matchers \[é+$/);
});

test("a bad request is answered before the upgrade", async () => {
  await using server = await startTestServer();
  const query = `query=${encodeURIComponent('{app="t"}')}`;
  const cases: [string, Record<string, string>, number, string][] = [
    ["", {}, 400, "parse error : syntax error: unexpected $end"],
    [`${query}&limit=0`, {}, 400, "limit must be a positive value"],
    [`${query}&delay_for=-1`, {}, 400, "delay_for value -1 is out of range [0, 4294967295]"],
    [`${query}&delay_for=6`, {}, 400, "delay_for can't be greater than 5"],
    [query, { "x-scope-orgid": "a|b" }, 400, "multiple org IDs present"],
    [query, { "x-scope-orgid": "" }, 401, "no org id"],
  ];
  for (const [parameters, headers, status, text] of cases) {
    const socket = new WebSocket(
      `${server.url.replace("http", "ws")}/loki/api/v1/tail?${parameters}`,
      {
        headers: { "x-scope-orgid": "t", ...headers },
      },
    );
    const [, answer] = await once(socket, "unexpected-response");
    assert.equal(answer.statusCode, status);
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part);
    assert.equal(Buffer.concat(parts).toString(), `${text}\n`);
  }
  const plain = await server.get(`/loki/api/v1/tail?${query}`);
  assert.deepEqual([plain.status, plain.text], [400, "Bad Request\n"]);
});

test("times of entries do not decide: what arrives is shown, whatever its day", async () => {
  await using server = await startTestServer();
  await using tail = new Tail(server, all);
  await tail.opened();
  const values = [
    [`${testNowNs}`, "now"],
    [`${testNowNs - 86_400_000_000_000n}`, "yesterday"],
    [`${testNowNs}`, "now again"],
  ];
  await server.get("/loki/api/v1/push", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ streams: [{ stream: { app: "t" }, values }] }),
  });
  assert.deepEqual(await tail.entries(3), ["now", "yesterday", "now again"]);
});

/** Clients that send slowly, read slowly or not at all, or never hang up: they are cut, others are not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { freePort, type SkaldProcess, startSkald } from "../support/skald-process.ts";

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: \${GRPC_PORT}, log_level: error,
  http_server_read_timeout: 700ms, http_server_write_timeout: 700ms,
  http_server_idle_timeout: 700ms}
common: {path_prefix: "\${DATA}"}
limits_config: {ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000,
  per_stream_rate_limit: 1GB, per_stream_rate_limit_burst: 1GB}
`;
const mib = 1024 * 1024;
/** The timeout, what the server may need to notice, and a machine that has other things to do. */
const cutWithinMs = 10_000;
const headOfPush =
  "POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
  `Content-Length: ${mib}\r\n\r\n`;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function start(): Promise<SkaldProcess & { readonly grpcPort: number }> {
  const grpcPort = await freePort();
  const skald = await startSkald({ config, env: { GRPC_PORT: String(grpcPort) } });
  return Object.assign(skald, { grpcPort });
}

/** A client that never closes its own side, whatever the server does with its. */
class Client implements Disposable {
  readonly socket: Socket;
  received = "";
  receivedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ url }: SkaldProcess, port = Number(new URL(url).port)) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => undefined);
    this.socket.on("data", (data: Buffer) => {
      this.receivedBytes += data.length;
      if (this.received.length < 1000) this.received += data.toString("latin1");
    });
  }

  /** Sends a text, then for ever a byte now and then. */
  trickle(text: string, byte: string): this {
    this.socket.write(text);
    this.#timer = setInterval(() => this.socket.write(byte), 100);
    return this;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.socket.destroy();
  }
}

function rssMiB({ pid }: SkaldProcess): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

/** Sockets, files, whatever it has open. */
function openCount({ pid }: SkaldProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function metric(skald: SkaldProcess, name: string): Promise<number> {
  const text = await (await fetch(`${skald.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? 0);
}

/** Waits until the condition holds, as it must in time. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + cutWithinMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `not in time: ${what}`);
    await pause(50);
  }
}

async function push(skald: SkaldProcess, lines: readonly string[]): Promise<number> {
  const nowMs = Date.now();
  const values = lines.map((line, i) => [`${nowMs}${String(i).padStart(6, "0")}`, line]);
  const body = JSON.stringify({ streams: [{ stream: { app: "slow" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
  return answer.status;
}

describe("clients that are slow", { concurrency: 3 }, () => {
  test("who sends slowly is cut at the read timeout, also when it never hangs up", async () => {
    await using skald = await start();
    assert.equal(await push(skald, ["before"]), 204);
    const openFrom = openCount(skald);
    const clients = Array.from({ length: 30 }, () => [
      new Client(skald),
      new Client(skald).trickle("GET /ready HTTP/1.1\r\nHost: x\r\nX-Slow: ", "a"),
      new Client(skald).trickle("GET /ready HTTP/1.1\r\nHost: x\r\n", "a: b\r\n"),
      new Client(skald).trickle(headOfPush, "{"),
      new Client(skald).trickle(
        "POST /loki/api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: " +
          "application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
        "1\r\nq\r\n",
      ),
    ]).flat();
    await until(
      "pushes are under way",
      async () => (await metric(skald, "skald_pushes_in_flight")) === 30,
    );
    assert.equal(await push(skald, ["meanwhile"]), 204);
    await until(
      "places of pushes",
      async () => (await metric(skald, "skald_pushes_in_flight")) === 0,
    );
    assert.equal(await metric(skald, "skald_pushes_in_flight_bytes"), 0);
    await until("sockets", () => openCount(skald) < openFrom + 10);
    for (const client of clients) client[Symbol.dispose]();
    const told = clients.filter(({ received }) => received.startsWith("HTTP/1.1 408 ")).length;
    assert.ok(told > clients.length / 2, `${told} of ${clients.length} were told`);
    assert.equal(await push(skald, ["afterwards"]), 204);
  });

  test("who does not read is cut at the write timeout, and holds one answer, not many", async () => {
    await using skald = await start();
    const line = "x".repeat(5000);
    for (let i = 0; i < 10; i++)
      assert.equal(
        await push(
          skald,
          Array.from({ length: 500 }, () => line + i),
        ),
        204,
      );
    const path = `/loki/api/v1/query_range?limit=5000&query=${encodeURIComponent('{app="slow"}')}`;
    const whole = await (await fetch(skald.url + path)).text();
    assert.ok(whole.length > 20 * mib);
    const rssFrom = rssMiB(skald);
    const openFrom = openCount(skald);
    const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const clients = Array.from({ length: 4 }, () => new Client(skald));
    for (const { socket } of clients) {
      socket.pause();
      socket.write(request.repeat(100));
    }
    let rssTop = 0;
    const sampling = setInterval(() => (rssTop = Math.max(rssTop, rssMiB(skald))), 50);
    await until(
      "reads began",
      async () => (await metric(skald, "loki_inflight_requests\\{.*query_range.*\\}")) > 0,
    );
    assert.equal(await push(skald, ["meanwhile"]), 204);
    await until(
      "cut",
      async () => (await metric(skald, "skald_http_slow_readers_cut_total")) === 4,
    );
    await until("sockets", () => openCount(skald) < openFrom + 4);
    clearInterval(sampling);
    for (const { socket } of clients) socket.resume();
    await Promise.all(
      clients.map(({ socket }) =>
        Promise.race([once(socket, "end"), once(socket, "close"), pause(3000)]),
      ),
    );
    for (const client of clients) {
      assert.ok(client.receivedBytes < whole.length, `${client.receivedBytes} bytes came`);
      client[Symbol.dispose]();
    }
    // Four answers, each as text, as rows and on its way; four hundred of them would be gigabytes.
    assert.ok(rssTop - rssFrom < 1000, `${rssFrom} to ${rssTop} MiB`);
    // One who reads, however little at a time, gets all of it.
    using reader = new Client(skald);
    reader.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const ended = once(reader.socket, "end");
    for (let i = 0; i < 10; i++) {
      reader.socket.pause();
      await pause(150);
      reader.socket.resume();
      await pause(10);
    }
    await ended;
    assert.ok(reader.receivedBytes > 0.99 * whole.length, `${reader.receivedBytes} bytes came`);
  });

  test("an export may be read slowly, but not left alone", async () => {
    await using skald = await start();
    const line = "x".repeat(5000);
    for (let i = 0; i < 6; i++)
      assert.equal(
        await push(
          skald,
          Array.from({ length: 500 }, () => line + i),
        ),
        204,
      );
    const path = `/skald/api/v1/export?query=${encodeURIComponent('{app="slow"}')}`;
    using left = new Client(skald);
    left.socket.pause();
    left.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(
      "cut",
      async () => (await metric(skald, "skald_http_slow_readers_cut_total")) === 1,
    );
    using reader = new Client(skald);
    let text = "";
    reader.socket.on("data", (data: Buffer) => (text = data.toString("latin1")));
    reader.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const ended = once(reader.socket, "end");
    for (let i = 0; i < 8; i++) {
      reader.socket.pause();
      await pause(250);
      reader.socket.resume();
      await pause(2);
    }
    await ended;
    assert.ok(reader.receivedBytes > 3000 * line.length, `${reader.receivedBytes} bytes came`);
    assert.match(text, /\r\n0\r\n\r\n$/);
  });

  test("many requests at once over one connection are answered in order, far too many cut it", async () => {
    await using skald = await start();
    assert.equal(await push(skald, ["one"]), 204);
    const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    using client = new Client(skald);
    const texts: string[] = [];
    client.socket.on("data", (data: Buffer) => texts.push(data.toString("latin1")));
    const paths = ["/loki/api/v1/labels", "/ready", "/loki/api/v1/label/app/values", "/nowhere"];
    client.socket.write(
      Array.from({ length: 25 }, () => paths.map(ask))
        .flat()
        .join(""),
    );
    await until("all are answered", () => texts.join("").split("HTTP/1.1 ").length === 101);
    const statuses = texts
      .join("")
      .split("HTTP/1.1 ")
      .slice(1)
      .map((text) => text.slice(0, 3));
    assert.deepEqual(
      statuses,
      Array.from({ length: 25 }, () => ["200", "200", "200", "404"]).flat(),
    );
    using flood = new Client(skald);
    const isClosed = new Promise((resolve) => flood.socket.on("close", resolve));
    flood.socket.write(ask("/r").repeat(100_000));
    flood.socket.on("end", () => flood.socket.destroy());
    await isClosed;
    assert.ok((await metric(skald, "skald_http_pipelines_cut_total")) > 0);
    assert.equal(await push(skald, ["two"]), 204);
  });

  test("heads that do not end hold only so much memory together", async () => {
    await using skald = await start();
    assert.equal(await push(skald, ["before"]), 204);
    const rssFrom = rssMiB(skald);
    const head = `GET /ready HTTP/1.1\r\nHost: x\r\nX-Flood: ${"x".repeat(900_000)}`;
    const clients: Client[] = [];
    let rssTop = 0;
    // New ones come as old ones run out of time.
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 60; i++) {
        const client = new Client(skald);
        client.socket.write(head);
        clients.push(client);
      }
      await pause(50);
      rssTop = Math.max(rssTop, rssMiB(skald));
    }
    await until("cut", async () => (await metric(skald, "skald_http_heads_cut_total")) > 0);
    rssTop = Math.max(rssTop, rssMiB(skald));
    assert.equal(await push(skald, ["meanwhile"]), 204);
    assert.ok(rssTop - rssFrom < 500, `${rssFrom} to ${rssTop} MiB`);
    for (const client of clients) client[Symbol.dispose]();
  });

  test("gRPC: calls whose message trickles in are cut, as are connections that never hang up", async () => {
    await using skald = await start();
    const { grpcPort } = skald;
    const openFrom = openCount(skald);
    const silent = Array.from({ length: 20 }, () => new Client(skald, grpcPort));
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (const { socket } of silent.slice(10)) socket.write(preface);
    const session = connectHttp2(`http://127.0.0.1:${grpcPort}`);
    const calls = Array.from({ length: 80 }, () => {
      const call = session.request({
        ":method": "POST",
        ":path": "/logproto.Pusher/Push",
        "content-type": "application/grpc",
        te: "trailers",
      });
      call.on("error", () => undefined);
      // A message of a megabyte is announced.
      call.write(Buffer.from([0, 0, 16, 0, 0]));
      const timer = setInterval(() => call.write("x"), 100);
      call.once("close", () => clearInterval(timer));
      return call;
    });
    await until(
      "calls are under way",
      async () => (await metric(skald, "skald_grpc_calls_in_flight")) === 80,
    );
    assert.equal(await push(skald, ["meanwhile"]), 204);
    await until(
      "places of calls",
      async () => (await metric(skald, "skald_grpc_calls_in_flight")) === 0,
    );
    assert.ok(calls.every((call) => call.closed));
    session.destroy();
    await until("sockets", () => openCount(skald) < openFrom + 5);
    for (const client of silent) client[Symbol.dispose]();
  });
});

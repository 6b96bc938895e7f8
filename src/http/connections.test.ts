import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import type { QueryEngine } from "#query";
import { RequestError } from "#base";
import { WebSocket } from "ws";
import { startTestServer, type TestServer } from "./server-for-tests.ts";

/** An engine whose queries last until their client is gone. */
function patientEngine(): { engine: QueryEngine; started: Promise<void>; aborted: Promise<void> } {
  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const engine: QueryEngine = {
    run: ({ signal }) =>
      new Promise((_, reject) => {
        started.resolve();
        signal.addEventListener("abort", () => {
          aborted.resolve();
          reject(new RequestError(499, "The request was cancelled by the client."));
        });
      }),
  };
  return { engine, started: started.promise, aborted: aborted.promise };
}

/** Everything the server sends before it closes the connection. */
async function exchange(server: TestServer, text: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.write(text);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function status(path: string, server: TestServer, agent: Agent): Promise<number | undefined> {
  const sent = request(server.url + path, { agent, headers: { "x-scope-orgid": "t" } });
  sent.end();
  const [answer] = await once(sent, "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode;
}

test("a query ends when its client is gone, and counts as 499", async () => {
  const { engine, started, aborted } = patientEngine();
  await using server = await startTestServer({ ports: { engine } });
  const gone = new AbortController();
  const query = server.get("/loki/api/v1/query?query=1", { signal: gone.signal });
  await started;
  gone.abort();
  await assert.rejects(query);
  await aborted;
  const { text } = await server.get("/metrics");
  assert.match(text, /route="loki_api_v1_query",status_code="499",ws="false"\} 1/);
  assert.match(text, /loki_inflight_requests\{method="GET",route="loki_api_v1_query"\} 0/);
});

test("many requests on one connection leave nothing behind", async () => {
  await using server = await startTestServer();
  const warnings: Error[] = [];
  const listener = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on("warning", listener);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 50; i++)
    assert.equal(await status("/loki/api/v1/labels", server, agent), 200);
  agent.destroy();
  process.off("warning", listener);
  assert.deepEqual(warnings, []);
});

test("after a refused tail the connection is closed, not left hanging", async () => {
  await using server = await startTestServer();
  const answer = await exchange(
    server,
    "GET /loki/api/v1/tail HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\nConnection: Upgrade\r\n" +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answer, /\r\nconnection: close\r\n/i);
});

test("who offers HTTP/2 is answered in HTTP/1.1", async () => {
  await using server = await startTestServer();
  const answer = await exchange(
    server,
    "POST /loki/api/v1/query HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\n" +
      "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" +
      "Content-Type: application/x-www-form-urlencoded\r\n" +
      "Content-Length: 15\r\n\r\nquery=vector(1)",
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
});

test("what is not HTTP gets a short answer and the door", async () => {
  await using server = await startTestServer();
  assert.match(await exchange(server, "hello\r\n\r\n"), /^HTTP\/1\.1 400 Bad Request\r\n/);
});

test("content types that are none reach Loki's own words", async () => {
  await using server = await startTestServer();
  const cases = [
    ["bad/type/x", "mime: unexpected content after media subtype"],
    ["text/json", "snappy: corrupt input"],
  ] as const;
  for (const [type, words] of cases) {
    const headers = { "content-type": type };
    const answer = await server.get("/loki/api/v1/push", { method: "POST", headers, body: "{}" });
    assert.deepEqual([answer.status, answer.text.trim()], [400, words]);
  }
});

test("a client that takes nothing of its answer is let go", async () => {
  await using server = await startTestServer({ writeTimeoutMs: 100 });
  for (let i = 0; i < 9; i++)
    await server.push({ job: "huge", i: String(i) }, ["x".repeat(200_000)]);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const query = encodeURIComponent('{job="huge"}');
  const path = `/loki/api/v1/query_range?query=${query}&start=1768003200`;
  for (let i = 0; i < 8; i++) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\n\r\n`);
  }
  socket.pause();
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.clock.advance(100);
  }
  socket.resume();
  let bytes = 0;
  socket.on("data", (part: Buffer) => {
    bytes += part.length;
  });
  socket.on("error", () => {});
  await once(socket, "close");
  assert.ok(bytes < 8 * 1_800_000, `${bytes} bytes came`);
});

test("closing tells tails to go and does not wait for clients that stay", async () => {
  const { engine, started } = patientEngine();
  const server = await startTestServer({ ports: { engine }, gracefulShutdownTimeoutMs: 1000 });
  const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}`;
  const tail = new WebSocket(server.url.replace("http", "ws") + path, {
    headers: { "x-scope-orgid": "t" },
  });
  await once(tail, "open");
  await started;
  const stuck = server.get("/loki/api/v1/query?query=1");
  stuck.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  const closed = server[Symbol.asyncDispose]();
  const [code, reason] = (await once(tail, "close")) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [1001, "the server is shutting down"]);
  server.clock.advance(1000);
  await assert.rejects(stuck);
  await closed;
});

test("with a prefix every path begins with it", async () => {
  await using server = await startTestServer({ pathPrefix: "/logs" });
  assert.equal((await server.get("/logs/loki/api/v1/labels")).status, 200);
  assert.equal((await server.get("/logs/ready")).text, "ready\n");
  assert.equal((await server.get("/ready")).status, 404);
  const tail = `/logs/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}`;
  const socket = new WebSocket(server.url.replace("http", "ws") + tail, {
    headers: { "x-scope-orgid": "t" },
  });
  await once(socket, "open");
  socket.terminate();
});

test("what happens while headers trickle in is bounded, too", async () => {
  await using server = await startTestServer({ readTimeoutMs: 200 });
  const answer = await exchange(server, "GET /ready HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
});

test("with auth off everybody is one tenant, whatever the header says", async () => {
  await using server = await startTestServer({ ports: { authEnabled: false } });
  await server.push({ job: "a" }, ["x"]);
  for (const tenant of ["none", "other", "a|b"]) {
    const headers = { "x-scope-orgid": tenant };
    const answer = await server.get("/loki/api/v1/labels", { headers });
    assert.deepEqual(answer.json(), { status: "success", data: ["job"] });
  }
});

test("with queries over several tenants off, several are refused", async () => {
  await using server = await startTestServer({ ports: { multiTenantQueriesEnabled: false } });
  const answer = await server.get("/loki/api/v1/labels", { headers: { "x-scope-orgid": "a|b" } });
  assert.deepEqual([answer.status, answer.text], [400, "multiple org IDs present\n"]);
});

test("heads that are too large, and bodies that trickle in, get an answer and the door", async () => {
  await using server = await startTestServer({ readTimeoutMs: 300 });
  const head = "GET /ready HTTP/1.1\r\nHost: x\r\n";
  const flood = `X-Flood: ${"x".repeat(8000)}\r\n`.repeat(200);
  // What was not read yet when the connection is closed may cost the client the answer.
  const flooded = await exchange(server, `${head}${flood}\r\n`).catch(() => "");
  assert.match(flooded, /^$|^HTTP\/1\.1 431 /);
  assert.equal((await server.get("/ready")).status, 200);
  const body =
    "POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\nContent-Length: 99";
  assert.match(await exchange(server, `${body}\r\n\r\n{`), /^HTTP\/1\.1 408 /);
});

for (const [count, status] of [
  [190, 200],
  [300, 431],
] as const) {
  test(`${count} headers are answered ${status}`, async () => {
    await using server = await startTestServer();
    const many = Array.from({ length: count }, (_, i) => `X-${i}: y\r\n`).join("");
    const text = `GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${many}\r\n`;
    assert.equal((await exchange(server, text)).split(" ")[1], String(status));
  });
}

test("more connections than allowed are closed as they come, and counted", async () => {
  await using server = await startTestServer({ connectionsMax: 2 });
  const port = Number(new URL(server.url).port);
  const sockets = [1, 2, 3].map(() => connect(port, "127.0.0.1"));
  await once(sockets[2]!, "close");
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { text } = await server.get("/metrics");
  assert.match(text, /skald_http_connections_refused_total 1/);
});

test("one address has so many live tails and no more; an ended one makes room", async () => {
  await using server = await startTestServer({ ports: { tailsPerAddressMax: 2 } });
  const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}`;
  const open = (tenant: string): WebSocket => {
    const headers = { "x-scope-orgid": tenant };
    return new WebSocket(server.url.replace("http", "ws") + path, { headers });
  };
  const first = open("a");
  await once(first, "open");
  await once(open("b"), "open");
  const refused = open("c");
  refused.on("error", () => {});
  const [, answer] = (await once(refused, "unexpected-response")) as [
    unknown,
    { statusCode: number; headers: Record<string, string> },
  ];
  assert.deepEqual([answer.statusCode, answer.headers["retry-after"]], [429, "30"]);
  first.terminate();
  for (let i = 0; i < 100; i++) {
    const { text } = await server.get("/metrics");
    if (/loki_querier_tail_active 1/.test(text)) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const next = open("c");
  await once(next, "open");
  next.terminate();
});

test("a live tail whose client answers no ping any more is closed", async () => {
  await using server = await startTestServer();
  const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}`;
  const open = async (autoPong: boolean): Promise<WebSocket> => {
    const headers = { "x-scope-orgid": "t" };
    const socket = new WebSocket(server.url.replace("http", "ws") + path, { headers, autoPong });
    await once(socket, "open");
    return socket;
  };
  const silent = await open(false);
  const alive = await open(true);
  const closed = once(silent, "close");
  const isClosed = closed.then(() => true);
  const turn = (): Promise<boolean> =>
    new Promise((resolve) => setTimeout(() => resolve(false), 5));
  let seconds = 0;
  do {
    server.clock.advance(1000);
    seconds++;
  } while (!(await Promise.race([isClosed, turn()])) && seconds < 200);
  const [code] = (await closed) as [number];
  assert.equal(code, 1006);
  assert.ok(seconds > 30 && seconds < 150, `${seconds} s`);
  assert.equal(alive.readyState, WebSocket.OPEN);
  alive.terminate();
});

test("a live tail whose client takes no frame is closed, though it says that it lives", async () => {
  await using server = await startTestServer();
  const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="t"}')}`;
  const headers = { "x-scope-orgid": "t" };
  const socket = new WebSocket(server.url.replace("http", "ws") + path, { headers });
  await once(socket, "open");
  const closed = once(socket, "close").then(() => true);
  socket.pause();
  for (let i = 0; i < 20; i++) {
    await server.push(
      { app: "t" },
      Array.from({ length: 4 }, () => "x".repeat(200_000)),
    );
    server.clock.advance(1000);
    socket.pong();
  }
  const turn = (): Promise<boolean> =>
    new Promise((resolve) => setTimeout(() => resolve(false), 5));
  const active = async (): Promise<boolean> =>
    /loki_querier_tail_active 1/.test((await server.get("/metrics")).text);
  let seconds = 0;
  while ((await active()) && seconds < 200) {
    socket.pong();
    await turn();
    server.clock.advance(1000);
    seconds++;
  }
  assert.ok(seconds > 30 && seconds < 150, `${seconds} s`);
  assert.match((await server.get("/metrics")).text, /cut_total\{reason="not reading"\} 1/);
  socket.resume();
  await closed;
});

test("a client that goes while its second request is under way is noticed", async () => {
  const { engine, started, aborted } = patientEngine();
  await using server = await startTestServer({ ports: { engine } });
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const ask = (path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\n\r\n`;
  socket.write(ask("/loki/api/v1/labels") + ask("/loki/api/v1/query?query=1"));
  await started;
  socket.destroy();
  await aborted;
});

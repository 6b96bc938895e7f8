/** Early answers, seen by clients of several kinds: none may take them for a broken connection. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { KiB, MiB } from "#base";
import { createMetrics } from "#telemetry";
import { Newcomers, systemClock } from "#world";
import { PushAdmission, pushesMax } from "./push-admission.ts";
import { startTestServer, type TestServer } from "./server-for-tests.ts";
import { readOnBytesMax } from "./unread-bodies.ts";

const path = "/loki/api/v1/push";
const large = Buffer.alloc(8 * MiB, "x");

/** A server that has no place for pushes of tenant `t`. */
async function fullServer(): Promise<TestServer> {
  const admission = new PushAdmission({
    clock: systemClock,
    metrics: createMetrics({ process: false }),
    newcomers: new Newcomers(systemClock),
  });
  for (let i = 0; i < pushesMax / 2; i++) admission.enter("t", 1);
  return startTestServer({
    bodyBytesMax: 64 * MiB,
    ports: { admission, clock: { ...systemClock, nowNs: () => 0n } },
  });
}

interface Seen {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly socket: Socket;
}

async function pushByNode(
  server: TestServer,
  agent: Agent,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const sent = request(server.url + path, {
    method: "POST",
    agent,
    headers: { "X-Scope-OrgID": "t", "Content-Length": body.length, ...headers },
  });
  const sending = once(sent, "socket");
  sent.on("error", () => undefined);
  sent.end(body);
  const [socket] = (await sending) as [Socket];
  const [answer] = await once(sent, "response");
  answer.resume();
  await once(answer, "end");
  const { statusCode: status, headers: answered } = answer;
  return { status, retryAfter: answered["retry-after"], socket };
}

for (const [claim, size, isKept] of [
  ["a small body is read on, and its connection stays", readOnBytesMax, true],
  ["a large one is not waited for", readOnBytesMax + 1, false],
  ["nor is one of many megabytes", large.length, false],
] as const) {
  test(`Node: ${claim}`, async () => {
    await using server = await fullServer();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await pushByNode(server, agent, large.subarray(0, size));
    const second = await pushByNode(server, agent, large.subarray(0, size));
    assert.deepEqual([first.status, first.retryAfter], [503, "1"]);
    assert.deepEqual([second.status, second.retryAfter], [503, "1"]);
    assert.equal(first.socket === second.socket, isKept);
    agent.destroy();
  });
}

const curl = promisify(execFile);
for (const [claim, args] of [
  ["that asks whether to send", []],
  ["that sends at once", ["-H", "Expect:"]],
  ["that does not say how much", ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]],
] as const) {
  test(`curl ${claim} gets the answer`, async () => {
    await using server = await fullServer();
    const stdin = ["-s", "-S", "-i", "-X", "POST", "-H", "X-Scope-OrgID: t", "--data-binary", "@-"];
    const running = curl("curl", [...stdin, ...args, server.url + path]);
    running.child.stdin?.on("error", () => undefined);
    running.child.stdin?.end(large);
    const { stdout } = await running;
    assert.match(stdout, /^HTTP\/1\.1 503 /);
    assert.match(stdout, /^retry-after: 1\r$/im);
    assert.doesNotMatch(stdout, /100 Continue/);
  });
}

test("a client that sends everything before it reads anything gets the answer, too", async () => {
  await using server = await fullServer();
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const heads = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\n`;
  socket.pause();
  socket.write(`${heads}Content-Length: ${large.length}\r\n\r\n`);
  // The callback comes once the system has taken all of it.
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.write(large, () => resolve());
  });
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  assert.match(Buffer.concat(parts).toString(), /^HTTP\/1\.1 503 .*\r\nconnection: close\r\n/is);
});

test("a client that never stops sending is cut in the end", { timeout: 20_000 }, async () => {
  await using server = await fullServer();
  const port = Number(new URL(server.url).port);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  const heads = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: t\r\n`;
  socket.write(`${heads}Transfer-Encoding: chunked\r\n\r\n`);
  let sentBytes = 0;
  const chunk = Buffer.from(`${(64 * KiB).toString(16)}\r\n${"x".repeat(64 * KiB)}\r\n`);
  const fromMs = performance.now();
  socket.resume();
  while (!socket.destroyed) {
    sentBytes += chunk.length;
    if (socket.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      socket.once("drain", resolve);
      socket.once("close", () => resolve());
    });
  }
  const tookMs = performance.now() - fromMs;
  assert.ok(tookMs > 4_000 && tookMs < 10_000, `${tookMs} ms`);
  assert.ok(sentBytes < 300 * MiB, `${sentBytes} bytes were taken`);
});

test("who is let in is invited to send; what the server reads on is bounded by its limit", async () => {
  await using server = await startTestServer({ bodyBytesMax: 2 * MiB });
  const headers = ["X-Scope-OrgID: t", "Content-Type: application/json", "Expect: 100-continue"];
  const args = ["-s", "-i", "-d", '{"streams":[]}', ...headers.flatMap((one) => ["-H", one])];
  const running = curl("curl", [...args, server.url + path]);
  assert.match((await running).stdout, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 \d/);
  const agent = new Agent();
  const { status } = await pushByNode(server, agent, large);
  assert.equal(status, 413);
  agent.destroy();
});

test("closing does not wait for clients of early answers", async () => {
  const server = await fullServer();
  const agent = new Agent();
  await pushByNode(server, agent, large);
  const fromMs = performance.now();
  await server[Symbol.asyncDispose]();
  assert.ok(performance.now() - fromMs < 1_000);
  agent.destroy();
});

/** What clients of live tails may do to the server by their own frames: nothing that others notice. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: "\${DATA}"}
limits_config: {max_concurrent_tail_requests: 200}
`;
const withinMs = 10_000;
const growthMiBMax = 200;

const path = `/loki/api/v1/tail?query=${encodeURIComponent('{app="x"}')}`;

/** A frame of a client: masked, as it must be, with a mask of zeros. */
function frame(first: number, payload: Buffer, announced = payload.length): Buffer {
  const length =
    announced < 126
      ? Buffer.from([0x80 | announced])
      : announced < 65_536
        ? Buffer.from([0xfe, announced >> 8, announced & 0xff])
        : Buffer.concat([Buffer.from([0xff, 0, 0, 0, 0]), Buffer.alloc(4, 0x7f)]);
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), payload]);
}

async function upgraded({ url }: SkaldProcess): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString("latin1"), /^HTTP\/1\.1 101 /);
  return socket;
}

function rssMiB({ pid }: SkaldProcess): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

async function push(skald: SkaldProcess, line: string): Promise<number> {
  const values = [[`${Date.now()}000000`, line]];
  const body = JSON.stringify({ streams: [{ stream: { app: "x" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
  return answer.status;
}

/** Sends the same bytes again and again, never reading, until the connection is gone. */
async function flood(skald: SkaldProcess, first: Buffer, again: Buffer): Promise<void> {
  const socket = await upgraded(skald);
  socket.pause();
  const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const repeated = Buffer.concat(
    Array.from({ length: Math.ceil(65_536 / again.length) }, () => again),
  );
  let isGone = false;
  void gone.then(() => (isGone = true));
  const late = performance.now() + withinMs;
  socket.write(first);
  while (!isGone) {
    assert.ok(performance.now() < late, "still connected");
    if (!socket.write(repeated)) {
      const drained = new Promise<void>((resolve) => socket.once("drain", () => resolve()));
      await Promise.race([gone, drained, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const empty = Buffer.alloc(0);
const floods: readonly (readonly [name: string, first: Buffer, again: Buffer])[] = [
  ["texts", empty, frame(0x81, Buffer.from("hello"))],
  ["empty frames", empty, frame(0x82, empty)],
  ["pings", empty, frame(0x89, Buffer.alloc(125))],
  ["pongs", empty, frame(0x8a, empty)],
  ["fragments without end", frame(0x01, Buffer.from("a")), frame(0x00, Buffer.from("a"))],
  ["empty fragments without end", frame(0x01, empty), frame(0x00, empty)],
  ["a frame of exabytes", frame(0x82, empty, 2 ** 60), Buffer.alloc(1000)],
];

test("floods of frames end their own connections; memory, other tails and pushes are well", async (context) => {
  await using skald = await startSkald({ config });
  const tail = new WebSocket(skald.url.replace("http", "ws") + path);
  let seen = "";
  tail.on("message", (data: Buffer) => (seen += data.toString()));
  await once(tail, "open");
  assert.equal(await push(skald, "before"), 204);
  const rssFrom = rssMiB(skald);
  for (const [name, first, again] of floods) {
    await context.test(name, async () => {
      const flooding = Promise.all(Array.from({ length: 5 }, () => flood(skald, first, again)));
      assert.equal(await push(skald, `during ${name}`), 204);
      await flooding;
    });
  }
  assert.ok(rssMiB(skald) - rssFrom < growthMiBMax, `${rssFrom} to ${rssMiB(skald)} MiB`);
  assert.equal(await push(skald, "after"), 204);
  const late = performance.now() + withinMs;
  while (!seen.includes("after")) {
    assert.ok(performance.now() < late, seen);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.equal(tail.readyState, WebSocket.OPEN);
  tail.terminate();
});

test("clients that vanish in the middle of a tail give their places back", async () => {
  await using skald = await startSkald({ config });
  const active = async (): Promise<number> => {
    const text = await (await fetch(`${skald.url}/metrics`)).text();
    return Number(/^loki_querier_tail_active (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  const sockets = await Promise.all(Array.from({ length: 100 }, () => upgraded(skald)));
  assert.equal(await active(), 100);
  // Half of them reset the connection, half of them close their side only.
  for (const [i, socket] of sockets.entries()) {
    if (i % 2 === 0) socket.resetAndDestroy();
    else socket.end();
  }
  const late = performance.now() + withinMs;
  while ((await active()) > 0) {
    assert.ok(performance.now() < late, `${await active()} are left`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const socket of sockets) socket.destroy();
});

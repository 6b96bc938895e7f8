/** What processes meet in the world: being stopped, started twice, left alone by their clients. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

/** Both ends are files of one machine; where it lets a process have few, ask for less. */
const idleCount = Number(process.env["SKALD_IDLE_CONNECTIONS"] ?? "5000");
const idleMiBMax = 150;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function push(url: string, line: string): Promise<number> {
  const values = [[`${Date.now()}000000`, line]];
  const body = JSON.stringify({ streams: [{ stream: { app: "torture" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/loki/api/v1/push`, { method: "POST", headers, body });
  return answer.status;
}

async function open(skald: SkaldProcess): Promise<Socket> {
  const socket = connect(Number(new URL(skald.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

function rssMiB({ pid }: SkaldProcess): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

test("a second process on the same folder refuses clearly, and the first goes on", async () => {
  await using skald = await startSkald();
  await assert.rejects(startSkald({ folder: skald.folder }), /lock|in use|another process/i);
  assert.equal(await push(skald.url, "still here"), 204);
});

test("a process that was stopped for a while goes on where it was", async () => {
  await using skald = await startSkald();
  assert.equal(await push(skald.url, "before"), 204);
  process.kill(skald.pid, "SIGSTOP");
  const meanwhile = push(skald.url, "meanwhile");
  await pause(1500);
  process.kill(skald.pid, "SIGCONT");
  assert.equal(await meanwhile, 204);
  const query = new URLSearchParams({ query: '{app="torture"}' });
  const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${query.toString()}`);
  const text = await answer.text();
  for (const line of ["before", "meanwhile"]) assert.match(text, new RegExp(line));
});

test("idle connections cost little, and clients that vanish leave nothing behind", async () => {
  await using skald = await startSkald();
  assert.equal(await push(skald.url, "warm"), 204);
  const fromMiB = rssMiB(skald);
  const sockets: Socket[] = [];
  while (sockets.length < idleCount) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(skald)))));
  }
  assert.ok(rssMiB(skald) - fromMiB < idleMiBMax, `${fromMiB} to ${rssMiB(skald)} MiB`);
  assert.equal(await push(skald.url, "among many"), 204);
  // Half a request, and gone.
  for (const socket of sockets) {
    socket.write("POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{");
  }
  await pause(300);
  for (const socket of sockets) socket.destroy();
  let metrics = "";
  for (let tries = 0; tries < 50 && !/^skald_pushes_in_flight 0$/m.test(metrics); tries++) {
    await pause(200);
    metrics = await (await fetch(`${skald.url}/metrics`)).text();
  }
  assert.match(metrics, /^skald_pushes_in_flight 0$/m);
  assert.match(metrics, /^skald_pushes_in_flight_bytes 0$/m);
  assert.equal(await push(skald.url, "afterwards"), 204);
});

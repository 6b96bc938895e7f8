/** Few file descriptors: what cannot be had is refused, nothing acknowledged is lost, and it ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const descriptorsMax = 96;
const withFewFiles = ["sh", "-c", `ulimit -n ${descriptorsMax}; exec "$0" "$@"`];
const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: \${DATA}}
ingester: {chunk_idle_period: 1s, max_chunk_age: 1s}
`;
const patienceMs = 5_000;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** 0 when there was no answer at all. */
async function push(skald: SkaldProcess, line: string): Promise<number> {
  const values = [[`${Date.now()}000000`, line]];
  const body = JSON.stringify({ streams: [{ stream: { app: "files" }, values }] });
  const headers = { "Content-Type": "application/json", Connection: "close" };
  const signal = AbortSignal.timeout(patienceMs);
  return fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body, signal }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => 0,
  );
}

async function lines(skald: SkaldProcess): Promise<string[]> {
  const query = new URLSearchParams({ query: '{app="files"}', limit: "5000" });
  const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${query.toString()}`);
  assert.equal(answer.status, 200);
  const { data } = (await answer.json()) as { data: { result: { values: string[][] }[] } };
  return data.result.flatMap(({ values }) => values.map(([, line]) => line!)).sort();
}

async function hold(skald: SkaldProcess): Promise<Socket> {
  const socket = connect(Number(new URL(skald.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Over the one connection that was open before the files ran out. */
async function ask(skald: SkaldProcess, agent: Agent, path: string): Promise<number> {
  const method = path === "/flush" ? "POST" : "GET";
  const sent = request(skald.url + path, { agent, method });
  sent.end();
  const [answer] = await once(sent, "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode ?? 0;
}

test("with too few files it refuses or answers, lives on, and keeps what it acknowledged", async () => {
  await using skald = await startSkald({ config, through: withFewFiles });
  const acknowledged: string[] = [];
  const tryPush = async (line: string): Promise<number> => {
    const status = await push(skald, line);
    assert.ok([0, 204, 503].includes(status), `${status}`);
    if (status === 204) acknowledged.push(line);
    return status;
  };
  for (let i = 0; i < 5; i++) assert.equal(await tryPush(`before ${i}`), 204);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal(await ask(skald, agent, "/ready"), 200);
  // More connections than it may have files.
  const sockets: Socket[] = [];
  for (let i = 0; i < descriptorsMax; i++) sockets.push(await hold(skald));
  const meanwhile = Array.from({ length: 6 }, (_, i) => tryPush(`meanwhile ${i}`));
  assert.ok((await Promise.all(meanwhile)).includes(0), "there was a file for everybody");
  assert.ok([204, 500, 503].includes(await ask(skald, agent, "/flush")));
  const query = new URLSearchParams({ query: '{app="files"}' });
  const status = await ask(skald, agent, `/loki/api/v1/query_range?${query.toString()}`);
  assert.ok([200, 503].includes(status), `${status}`);
  agent.destroy();
  for (const socket of sockets) socket.destroy();
  let last = 0;
  for (let tries = 0; tries < 20 && last !== 204; tries++) {
    last = await tryPush(`after ${tries}`);
    if (last !== 204) await pause(100);
  }
  assert.equal(last, 204, skald.output());
  await fetch(`${skald.url}/flush`, { method: "POST" });
  const kept = await lines(skald);
  for (const line of acknowledged) assert.ok(kept.includes(line), `${line}\n${skald.output()}`);
  await skald.kill();
  await using again = await startSkald({ config, folder: skald.folder });
  const replayed = await lines(again);
  for (const line of acknowledged) assert.ok(replayed.includes(line), line);
});

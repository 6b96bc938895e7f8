/** Stopping: load balancers hear of it first, what is under way ends well, and profiles while it runs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { hashToken, printSecretHash } from "#access";
import { startSkald, temporaryFolder } from "../support/skald-process.ts";

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: info, graceful_shutdown_timeout: 4s}
common: {path_prefix: \${DATA}}
`;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function push(url: string, line: string): Promise<number> {
  const values = [[`${Date.now()}000000`, line]];
  const body = JSON.stringify({ streams: [{ stream: { app: "drain" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/loki/api/v1/push`, { method: "POST", headers, body });
  return answer.status;
}

test("during shutdown_delay it is not ready, says why, and serves", async () => {
  await using skald = await startSkald({ config: `${config}shutdown_delay: 1500ms\n` });
  const stopped = skald.stop();
  await pause(300);
  const ready = await fetch(`${skald.url}/ready`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /draining/);
  assert.equal(await push(skald.url, "while draining"), 204);
  const query = new URLSearchParams({ query: '{app="drain"}' });
  const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${query.toString()}`);
  assert.match(await answer.text(), /while draining/);
  assert.equal(await stopped, 0);
  assert.match(skald.output(), /stopped.*clean=true/);
});

test("a client that never ends its request does not take the journal's share of the grace", async () => {
  await using skald = await startSkald({ config });
  const socket = connect(Number(new URL(skald.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(
    "POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      "Content-Length: 1000\r\n\r\n{",
  );
  await pause(200);
  const fromMs = performance.now();
  assert.equal(await skald.stop(), 0);
  const tookMs = performance.now() - fromMs;
  assert.ok(tookMs < 3_800, `stopping took ${tookMs} ms of 4,000`);
  assert.match(skald.output(), /stopped.*clean=true/);
  socket.destroy();
});

test("operators end the process over HTTP, with a token file only; what was acknowledged is there", async () => {
  await using open = await startSkald({ config });
  assert.equal((await fetch(`${open.url}/ingester/shutdown`, { method: "POST" })).status, 403);
  const folder = temporaryFolder();
  const [tokens, token] = [`${folder}/tokens.json`, `skald_${"t".repeat(43)}`];
  const credential = (rights: readonly string[], secret: string) => ({
    name: rights.join(""),
    tenants: "*",
    rights,
    token_hash: printSecretHash(hashToken(secret)),
  });
  const credentials = [credential(["admin"], token), credential(["read", "write"], `${token}2`)];
  writeFileSync(tokens, JSON.stringify({ credentials }));
  const closed = `${config}skald: {token_file: "${tokens}"}\n`;
  await using skald = await startSkald({ config: closed, folder });
  const ask = (path: string, secret: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${secret}`);
    return fetch(skald.url + path, { ...init, headers });
  };
  const values = [[`${Date.now()}000000`, "kept"]];
  const body = JSON.stringify({ streams: [{ stream: { app: "drain" }, values }] });
  const pushing = { method: "POST", body, headers: { "Content-Type": "application/json" } };
  assert.equal((await ask("/loki/api/v1/push", `${token}2`, pushing)).status, 204);
  const path = "/ingester/shutdown";
  for (const [secret, query, status] of [
    [`${token}2`, "", 403],
    [token, "?flush=maybe", 400],
    [token, "?terminate=false", 204],
    [token, "", 204],
  ] as const) {
    assert.equal((await ask(path + query, secret, { method: "POST" })).status, status, query);
  }
  assert.equal(await skald.exited, 0);
  await using again = await startSkald({ config, folder });
  const query = new URLSearchParams({ query: '{app="drain"}' });
  const answer = await fetch(`${again.url}/loki/api/v1/query_range?${query.toString()}`);
  assert.match(await answer.text(), /kept/);
});

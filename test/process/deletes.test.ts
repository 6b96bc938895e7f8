import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const config = `
auth_enabled: false
server:
  http_listen_port: \${PORT}
  grpc_listen_port: 0
  log_level: warn
common:
  path_prefix: \${DATA}
compactor:
  delete_request_cancel_period: 1s
  retention_enabled: true
limits_config:
  discover_log_levels: false
  discover_service_name: []
  retention_stream:
    - selector: '{app="short"}'
      priority: 1
      period: 1h
`;

const now = Math.floor(Date.now() / 1000);

async function push(url: string, app: string, entries: readonly [number, string][]): Promise<void> {
  const values = entries.map(([second, line]) => [`${second}000000000`, line]);
  const body = JSON.stringify({ streams: [{ stream: { app }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/loki/api/v1/push`, { method: "POST", headers, body });
  assert.equal(answer.status, 204, await answer.text());
}

async function ask(url: string, path: string, params: Record<string, string>): Promise<unknown> {
  const answer = await fetch(`${url}${path}?${new URLSearchParams(params).toString()}`);
  assert.equal(answer.status, 200);
  return answer.json();
}

interface Streams {
  readonly data: { readonly result: readonly { readonly values: readonly [string, string][] }[] };
}

async function linesOf({ url }: SkaldProcess, query: string): Promise<string[]> {
  const params = { query, start: `${now - 90_000}`, end: `${now + 60}` };
  const { data } = (await ask(url, "/loki/api/v1/query_range", params)) as Streams;
  return data.result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
}

async function patternsOf({ url }: SkaldProcess, query: string): Promise<string[]> {
  const params = { query, start: `${now - 90_000}`, end: `${now + 60}` };
  const { data } = (await ask(url, "/loki/api/v1/patterns", params)) as {
    data: readonly { readonly pattern: string }[];
  };
  return data.map(({ pattern }) => pattern).sort();
}

async function countOf({ url }: SkaldProcess): Promise<string | undefined> {
  const query = 'sum(count_over_time({app="a"}[1h]))';
  const found = (await ask(url, "/loki/api/v1/query", { query, time: `${now + 1}` })) as {
    data: { result: readonly { value: [number, string] }[] };
  };
  return found.data.result[0]?.value[1];
}

async function deleteSecrets({ url }: SkaldProcess): Promise<void> {
  const params = { query: '{app="a"} |= "secret"', start: `${now - 100}`, end: `${now}` };
  const path = `${url}/loki/api/v1/delete?${new URLSearchParams(params).toString()}`;
  assert.equal((await fetch(path, { method: "POST" })).status, 204);
}

interface Deletes {
  readonly deletes: readonly { readonly state: string; readonly erased_lines: number }[];
}

async function erasedLines({ url }: SkaldProcess): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const { deletes } = (await ask(url, "/skald/api/v1/deletes", {})) as Deletes;
    if (deletes[0]?.state !== "received") return deletes[0]?.erased_lines ?? 0;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("the delete was not carried out");
}

test("a delete hides at once, in tails too, survives kill -9, and is then carried out", async () => {
  const first = await startSkald({ config });
  const { folder } = first;
  await push(first.url, "a", [
    [now - 5, "keep 1"],
    [now - 4, "secret 1"],
  ]);
  await fetch(`${first.url}/flush`, { method: "POST" });
  await push(first.url, "a", [
    [now - 3, "keep 2"],
    [now - 2, "secret 2"],
  ]);
  assert.equal(await countOf(first), "4");
  await deleteSecrets(first);
  assert.deepEqual(await linesOf(first, '{app="a"}'), ["keep 1", "keep 2"]);
  assert.equal(await countOf(first), "2");

  const tail = new WebSocket(`${first.url.replace("http", "ws")}/loki/api/v1/tail?query={app="a"}`);
  await once(tail, "open");
  const frames: string[] = [];
  tail.on("message", (data: Buffer) => frames.push(data.toString()));
  await push(first.url, "a", [
    [now - 1, "secret 3"],
    [now, "keep 3"],
  ]);
  while (!frames.join("").includes("keep 3")) await once(tail, "message");
  assert.ok(!frames.join("").includes("secret"), frames.join("\n"));
  tail.terminate();

  await first.kill();
  await new Promise((done) => setTimeout(done, 1000));
  await using second = await startSkald({ config, folder });
  assert.deepEqual(await linesOf(second, '{app="a"}'), ["keep 1", "keep 2", "keep 3"]);
  assert.equal(await erasedLines(second), 3);
  assert.deepEqual(await linesOf(second, '{app="a"}'), ["keep 1", "keep 2", "keep 3"]);
  assert.equal(await countOf(second), "3");
});

test("what is expired is not answered; the plan and the board are served", async () => {
  await using skald = await startSkald({ config });
  await push(skald.url, "short", [
    [now - 3700, "old"],
    [now - 3500, "young"],
  ]);
  await push(skald.url, "long", [[now - 3700, "old"]]);
  assert.deepEqual(await linesOf(skald, '{app="short"}'), ["young"]);
  assert.deepEqual(await linesOf(skald, '{app="long"}'), ["old"]);
  assert.deepEqual(await patternsOf(skald, '{app="short"}'), ["young"]);
  await fetch(`${skald.url}/flush`, { method: "POST" });
  assert.deepEqual(await linesOf(skald, '{app="short"}'), ["young"]);
  const plan = await ask(skald.url, "/skald/api/v1/retention/plan", { ahead: "2d" });
  assert.ok(JSON.stringify(plan).includes('"rewrite"'), JSON.stringify(plan));
  const board = (await ask(skald.url, "/skald/api/v1/background", {})) as {
    tasks: readonly { name: string }[];
  };
  const names = board.tasks.map(({ name }) => name);
  for (const name of ["merging", "deletes", "retention", "rules"])
    assert.ok(names.includes(name), name);
  const metrics = await (await fetch(`${skald.url}/metrics`)).text();
  assert.match(metrics, /skald_background_last_success_timestamp_seconds\{task="retention"\}/);
});

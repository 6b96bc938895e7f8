/** A wall clock that jumps: pushes, cuts, queries and rules go on, and nothing is lost. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unpack } from "../../scripts/debian-servers.ts";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";

const { isThere, root, reason } = unpack(["libfaketime"]);
const hourMs = 3_600_000;
const waitMaxMs = 20_000;
const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: \${DATA}}
ingester: {chunk_idle_period: 1s, max_chunk_age: 2s}
ruler:
  storage: {type: local, local: {directory: "\${DATA}/rules"}}
  evaluation_interval: 1s
`;
const rules = `
groups:
  - name: jumps
    interval: 1s
    rules: [{alert: Seen, expr: 'sum(count_over_time({app="clock"}[1h])) > 0'}]
`;

function library(): string {
  const folder = join(root, "usr", "lib");
  const [triplet = ""] = readdirSync(folder);
  return join(folder, triplet, "faketime", "libfaketimeMT.so.1");
}

async function push(skald: SkaldProcess, line: string, atMs: number): Promise<void> {
  const values = [[`${Math.floor(atMs)}000000`, line]];
  const body = JSON.stringify({ streams: [{ stream: { app: "clock" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
  assert.equal(answer.status, 204, await answer.text());
}

async function lines(skald: SkaldProcess): Promise<string[]> {
  const now = Date.now();
  const query = new URLSearchParams({
    query: '{app="clock"}',
    start: `${now - 72 * hourMs}000000`,
    end: `${now + 72 * hourMs}000000`,
    limit: "1000",
  });
  const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${query.toString()}`);
  const { data } = (await answer.json()) as { data: { result: { values: string[][] }[] } };
  return data.result.flatMap(({ values }) => values.map(([, line]) => line!)).sort();
}

async function counter(skald: SkaldProcess, name: string): Promise<number> {
  const text = await (await fetch(`${skald.url}/metrics`)).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(" ")));
  }
  return sum;
}

async function grows(skald: SkaldProcess, name: string): Promise<void> {
  const before = await counter(skald, name);
  const deadline = performance.now() + waitMaxMs;
  while ((await counter(skald, name)) <= before) {
    assert.ok(performance.now() < deadline, `${name} stands still: ${skald.output()}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Each part a second after its last entry, whatever the clock said then. */
async function everythingIsCut(skald: SkaldProcess, entryCount: number): Promise<void> {
  const deadline = performance.now() + waitMaxMs;
  for (;;) {
    const cut = await counter(skald, "skald_segment_entries_written_total");
    if (cut >= entryCount) return;
    assert.ok(performance.now() < deadline, `${cut} of ${entryCount} were cut`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

const skip = isThere ? false : reason;

test("a clock that jumps stops nothing and loses nothing", { skip }, async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "rules", "fake"), { recursive: true });
  writeFileSync(join(folder, "rules", "fake", "rules.yaml"), rules);
  const clock = join(folder, "clock");
  const setClock = (offset: string): void => {
    writeFileSync(`${clock}.new`, `${offset}\n`);
    renameSync(`${clock}.new`, clock);
  };
  setClock("+0");
  await using skald = await startSkald({
    config,
    folder,
    env: {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
  const pushed: string[] = [];
  for (const [offset, hours] of [
    ["+0", 0],
    ["+2d", 48],
    ["-5h", -5],
    ["+1h", 1],
    ["+0", 0],
  ] as const) {
    setClock(offset);
    const line = `jump ${pushed.length} to ${offset}`;
    await push(skald, line, Date.now() + hours * hourMs);
    pushed.push(line);
    assert.deepEqual(await lines(skald), pushed.toSorted());
    await grows(skald, "loki_prometheus_rule_evaluations_total");
  }
  await everythingIsCut(skald, pushed.length);
  assert.deepEqual(await lines(skald), pushed.toSorted());
  await skald.kill();
  await using again = await startSkald({ config, folder });
  assert.deepEqual(await lines(again), pushed.toSorted());
});

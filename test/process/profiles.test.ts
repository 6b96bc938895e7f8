/** Profiles of a running process, as pprof's protobuf: what uses time, and what holds memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: info}
common: {path_prefix: "\${DATA}"}
limits_config: {ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000,
  per_stream_rate_limit: 1GB, per_stream_rate_limit_burst: 1GB}
`;
const mib = 1024 * 1024;

async function push(skald: SkaldProcess, lines: readonly string[]): Promise<number> {
  const nowMs = Date.now();
  const values = lines.map((line, i) => [`${nowMs}${String(i).padStart(6, "0")}`, line]);
  const body = JSON.stringify({ streams: [{ stream: { app: "profile" }, values }] });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
  return answer.status;
}

async function profile(skald: SkaldProcess, path: string): Promise<Profile> {
  const answer = await fetch(`${skald.url}/debug/pprof/${path}`);
  assert.equal(answer.status, 200);
  return Profile.decode(gunzipSync(Buffer.from(await answer.arrayBuffer())));
}

const units = (one: Profile): string[] =>
  one.sampleType.map(({ type }) => one.stringTable.strings[Number(type)] ?? "");

/** Every place is there, belongs to the program, and its functions have names. */
function checkTables(one: Profile): void {
  assert.equal(one.stringTable.strings[0], "");
  const locations = new Set(one.location.map(({ id }) => Number(id)));
  const functions = new Map(one.function.map((known) => [Number(known.id), known]));
  for (const { locationId } of one.sample) {
    for (const id of locationId) assert.ok(locations.has(Number(id)), `location ${String(id)}`);
  }
  for (const { line, mappingId } of one.location) {
    assert.equal(Number(mappingId), 1);
    const known = functions.get(Number(line[0]?.functionId));
    assert.ok((one.stringTable.strings[Number(known?.name)] ?? "") !== "");
  }
  assert.equal(one.mapping.length, 1);
}

/** What was given back meanwhile is below zero; the decoder knows no signs. */
const signed = (value: number | bigint = 0): number => Number(BigInt.asIntN(64, BigInt(value)));

function inUseMiB(one: Profile): number {
  return one.sample.reduce((sum, { value }) => sum + signed(value[1]), 0) / mib;
}

test("CPU profiles show where time went, one at a time, in bounded time", async () => {
  await using skald = await startSkald({ config });
  const busy = Promise.all(Array.from({ length: 40 }, (_, i) => push(skald, [`line ${i}`])));
  const first = profile(skald, "profile?seconds=1");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const second = await fetch(`${skald.url}/debug/pprof/heap?seconds=1`);
  assert.equal(second.status, 429);
  assert.ok(second.headers.get("retry-after") !== null);
  await second.text();
  await busy;
  const cpu = await first;
  assert.deepEqual(units(cpu), ["samples", "cpu"]);
  assert.ok(cpu.sample.length > 0);
  checkTables(cpu);
  assert.ok(Number(cpu.durationNanos) > 0.9e9);
  for (const seconds of ["0", "301", "x", "-1"]) {
    const answer = await fetch(`${skald.url}/debug/pprof/profile?seconds=${seconds}`);
    assert.equal(answer.status, 400, seconds);
    await answer.text();
  }
  assert.match(await (await fetch(`${skald.url}/debug/pprof/`)).text(), /profile\?seconds=/);
});

test("a heap profile shows what the process holds at once, and over time what was added", async () => {
  await using skald = await startSkald({ config });
  const before = await profile(skald, "heap?gc=1");
  assert.deepEqual(units(before), ["inuse_objects", "inuse_space"]);
  checkTables(before);
  // An idle process shows its code and tables, and no empty profile.
  assert.ok(inUseMiB(before) > 10, `${inUseMiB(before)} MiB`);
  const during = profile(skald, "heap?seconds=3&gc=1");
  const line = "x".repeat(20_000);
  // Less than is cut into a segment: what is written is held no longer.
  for (let i = 0; i < 10; i++) {
    const lines = Array.from({ length: 50 }, (_, n) => `${i} ${n} ${line}`);
    assert.equal(await push(skald, lines), 204);
  }
  const heldMiB = (10 * 50 * line.length) / mib;
  for (const added of [
    inUseMiB(await during),
    inUseMiB(await profile(skald, "heap?gc=1")) - inUseMiB(before),
  ]) {
    assert.ok(added > 0.6 * heldMiB && added < 4 * heldMiB, `${added} of ${heldMiB} MiB`);
  }
  const names = (await profile(skald, "allocs")).stringTable.strings;
  assert.ok(names.includes("(buffers: head)"));
});

/** More work than there is room for: bounded, refused at once, and over soon after it ends. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { type SkaldProcess, startSkald } from "../support/skald-process.ts";

/** A soak makes this longer. */
const seconds = Number(process.env["SKALD_OVERLOAD_SECONDS"] ?? "6");
const rssMiBMax = 900;
const linesPerPush = 1500;
const capacityMs = 2500;
/** Of so many lines: too much for any machine that measured itself while it was busy elsewhere. */
const offeredPerSecondMin = 600;

const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: \${DATA}}
limits_config:
  {ingestion_rate_mb: 10000, ingestion_burst_size_mb: 10000, per_stream_rate_limit: 10GB,
  per_stream_rate_limit_burst: 10GB, discover_log_levels: false}
`;

interface Outcome {
  readonly status: number;
  readonly tookMs: number;
  readonly hasRetryAfter: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

let bodyCount = 0;
function newBody(): Buffer {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const id = bodyCount++;
  const values = Array.from({ length: linesPerPush }, (_, i) => [
    String(nowNs + BigInt(i)),
    `level=info msg="request served" id=${id}-${i} path=/api/v1/items status=200 took=12ms`,
  ]);
  return Buffer.from(JSON.stringify({ streams: [{ stream: { app: `load-${id % 8}` }, values }] }));
}

/** Made before, so that the client costs the machine little while it is measured. */
const bodies = Array.from({ length: 64 }, newBody);
const agent = new Agent({ keepAlive: true, maxSockets: 3000 });

function push(skald: SkaldProcess, at: number, tenant = "loud"): Promise<Outcome> {
  const body = bodies[at % bodies.length]!;
  const fromMs = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, hasRetryAfter: boolean): void =>
      resolve({ status, hasRetryAfter, tookMs: performance.now() - fromMs });
    const sent = request(
      `${skald.url}/loki/api/v1/push`,
      {
        method: "POST",
        agent,
        headers: {
          "Content-Type": "application/json",
          "Content-Length": body.length,
          "X-Scope-OrgID": tenant,
        },
      },
      (answer) => {
        answer.resume();
        answer.on("end", () =>
          end(answer.statusCode ?? 0, answer.headers["retry-after"] !== undefined),
        );
      },
    );
    sent.on("error", () => end(0, false));
    sent.end(body);
  });
}

/** Pushes a second when as many clients push as fast as they are answered. */
async function capacity(skald: SkaldProcess, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let done = 0;
  const client = async (at: number): Promise<void> => {
    while (performance.now() < endMs) {
      const { status } = await push(skald, at++);
      if (status === 204) done++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => client(i * 7)));
  return (done * 1000) / forMs;
}

function rssMiB({ pid }: SkaldProcess): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

/** Of all threads; the kernel counts in hundredths. */
function cpuSeconds({ pid }: SkaldProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

test("three times what it can take: memory and latency bounded, answers clear, soon over", async (context) => {
  await using skald = await startSkald({ config });
  await capacity(skald, 1500);
  const busyFromSeconds = cpuSeconds(skald);
  const perSecond = await capacity(skald, capacityMs);
  const perCpuSecond = (perSecond * (capacityMs / 1000)) / (cpuSeconds(skald) - busyFromSeconds);
  const outcomes: Promise<Outcome>[] = [];
  const neighbour: Promise<Outcome>[] = [];
  let worstMiB = 0;
  const fromMs = performance.now();
  const fromCpuSeconds = cpuSeconds(skald);
  for (;;) {
    const elapsedMs = performance.now() - fromMs;
    if (elapsedMs >= seconds * 1000) break;
    const offeredPerSecond = Math.max(perSecond * 3, offeredPerSecondMin);
    const due = Math.min((offeredPerSecond * elapsedMs) / 1000, outcomes.length + 200);
    while (outcomes.length < due) outcomes.push(push(skald, outcomes.length));
    if (neighbour.length < elapsedMs / 500) neighbour.push(push(skald, neighbour.length, "quiet"));
    worstMiB = Math.max(worstMiB, rssMiB(skald));
    await pause(10);
  }
  const all = await Promise.all(outcomes);
  const usedCpuSeconds = cpuSeconds(skald) - fromCpuSeconds;
  const accepted = all.filter(({ status }) => status === 204);
  const refused = all.filter(({ status }) => status === 503 || status === 429);
  assert.equal(accepted.length + refused.length, all.length, "every push is answered, clearly");
  assert.ok(refused.every(({ hasRetryAfter }) => hasRetryAfter));
  assert.ok(refused.length > 0, "three times as much was taken as there is room for");
  const refusedMs = quantile(
    refused.map(({ tookMs }) => tookMs),
    0.5,
  );
  // By the server's own time: the clients that are refused share the machine with it.
  const goodput = accepted.length / usedCpuSeconds / perCpuSecond;
  const latencyMs = quantile(
    accepted.map(({ tookMs }) => tookMs),
    0.99,
  );
  context.diagnostic(
    `${perSecond.toFixed(0)} pushes/s; offered ${all.length}, accepted ${accepted.length}, ` +
      `refused ${refused.length}, goodput ${(goodput * 100).toFixed(0)} %, ` +
      `p99 ${latencyMs.toFixed(0)} ms, refusals ${refusedMs.toFixed(0)} ms, RSS ${worstMiB.toFixed(0)} MiB`,
  );
  assert.ok(worstMiB < rssMiBMax, `${worstMiB} MiB`);
  assert.ok(latencyMs < 12_000, `${latencyMs} ms`);
  assert.ok(refusedMs < 1_500, `refusing took ${refusedMs} ms`);
  // Small bodies of what is refused are read to their end, and thrown away: that is what it loses.
  assert.ok(goodput >= 0.55, `goodput fell to ${goodput}`);
  const quiet = await Promise.all(neighbour);
  assert.ok(quiet.filter(({ status }) => status === 204).length >= quiet.length * 0.9);
  const median = (outcomes: readonly Outcome[]): number => {
    return quantile(
      outcomes.map(({ tookMs }) => tookMs),
      0.5,
    );
  };
  const [quietMs, loudMs] = [median(quiet), median(accepted)];
  context.diagnostic(
    `pushes take ${loudMs.toFixed(0)} ms, its neighbour's ${quietMs.toFixed(0)} ms`,
  );
  // It waits for some pushes of the flood, not for all that came before it.
  assert.ok(quietMs < Math.max(1_000, loudMs * 0.75), `its neighbour waited ${quietMs} ms`);
  // And a moment later nothing is left of it.
  const after = [];
  for (let i = 0; i < 10; i++) after.push(await push(skald, i));
  assert.ok(after.every(({ status, tookMs }) => status === 204 && tookMs < 2000));
});

test("expensive queries starve neither pushes nor cheap queries", async (context) => {
  await using skald = await startSkald({ config });
  for (let i = 0; i < 20; i++) assert.equal((await push(skald, i)).status, 204);
  const ask = async (query: string, tenant: string): Promise<Outcome> => {
    const now = Math.floor(Date.now() / 1000);
    const params = new URLSearchParams({
      query,
      start: String(now - 600),
      end: String(now),
      step: "60",
    });
    const fromMs = performance.now();
    const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${params.toString()}`, {
      headers: { "X-Scope-OrgID": tenant, "Cache-Control": "no-cache" },
    });
    await answer.arrayBuffer();
    const hasRetryAfter = answer.headers.has("retry-after");
    return { status: answer.status, hasRetryAfter, tookMs: performance.now() - fromMs };
  };
  let isOver = false;
  const expensive = Array.from({ length: 6 }, async (_, i) => {
    while (!isOver) {
      await ask(
        `sum by (path) (count_over_time({app=~"load-.*"} | logfmt | took!="${i}"[1m]))`,
        "loud",
      );
    }
  });
  await pause(500);
  const pushesMs: number[] = [];
  const cheapMs: number[] = [];
  for (let i = 0; i < 8; i++) {
    const pushed = await push(skald, i, "quiet");
    assert.equal(pushed.status, 204);
    pushesMs.push(pushed.tookMs);
    const asked = await ask('{app="load-1"} |= "id=1-"', "quiet");
    assert.equal(asked.status, 200);
    cheapMs.push(asked.tookMs);
  }
  isOver = true;
  await Promise.all(expensive);
  const [push95, cheap95] = [quantile(pushesMs, 0.95), quantile(cheapMs, 0.95)];
  context.diagnostic(`push p95 ${push95.toFixed(0)} ms, cheap query p95 ${cheap95.toFixed(0)} ms`);
  assert.ok(push95 < 2_500, `${push95} ms`);
  assert.ok(cheap95 < 5_000, `${cheap95} ms`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueryEngine } from "#query";
import { RequestError } from "#base";
import { startTestServer, testStartSeconds } from "./server-for-tests.ts";

const labels = "/loki/api/v1/labels";

test("a tenant that asks too often is told to come back, others are served", async () => {
  await using server = await startTestServer({ limits: { maxReadsPerSecond: 3 } });
  const statuses = async (tenant: string): Promise<number[]> => {
    const got: number[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await server.get(labels, { headers: { "x-scope-orgid": tenant } });
      got.push(answer.status);
      if (answer.status === 429) assert.equal(answer.headers.get("retry-after"), "1");
    }
    return got;
  };
  assert.deepEqual(await statuses("a"), [200, 200, 200, 429, 429]);
  assert.deepEqual(await statuses("b"), [200, 200, 200, 429, 429]);
  assert.deepEqual(await statuses("b|c"), [429, 429, 429, 429, 429]);
  server.clock.advance(1000);
  assert.deepEqual(await statuses("a"), [200, 200, 200, 429, 429]);
  const { text } = await server.get("/metrics");
  assert.match(text, /skald_reads_refused_total\{tenant="a",reason="rate"\} 4/);
});

test("so many at once and no more; places come back when clients leave", async () => {
  let running = 0;
  const engine: QueryEngine = {
    run: ({ signal }) =>
      new Promise((_, reject) => {
        running++;
        signal.addEventListener("abort", () => reject(new RequestError(499, "gone")));
      }),
  };
  await using server = await startTestServer({
    limits: { maxConcurrentReads: 2 },
    ports: { engine },
  });
  const gone = new AbortController();
  const path = "/loki/api/v1/query?query=1";
  const waiting = [1, 2].map(() => server.get(path, { signal: gone.signal }));
  const ended = Promise.allSettled(waiting);
  while (running < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await server.get(labels)).status, 429);
  assert.equal((await server.get(labels, { headers: { "x-scope-orgid": "u" } })).status, 200);
  gone.abort();
  await ended;
  for (let i = 0; i < 50 && (await server.get(labels)).status === 429; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal((await server.get(labels)).status, 200);
});

test("a push over its tenant's rate says when to come back", async () => {
  await using server = await startTestServer({
    limits: { ingestionRateBytesPerSecond: 1, ingestionBurstBytes: 1 },
  });
  const stream = { stream: { job: "a" }, values: [[`${testStartSeconds}000000000`, "too long"]] };
  const answer = await server.get("/loki/api/v1/push", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ streams: [stream] }),
  });
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("Retry-After"), "1");
});

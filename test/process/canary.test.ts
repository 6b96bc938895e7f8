/** `skald canary` against a live server: quiet when all is well, and loud when it is not. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, startSkald } from "../support/skald-process.ts";

const bin = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");

/** A soak makes this longer. */
const seconds = Number(process.env["SKALD_SOAK_SECONDS"] ?? "20");

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function startCanary(url: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
  const child = spawn(bin, ["canary", `-addr=${url}`, "-pruneinterval=1s", ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part: Buffer) => {
      output += part.toString("utf8");
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  return { child, ended };
}

async function metric(port: number, name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(await answer.text());
  assert.ok(found !== null, `no metric ${name}`);
  return Number(found[1]);
}

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: warn}
common: {path_prefix: \${DATA}}
ingester: {chunk_idle_period: 1s, max_chunk_age: 3s}
`;

test("a server that is killed in between loses and reorders nothing", async () => {
  const port = await freePort();
  let skald = await startSkald({ config, port });
  const metricsPort = await freePort();
  const { ended } = startCanary(
    skald.url,
    `-port=${metricsPort}`,
    `-for=${seconds}s`,
    "-interval=10ms",
    "-wait=60s",
    "-write-min-backoff=50ms",
    "-write-max-backoff=200ms",
    "-write-max-retries=1000",
    "-metric-test-interval=2s",
  );
  await new Promise((done) => setTimeout(done, (seconds * 1000) / 3));
  await skald.kill();
  skald = await startSkald({ config, port, folder: skald.folder });
  await new Promise((done) => setTimeout(done, (seconds * 1000) / 3));
  assert.ok((await metric(metricsPort, "loki_canary_entries_total")) > 200);
  assert.ok((await metric(metricsPort, "loki_canary_ws_reconnects_total")) >= 1);
  assert.equal(await metric(metricsPort, "loki_canary_metric_test_deviation"), 0);
  for (const name of ["missing", "unexpected", "out_of_order"]) {
    assert.equal(await metric(metricsPort, `loki_canary_${name}_entries_total`), 0, name);
  }
  // A push that the kill cut off after the tail had its entry is sent again: that one is heard twice, and stored once.
  const doubled = await metric(metricsPort, "loki_canary_duplicate_entries_total");
  assert.ok(doubled <= 1, `${doubled} doubled`);
  const { code, output } = await ended;
  assert.doesNotMatch(output, /\d (missing|unexpected|out of order|query)/, output);
  assert.equal(code, doubled, output);
  await skald[Symbol.asyncDispose]();
});

test("a server that swallows an acknowledged push is found out", async () => {
  await using skald = await startSkald();
  let pushCount = 0;
  // Stands between the two; every fifth push is answered, but goes nowhere.
  const between = createServer((incoming, outgoing) => {
    const isPush = incoming.url?.startsWith("/loki/api/v1/push") === true;
    if (isPush && ++pushCount % 5 === 0) {
      incoming.resume().on("end", () => outgoing.writeHead(204).end());
      return;
    }
    const { method, headers, url = "" } = incoming;
    const onward = request(`${skald.url}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  between.on("upgrade", (incoming, socket) => {
    const onward = request(`${skald.url}${incoming.url}`, { headers: incoming.headers });
    onward.on("upgrade", (answer, upstream) => {
      const lines = Object.entries(answer.headers).map(
        ([name, value]) => `${name}: ${String(value)}`,
      );
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      upstream.pipe(socket).pipe(upstream);
      for (const end of [socket, upstream]) end.on("error", () => undefined);
    });
    onward.end();
  });
  between.listen(0, "127.0.0.1");
  await once(between, "listening");
  const address = between.address();
  assert.ok(typeof address === "object" && address !== null);
  const canary = startCanary(
    `http://127.0.0.1:${address.port}`,
    "-port=0",
    "-for=2s",
    "-interval=50ms",
    "-wait=1s",
    "-max-wait=2s",
  );
  const { code, output } = await canary.ended;
  assert.equal(code, 1, output);
  assert.match(output, /[1-9]\d* websocket missing/);
  assert.match(output, /[1-9]\d* missing/);
  between.closeAllConnections();
  between.close();
});

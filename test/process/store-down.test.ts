import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, connect, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import {
  type SkaldProcess,
  type StartOptions,
  startSkald,
  temporaryFolder,
} from "../support/skald-process.ts";

/** A wire to a server that can be cut and mended: as when the network or the server is gone. */
class Wire implements AsyncDisposable {
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#join(socket));
  }

  static async to(endpoint: string): Promise<Wire> {
    const wire = new Wire(Number(new URL(endpoint).port));
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  #join(socket: Socket): void {
    if (this.#isCut) {
      socket.destroy();
      return;
    }
    const other = connect(this.#target, "127.0.0.1");
    for (const [one, peer] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(peer);
      one.on("error", () => peer.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        peer.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function configOf(endpoint: string, store: "skald" | "tsdb"): string {
  const { accessKeyId, secretAccessKey } = s3rverKeys;
  return `
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: warn}
common: {path_prefix: "\${DATA}/data"}
query_range: {cache_results: false}
skald: {object_cache_size: 0}
schema_config:
  configs: [{from: 2020-01-01, store: ${store}, object_store: s3, schema: v13, index: {prefix: index_, period: 24h}}]
storage_config:
  aws:
    endpoint: ${endpoint}
    bucketnames: logs
    region: us-east-1
    s3forcepathstyle: true
    access_key_id: ${accessKeyId}
    secret_access_key: ${secretAccessKey}
    backoff_config: {min_period: 10ms, max_period: 50ms, max_retries: 2}
limits_config: {discover_log_levels: false, discover_service_name: []}
runtime_config: {file: "\${DATA}/overrides.yaml", period: 200ms}
`;
}

async function push(skald: SkaldProcess, line: string): Promise<number> {
  const values = [[String(BigInt(Date.now()) * 1_000_000n), line]];
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ streams: [{ stream: { app: "a" }, values }] }),
  });
  await answer.text();
  return answer.status;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(skald: SkaldProcess, path: string, method = "GET"): Promise<Answer> {
  const answer = await fetch(`${skald.url}${path}`, { method });
  return { status: answer.status, text: await answer.text() };
}

function queryLines(skald: SkaldProcess): Promise<Answer> {
  const selector = encodeURIComponent('{app="a"}');
  return ask(skald, `/loki/api/v1/query_range?query=${selector}&direction=forward&limit=1000`);
}

function linesOf({ status, text }: Answer): string[] {
  assert.equal(status, 200, text);
  const { data } = JSON.parse(text) as { data: { result: { values: [string, string][] }[] } };
  return data.result.flatMap(({ values }) => values.map(([, line]) => line));
}

async function eventually(what: string, test: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await test())) {
    assert.ok(performance.now() < until, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function during(
  options: StartOptions,
  use: (skald: SkaldProcess) => Promise<void>,
): Promise<void> {
  const skald = await startSkald(options);
  try {
    await use(skald);
  } finally {
    await skald.kill();
  }
}

/** With the store down and the tenant's leave, what the head has is answered, with a warning. */
async function answersInPart(skald: SkaldProcess, overrides: string): Promise<void> {
  assert.equal((await queryLines(skald)).status, 503);
  writeFileSync(overrides, "overrides: {fake: {allow_partial_results: true}}\n");
  await eventually("partial results", async () => (await queryLines(skald)).status === 200);
  const partial = await queryLines(skald);
  assert.deepEqual(linesOf(partial), ["while it is down"]);
  assert.match(partial.text, /"warnings":\["the period from 2020-01-01 left out/);
  writeFileSync(overrides, "overrides: {}\n");
}

for (const store of ["skald", "tsdb"] as const) {
  test(`an object store goes away and comes back: ${store}`, async () => {
    await using s3 = await startS3rver(["logs"]);
    await using wire = await Wire.to(s3.endpoint);
    const folder = temporaryFolder();
    const overrides = `${folder}/overrides.yaml`;
    writeFileSync(overrides, "overrides: {}\n");
    const options = { folder, config: configOf(wire.endpoint, store) };
    await during(options, async (skald) => {
      assert.equal(await push(skald, "stored"), 204);
      assert.equal((await ask(skald, "/flush", "POST")).status < 300, true);
      assert.deepEqual(linesOf(await queryLines(skald)), ["stored"]);
      wire.cut();

      assert.equal(await push(skald, "while it is down"), 204);
      assert.ok((await ask(skald, "/flush", "POST")).status >= 500);
      const ready = await ask(skald, "/ready");
      assert.equal(ready.status, 200);
      assert.match(ready.text, /^ready\nobject store .*logs.* has not answered for \d+ s\n$/);
      assert.match((await ask(skald, "/metrics")).text, /skald_object_store_up\{store=".*"\} 0/);
      if (store === "skald") await answersInPart(skald, overrides);
    });

    const wanted = ["stored", "while it is down", "after a start without it"];
    // It starts without the store, too, and takes what comes.
    await during(options, async (skald) => {
      assert.equal(await push(skald, "after a start without it"), 204);
      const failed = await queryLines(skald);
      assert.equal(failed.status, 503, failed.text);
      assert.match(failed.text, /logs/);

      wire.mend();
      await eventually("all is answered", async () => {
        const answer = await queryLines(skald);
        return answer.status === 200 && linesOf(answer).length === wanted.length;
      });
      assert.deepEqual(linesOf(await queryLines(skald)), wanted);
      await eventually("flushed", async () => (await ask(skald, "/flush", "POST")).status < 300);
      assert.deepEqual(linesOf(await queryLines(skald)), wanted);
      assert.equal((await ask(skald, "/ready")).text, "ready\n");
    });
    rmSync(folder, { recursive: true });
  });
}

const mistakes: readonly (readonly [
  what: string,
  change: readonly [string, string],
  want: RegExp,
])[] = [
  ["a bucket that is not there", ["bucketnames: logs", "bucketnames: none"], /no bucket none/],
  ["a wrong key", ["access_key_id: S3RVER", "access_key_id: WRONG"], /refused access key WRONG/],
];

for (const [what, [from, to], want] of mistakes) {
  test(`the start says what is wrong: ${what}`, async () => {
    await using s3 = await startS3rver(["logs"]);
    const folder = temporaryFolder();
    writeFileSync(`${folder}/overrides.yaml`, "overrides: {}\n");
    const config = configOf(s3.endpoint, "tsdb").replace(from, to);
    await assert.rejects(startSkald({ folder, config }), (error: Error) => {
      assert.match(error.message, want);
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
    rmSync(folder, { recursive: true });
  });
}

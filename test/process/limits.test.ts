/** docs/operating/limits.md names metrics: each must be there, and no queue or cache may be missing. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { hashToken, printSecretHash } from "#access";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";
import { startTinyGcs } from "../support/tiny-gcs.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const token = `skald_ops_${"x".repeat(40)}`;
const page = readFileSync(join(root, "docs", "operating", "limits.md"), "utf8");

async function metricsOf(
  skald: SkaldProcess,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const answer = await fetch(`${skald.url}/metrics`, { headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

/** A field of a protobuf message. */
function field(number: number, content: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), Buffer.from(content)]);
}

/** One record of a service `a`. */
function otlpRequest(): Buffer<ArrayBuffer> {
  const value = field(1, "a");
  const attribute = Buffer.concat([field(1, "service.name"), field(2, value)]);
  const resource = field(1, attribute);
  const record = field(5, value);
  const logs = Buffer.concat([field(1, resource), field(2, field(2, record))]);
  return Buffer.from(field(1, logs));
}

/** Both formats on the disk, with people who log in, and samples for a Prometheus. */
async function localMetrics(): Promise<string> {
  const folder = temporaryFolder();
  const tokens = join(folder, "tokens.json");
  const token_hash = printSecretHash(hashToken(token));
  const ops = { name: "ops", tenants: ["a"], rights: ["admin", "write"], token_hash };
  writeFileSync(tokens, JSON.stringify({ credentials: [ops] }));
  await using skald = await startSkald({
    folder,
    config: `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_address: 127.0.0.1, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
schema_config:
  configs:
    - {from: 2020-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}
    - {from: 2024-01-01, store: skald, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}
ruler:
  alertmanager_url: http://127.0.0.1:1
  remote_write: {enabled: true, clients: {ours: {url: "http://127.0.0.1:1/write"}}}
skald: {token_file: "${tokens}", audit_file: "${join(folder, "audit.log")}"}
`,
  });
  const authorization = `Bearer ${token}`;
  const headers = { authorization, "content-type": "application/json", "x-scope-orgid": "a" };
  const body = JSON.stringify({
    streams: [{ stream: { app: "a" }, values: [[`${Date.now()}000000`, "one line"]] }],
  });
  const pushed = await fetch(`${skald.url}/loki/api/v1/push`, { method: "POST", headers, body });
  assert.equal(pushed.status, 204);
  const exported = await fetch(`${skald.url}/otlp/v1/logs`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-protobuf" },
    body: otlpRequest(),
  });
  assert.equal(exported.status, 204, await exported.text());
  return await metricsOf(skald, { authorization });
}

/** Loki's format in a bucket, caches before it. */
async function remoteMetrics(): Promise<string> {
  await using store = await startTinyGcs();
  await using skald = await startSkald({
    config: `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
schema_config:
  configs: [{from: 2020-01-01, store: tsdb, object_store: gcs, schema: v13, index: {prefix: index_, period: 24h}}]
storage_config: {gcs: {bucket_name: logs, endpoint: "${store.endpoint}"}}
chunk_store_config:
  chunk_cache_config: {memcached_client: {addresses: "127.0.0.1:1", timeout: 50ms}}
`,
  });
  return await metricsOf(skald);
}

const metrics = Promise.all([localMetrics(), remoteMetrics()]).then((texts) => texts.join("\n"));

test("each metric of the page is exported", async () => {
  const text = await metrics;
  const named = new Set(page.match(/\b(?:skald|loki)_[a-z_]+(?:\{reason="[a-z]+"\})?/g));
  assert.ok(named.size > 30, "the page names metrics");
  for (const name of named) {
    const isThere = name.includes("{")
      ? text.includes(`\n${name} `)
      : text.includes(`\n# HELP ${name} `);
    assert.ok(isThere || isPartOfOther(name), name);
  }
});

/** The page has tables of names that begin alike: `loki_indexes` is a cache and no metric. */
function isPartOfOther(name: string): boolean {
  return page.includes(`| \`${name}\` |`);
}

const byText = (a = "", b = ""): number => a.localeCompare(b);

for (const kind of ["queue", "cache"] as const) {
  test(`the table of each ${kind} has all that there are, and no others`, async () => {
    const text = await metrics;
    const section = page.split("\n## ").find((one) => one.includes(`| ${kind} | what`)) ?? "";
    const listed = [...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
    const metric = kind === "queue" ? "skald_queue_refused_total" : "skald_cache_evicted_total";
    const exported = text.matchAll(new RegExp(`^${metric}\\{${kind}="([a-z_]+)"\\}`, "gm"));
    const found = new Set([...exported].map(([, name]) => name));
    assert.deepEqual([...found].toSorted(byText), listed.toSorted(byText));
  });
}

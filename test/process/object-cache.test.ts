// Stores at Azure and Google behind the whole process, and the caches before them over a restart.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { BlobServiceClient } from "@azure/storage-blob";
import { startAzurite } from "../support/azurite-server.ts";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";
import { startTinyGcs } from "../support/tiny-gcs.ts";

function configOf(store: "azure" | "gcs", section: string, format: "skald" | "tsdb"): string {
  return `
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}/data"}
query_range: {cache_results: false}
ingester: {wal: {flush_on_shutdown: true}}
schema_config:
  configs: [{from: 2020-01-01, store: ${format}, object_store: ${store}, schema: v13, index: {prefix: index_, period: 24h}}]
storage_config: {object_prefix: team-a/, ${store}: {${section}}}
chunk_store_config:
  chunk_cache_config: {memcached_client: {addresses: "127.0.0.1:1", timeout: 50ms}}
limits_config: {discover_log_levels: false, discover_service_name: []}
`;
}

async function ask(skald: SkaldProcess, path: string, init?: RequestInit): Promise<string> {
  const answer = await fetch(`${skald.url}${path}`, init);
  const text = await answer.text();
  assert.ok(answer.ok, `${answer.status} ${text}`);
  return text;
}

async function push(skald: SkaldProcess, lines: readonly string[]): Promise<void> {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const values = lines.map((line, at) => [String(nowNs + BigInt(at)), line]);
  const body = JSON.stringify({ streams: [{ stream: { app: "a" }, values }] });
  const headers = { "Content-Type": "application/json" };
  await ask(skald, "/loki/api/v1/push", { method: "POST", headers, body });
}

async function query(skald: SkaldProcess): Promise<string[]> {
  const selector = encodeURIComponent('{app="a"}');
  const path = `/loki/api/v1/query_range?query=${selector}&direction=forward&limit=1000`;
  const { data } = JSON.parse(await ask(skald, path)) as {
    data: { result: { values: [string, string][] }[] };
  };
  return data.result.flatMap(({ values }) => values.map(([, line]) => line));
}

async function metric(skald: SkaldProcess, name: string): Promise<number> {
  const line = (await ask(skald, "/metrics")).split("\n").find((text) => text.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
}

async function answersFromDisk(config: string): Promise<void> {
  const folder = temporaryFolder();
  const lines = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  try {
    const first = await startSkald({ folder, config });
    await push(first, lines);
    await ask(first, "/flush", { method: "POST" });
    assert.deepEqual(await query(first), lines);
    assert.equal(await first.stop(), 0, first.output());
    assert.doesNotMatch(first.output(), /cache of objects fails/);
    // The first read of a fresh process is of the store, those of later ones are of the disk.
    for (const wanted of ["store", "disk"]) {
      const skald = await startSkald({ folder, config });
      assert.deepEqual(await query(skald), lines);
      const read = await metric(skald, `skald_object_cache_read_bytes_total{from="${wanted}"}`);
      if (wanted === "disk") assert.ok(read > 0, await ask(skald, "/metrics"));
      assert.equal(await skald.stop(), 0);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("Azure: what was read once is on the local disk", async () => {
  await using server = await startAzurite();
  const { connectionString } = server;
  await BlobServiceClient.fromConnectionString(connectionString).createContainer("loki");
  const section = `container_name: loki, connection_string: "${connectionString}"`;
  await answersFromDisk(configOf("azure", section, "skald"));
});

test("Google, in Loki's format: what was read once is on the local disk", async () => {
  await using server = await startTinyGcs();
  const section = `bucket_name: logs, endpoint: "${server.endpoint}"`;
  await answersFromDisk(configOf("gcs", section, "tsdb"));
  assert.ok([...server.objects.keys()].every((key) => key.startsWith("team-a/")));
});

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { keyMapping } from "#lokichunk";
import { type ExpectedBucket, type ExpectedTenant, expectedOf } from "../support/loki-buckets.ts";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";

const fixtures = join(dirname(fileURLToPath(import.meta.url)), "..", "fixtures", "loki-bucket");

function period(from: string, schema: string, prefix: string, objectStore: string): string {
  return `
    - from: ${from}
      store: tsdb
      object_store: ${objectStore}
      schema: ${schema}
      index: {prefix: ${prefix}, period: 24h}`;
}

/** The periods the buckets were written with. */
function periodsOf(bucket: string, objectStore: string): string {
  if (bucket === "v12") return period("2024-01-01", "v12", "index_", objectStore);
  if (bucket !== "period-switch") return period("2024-01-01", "v13", "index_", objectStore);
  return (
    period("2024-01-01", "v12", "index_", objectStore) +
    period("2025-01-01", "v13", "idx2_", objectStore)
  );
}

function configOf(bucket: string, objectStore: string, storage: string): string {
  return `
auth_enabled: true
server: {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: warn}
common: {path_prefix: "\${DATA}/data"}
schema_config:
  configs:${periodsOf(bucket, objectStore)}
storage_config: ${storage}
limits_config: {max_entries_limit_per_query: 0, max_query_length: 0}
`;
}

async function get(skald: SkaldProcess, tenant: string, path: string): Promise<unknown> {
  const headers = {
    "X-Scope-OrgID": tenant,
    "X-Loki-Response-Encoding-Flags": "categorize-labels",
  };
  const answer = await fetch(`${skald.url}/loki/api/v1/${path}`, { headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${text}`);
  const body = JSON.parse(text) as { data: unknown; warnings?: unknown };
  assert.equal(body.warnings, undefined);
  return body.data;
}

type Stream = ExpectedTenant["entries_categorized"][number]["streams"][number];

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/** Streams by labels, entries sorted, so that answers compare whatever their order. */
function comparable(streams: readonly Stream[]): unknown {
  return streams
    .map(({ stream, values }) => [
      JSON.stringify(Object.entries(stream).sort(byName)),
      values
        .map(([ns, line, rest]) =>
          JSON.stringify([ns, line, Object.entries(rest?.structuredMetadata ?? {}).sort(byName)]),
        )
        .sort(),
    ])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

async function answersAs(skald: SkaldProcess, expected: ExpectedBucket): Promise<void> {
  const range = `start=${expected.start_ns}&end=${expected.end_ns}`;
  for (const [tenant, want] of Object.entries(expected.tenants)) {
    assert.deepEqual(await get(skald, tenant, `labels?${range}`), want.labels);
    for (const { selector, streams } of want.entries_categorized) {
      const query = `query=${encodeURIComponent(selector)}&limit=5000&direction=forward`;
      const data = await get(skald, tenant, `query_range?${query}&${range}`);
      const { result } = data as { result: Stream[] };
      assert.deepEqual(comparable(result), comparable(streams), `${tenant} ${selector}`);
    }
  }
}

for (const bucket of ["snappy", "v12", "compacted", "period-switch"]) {
  test(`a folder that Loki wrote answers as it did: ${bucket}`, async () => {
    const folder = temporaryFolder();
    cpSync(join(fixtures, bucket, "bucket"), join(folder, "bucket"), { recursive: true });
    const storage = '{filesystem: {directory: "${DATA}/bucket"}}';
    const config = configOf(bucket, "filesystem", storage);
    await using skald = await startSkald({ folder, config });
    await answersAs(skald, expectedOf(bucket));
  });
}

function* objectsOf(bucket: string): Iterable<readonly [key: string, body: Uint8Array]> {
  const root = join(fixtures, bucket, "bucket");
  const mapping = keyMapping({ medium: "filesystem" });
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!statSync(join(root, path)).isFile()) continue;
    yield [mapping.toLogical(path) ?? path, readFileSync(join(root, path))];
  }
}

for (const bucket of ["zstd", "period-switch"]) {
  test(`a bucket that Loki wrote answers as it did: ${bucket}`, async () => {
    await using s3 = await startS3rver(["logs"]);
    await s3.fill("logs", objectsOf(bucket));
    const { accessKeyId, secretAccessKey } = s3rverKeys;
    const storage = `
  aws:
    endpoint: ${s3.endpoint}
    bucketnames: logs
    region: us-east-1
    s3forcepathstyle: true
    access_key_id: ${accessKeyId}
    secret_access_key: ${secretAccessKey}`;
    await using skald = await startSkald({ config: configOf(bucket, "s3", storage) });
    await answersAs(skald, expectedOf(bucket));
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { type AzureStoreConfig, loadConfig, type ObjectStoreConfig } from "#config";
import { ManualClock } from "#world";
import { azureOptionsOf, gcsOptionsOf, s3OptionsOf } from "./cloud-options.ts";
import type { World } from "./world.ts";

// Only handed on, never used.
const world = { clock: new ManualClock({ nowMs: 0 }), files: {}, random: {} } as unknown as World;

async function storeOf(kind: string, section: string): Promise<ObjectStoreConfig> {
  const result = await loadConfig({
    argv: ["-config.file=/l.yaml"],
    env: {},
    cwd: "/",
    readFile: async () => `storage_config: {${kind}: {${section}}}`,
  });
  assert.ok("loaded" in result);
  const store = result.loaded.config.objectStores.byName.get(kind);
  assert.ok(store !== undefined);
  return store;
}

async function azure(section: string): Promise<AzureStoreConfig> {
  const store = await storeOf("azure", `account_name: acc, ${section}`);
  assert.equal(store.kind, "azure");
  return store as AzureStoreConfig;
}

const credentials: readonly (readonly [section: string, want: object])[] = [
  ["account_key: a2V5", { type: "key", accountKey: "a2V5" }],
  ["connection_string: 'AccountName=a'", { type: "connection string", text: "AccountName=a" }],
  [
    "use_managed_identity: true, user_assigned_id: me",
    { type: "managed identity", clientId: "me" },
  ],
  ["use_managed_identity: true", { type: "managed identity", clientId: undefined }],
  ["use_federated_token: true", { type: "workload identity" }],
  [
    "use_service_principal: true, client_id: c, client_secret: s, tenant_id: t",
    { type: "service principal", clientId: "c", clientSecret: "s", tenantId: "t" },
  ],
  ["container_name: logs", { type: "default" }],
];

for (const [section, want] of credentials) {
  test(`credentials of Azure: ${section}`, async () => {
    assert.deepEqual(azureOptionsOf(await azure(section), world).credentials, want);
  });
}

test("Azure's colons are dashes, as in Loki's buckets", async () => {
  const options = azureOptionsOf(await azure("environment: AzureChinaCloud"), world);
  assert.equal(options.chunkDelimiter, "-");
  assert.equal(options.environment, "AzureChinaCloud");
});

test("Google's: whole bodies and no own time limit unless set", async () => {
  const store = await storeOf("gcs", "bucket_name: b, request_timeout: 5s");
  assert.ok(store.kind === "gcs");
  const { bucket, partBytes, timeoutMs } = gcsOptionsOf(store, world);
  assert.deepEqual(
    { bucket, partBytes, timeoutMs },
    {
      bucket: "b",
      partBytes: undefined,
      timeoutMs: 5000,
    },
  );
});

test("S3: keys are both there or none, the default class is not named", async () => {
  const store = await storeOf("aws", "s3: 's3://id:key@eu-west-1/b', sse: {type: SSE-S3}");
  assert.ok(store.kind === "s3");
  const options = s3OptionsOf(store, world);
  assert.deepEqual(options.keys, {
    accessKeyId: "id",
    secretAccessKey: "key",
    sessionToken: undefined,
  });
  assert.equal(options.storageClass, undefined);
  assert.deepEqual(options.encryption, { type: "SSE-S3" });
  const bare = await storeOf("aws", "bucketnames: b");
  assert.ok(bare.kind === "s3");
  assert.equal(s3OptionsOf(bare, world).keys, undefined);
});

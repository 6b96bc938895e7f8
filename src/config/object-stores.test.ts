import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedConfig, ObjectStoreConfig } from "#config";
import { ConfigError, loadConfig } from "#config";

async function load(yaml: string, argv: readonly string[] = []): Promise<LoadedConfig> {
  const result = await loadConfig({
    argv: ["-config.file=/l.yaml", ...argv],
    env: {},
    cwd: "/home",
    readFile: async (path) => {
      if (path === "/l.yaml") return yaml;
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    },
  });
  assert.ok("loaded" in result);
  return result.loaded;
}

async function refusalOf(yaml: string): Promise<string> {
  try {
    await load(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  assert.fail("loaded");
}

function period(objectStore: string, schema = "v13"): string {
  return `
schema_config:
  configs:
    - from: "2024-04-01"
      store: tsdb
      object_store: ${objectStore}
      schema: ${schema}
      index: {prefix: index_, period: 24h}
`;
}

/** The store of the first period. */
function storeOf({ config }: LoadedConfig): ObjectStoreConfig | undefined {
  return config.objectStores.byName.get(config.schemaPeriods[0]?.objectStore ?? "");
}

/** What a store of S3 has when nothing is said. */
const s3 = {
  kind: "s3",
  keyPrefix: "",
  endpoint: undefined,
  region: undefined,
  accessKeyId: undefined,
  secretAccessKey: undefined,
  sessionToken: undefined,
  insecure: false,
  forcePathStyle: undefined,
  chunkDelimiter: undefined,
  storageClass: "STANDARD",
  sse: undefined,
  requestTimeoutMs: 0,
  responseHeaderTimeoutMs: 0,
  idleConnectionTimeoutMs: 90_000,
  insecureSkipVerify: false,
  caFile: undefined,
  partBytes: 0,
  dualstack: true,
  retries: { minDelayMs: 100, maxDelayMs: 3000, attemptsMax: 5 },
};

const thanosS3 = {
  ...s3,
  storageClass: undefined,
  responseHeaderTimeoutMs: 120_000,
  retries: { minDelayMs: 100, maxDelayMs: 10_000, attemptsMax: 20 },
};

const gcs = {
  kind: "gcs",
  keyPrefix: "",
  endpoint: undefined,
  serviceAccount: undefined,
  partBytes: 0,
  requestTimeoutMs: 0,
  retries: { minDelayMs: 100, maxDelayMs: 10_000, attemptsMax: 10 },
};

const azure = {
  kind: "azure",
  keyPrefix: "",
  environment: "AzureGlobal",
  accountName: undefined,
  accountKey: undefined,
  connectionString: undefined,
  container: "loki",
  endpointSuffix: undefined,
  activeDirectoryEndpoint: undefined,
  useManagedIdentity: false,
  useFederatedToken: false,
  userAssignedId: undefined,
  useServicePrincipal: false,
  clientId: undefined,
  clientSecret: undefined,
  tenantId: undefined,
  chunkDelimiter: "-",
  requestTimeoutMs: 30_000,
  retries: { minDelayMs: 10, maxDelayMs: 500, attemptsMax: 6 },
};

const found: readonly (readonly [what: string, yaml: string, want: unknown])[] = [
  [
    "MinIO beside it, in compose",
    `common:
  path_prefix: /loki
  replication_factor: 1
  storage:
    s3:
      endpoint: minio:9000
      bucketnames: loki-data
      access_key_id: loki
      secret_access_key: supersecret
      insecure: true
      s3forcepathstyle: true
  ring: {kvstore: {store: memberlist}}
memberlist: {join_members: ["loki:7946"]}
${period("s3")}`,
    {
      ...s3,
      buckets: ["loki-data"],
      endpoint: "minio:9000",
      accessKeyId: "loki",
      secretAccessKey: "supersecret",
      insecure: true,
      forcePathStyle: true,
    },
  ],
  [
    "a chart with several targets on S3",
    `auth_enabled: true
common:
  compactor_address: 'http://loki-backend:3100'
  path_prefix: /var/loki
  replication_factor: 3
  storage:
    s3:
      bucketnames: chunks
      region: eu-central-1
      insecure: false
      s3forcepathstyle: false
storage_config:
  boltdb_shipper: {index_gateway_client: {server_address: dns:///loki-backend-headless:9095}}
  tsdb_shipper: {index_gateway_client: {server_address: dns:///loki-backend-headless:9095}}
  hedging: {at: 250ms, max_per_second: 20, up_to: 3}
  use_thanos_objstore: false
index_gateway: {mode: simple}
bloom_build: {enabled: false}
${period("s3")}`,
    { ...s3, buckets: ["chunks"], region: "eu-central-1" },
  ],
  [
    "one machine of a chart, on a disk",
    `common: {path_prefix: /var/loki, storage: {filesystem: {chunks_directory: /var/loki/chunks}}}
${period("filesystem")}`,
    { kind: "filesystem", folder: "/var/loki/chunks", keyPrefix: "" },
  ],
  [
    "key and secret in the URL",
    `storage_config: {aws: {s3: "s3://AKID:abc%2Fdef@us-east-2/logs", sse: {type: SSE-KMS, kms_key_id: k}}}
${period("aws")}`,
    {
      ...s3,
      buckets: ["logs"],
      region: "us-east-2",
      accessKeyId: "AKID",
      secretAccessKey: "abc/def",
      sse: { type: "SSE-KMS", kmsKeyId: "k", kmsEncryptionContext: undefined },
    },
  ],
  [
    "what storage_config says over what common says",
    `common: {storage: {s3: {bucketnames: a, region: r, http_config: {idle_conn_timeout: 5s}}}}
storage_config: {object_prefix: team/, aws: {bucketnames: "b, c", storage_class: GLACIER_IR}}
${period("s3")}`,
    {
      ...s3,
      keyPrefix: "team/",
      buckets: ["b", "c"],
      region: "r",
      storageClass: "GLACIER_IR",
      idleConnectionTimeoutMs: 5000,
    },
  ],
  [
    "the keys of Thanos",
    `storage_config:
  use_thanos_objstore: true
  object_store:
    storage_prefix: prod
    s3:
      bucket_name: logs
      endpoint: s3.eu-west-1.amazonaws.com
      region: eu-west-1
      access_key_id: id
      secret_access_key: sec
      bucket_lookup_type: path
      http: {insecure_skip_verify: true, tls_ca_path: /ca.pem}
      sse: {type: SSE-S3}
      max_retries: 3
${period("s3")}`,
    {
      ...thanosS3,
      keyPrefix: "prod/",
      buckets: ["logs"],
      endpoint: "s3.eu-west-1.amazonaws.com",
      region: "eu-west-1",
      accessKeyId: "id",
      secretAccessKey: "sec",
      forcePathStyle: true,
      insecureSkipVerify: true,
      caFile: "/ca.pem",
      sse: { type: "SSE-S3", kmsKeyId: undefined, kmsEncryptionContext: undefined },
      retries: { ...thanosS3.retries, attemptsMax: 3 },
    },
  ],
  [
    "the keys of Thanos below common",
    `common: {storage: {object_store: {gcs: {bucket_name: logs}}}}
storage_config: {use_thanos_objstore: true}
${period("gcs")}`,
    { ...gcs, bucket: "logs" },
  ],
  [
    "Google's with a service account",
    `storage_config:
  gcs: {bucket_name: logs, request_timeout: 10s, service_account: '{"type": "service_account"}'}
${period("gcs")}`,
    {
      ...gcs,
      bucket: "logs",
      requestTimeoutMs: 10_000,
      serviceAccount: '{"type": "service_account"}',
    },
  ],
  [
    "Azure with the account's key",
    `common: {storage: {azure: {account_name: acc, account_key: a2V5, container_name: logs}}}
${period("azure")}`,
    { ...azure, accountName: "acc", accountKey: "a2V5", container: "logs" },
  ],
  [
    "Azure with the machine's identity",
    `storage_config:
  azure: {account_name: acc, use_managed_identity: true, user_assigned_id: me, request_timeout: 0}
${period("azure")}`,
    {
      ...azure,
      accountName: "acc",
      useManagedIdentity: true,
      userAssignedId: "me",
      requestTimeoutMs: 0,
    },
  ],
  [
    "a named store",
    `storage_config:
  aws: {bucketnames: other, region: r}
  named_stores:
    aws: {s3-cold: {s3: "s3://eu-west-1/cold", backoff_config: {max_retries: 2}}}
    filesystem: {disk: {directory: cold}}
${period("s3-cold")}`,
    {
      ...s3,
      buckets: ["cold"],
      region: "eu-west-1",
      retries: { ...s3.retries, attemptsMax: 2 },
    },
  ],
  [
    "a named store in the keys of Thanos",
    `storage_config:
  use_thanos_objstore: true
  object_store:
    named_stores: {s3: {cold: {bucket_name: c, endpoint: h}}, filesystem: {d: {dir: x}}}
${period("cold")}`,
    { ...thanosS3, buckets: ["c"], endpoint: "h" },
  ],
  [
    "memory in place of S3",
    `storage_config: {aws: {s3: "inmemory:///x"}}\n${period("s3")}`,
    { kind: "inmemory", keyPrefix: "" },
  ],
];

for (const [what, yaml, want] of found) {
  test(`object store: ${what}`, async () => assert.deepEqual(storeOf(await load(yaml)), want));
}

/** Rendered from the values of a deployment: `loki.structuredConfig` and `loki.schemaConfig`. */
const deployment = `
auth_enabled: false
schema_config:
  configs:
    - from: "2023-05-11"
      store: tsdb
      object_store: s3
      schema: v12
      index:
        prefix: index_
        period: 24h
storage_config:
  aws:
    s3: "s3://eu-west-1/loki_bucket"
    bucketnames: loki_bucket
    region: eu-west-1
    s3forcepathstyle: true
  tsdb_shipper:
    active_index_directory: /var/loki/tsdb-index
    cache_location: /var/loki/tsdb-cache
    shared_store: s3
  filesystem:
    directory: /var/loki/chunks
compactor:
  retention_enabled: true
  retention_delete_delay: 48h
  shared_store: s3
  working_directory: /var/loki/compactor
ingester_client:
  grpc_client_config:
    grpc_compression: snappy
`;

test("a deployment with keys that newer Lokis dropped", async () => {
  const loaded = await load(deployment);
  assert.deepEqual(storeOf(loaded), {
    ...s3,
    buckets: ["loki_bucket"],
    region: "eu-west-1",
    forcePathStyle: true,
  });
  const { config, warnings } = loaded;
  assert.equal(config.schemaPeriods[0]?.schema, "v12");
  assert.equal(config.compactor.retentionDeleteDelayMs, 48 * 3_600_000);
  assert.equal(config.indexCache.folder, "/var/loki/tsdb-cache");
  assert.deepEqual(config.ingester.chunks, {
    encoding: "gzip",
    blockBytes: 262_144,
    targetBytes: 1_572_864,
  });
  assert.deepEqual(warnings, [
    "/l.yaml:21: storage_config.tsdb_shipper.shared_store: the schema period's object_store says " +
      "where it is; ignored",
    "/l.yaml:27: compactor.shared_store: use compactor.delete_request_store; ignored",
  ]);
});

test("the ingester's keys for chunks", async () => {
  const { config } = await load(
    "ingester: {chunk_encoding: snappy, chunk_block_size: 4096, chunk_target_size: 12KB}",
  );
  const want = { encoding: "snappy", blockBytes: 4096, targetBytes: 12_288 };
  assert.deepEqual(config.ingester.chunks, want);
  assert.match(await refusalOf("ingester: {chunk_encoding: brotli}"), /expected one of none, gzip/);
});

test("reads may be hedged", async () => {
  const { config } = await load("common: {storage: {hedging: {at: 250ms, up_to: 3}}}");
  assert.deepEqual(config.objectStores.hedging, { atMs: 250, upTo: 3, perSecondMax: 5 });
  assert.equal((await load("target: all")).config.objectStores.hedging, undefined);
});

const refused: readonly (readonly [yaml: string, message: RegExp])[] = [
  [period("s3"), /configs\[0\]\.object_store: there is no object store s3; storage_config\.aws\./],
  [period("gcs"), /storage_config\.gcs\.bucket_name has no bucket/],
  [period("azure"), /storage_config\.azure\.account_name has no storage account/],
  [period("swift"), /there is no object store swift; Skald has filesystem, inmemory/],
  [
    `storage_config: {aws: {bucketnames: b, access_key_id: id}}${period("s3")}`,
    /one of access_key_id and secret_access_key/,
  ],
  [
    `storage_config: {aws: {bucketnames: b, sse: {type: SSE-C}}}${period("s3")}`,
    /sse\.type expected SSE-S3 or SSE-KMS/,
  ],
  [
    `storage_config: {aws: {s3: "http://k:topsecret@h/b"}}${period("s3")}`,
    /storage_config\.aws\.s3: the S3 URL is refused/,
  ],
  [
    `storage_config: {gcs: {bucket_name: b, service_account: /path}}${period("gcs")}`,
    /service_account expected the JSON/,
  ],
  [
    `storage_config: {named_stores: {filesystem: {s3: {directory: /x}}}}${period("s3")}`,
    /is the name of an object store already/,
  ],
  [
    period("filesystem").replace("period: 24h", "period: 24h, path_prefix: /x"),
    /index\.path_prefix: expected a folder/,
  ],
  [period("filesystem", "v11"), /store tsdb needs schema/],
];

for (const [yaml, message] of refused) {
  test(`refused: ${message}`, async () => {
    const text = await refusalOf(yaml);
    assert.match(text, message);
    assert.doesNotMatch(text, /topsecret/);
  });
}

test("a store that nothing names need not be complete", async () => {
  const { config } = await load("storage_config: {aws: {region: r, access_key_id: x}}");
  assert.equal(config.objectStores.byName.has("s3"), false);
});

test("flags set stores as in Loki", async () => {
  const argv = ["-s3.buckets=b", "-s3.region=r", "-s3.secret-access-key=y", "-s3.access-key-id=x"];
  const loaded = await load(period("s3"), argv);
  const want = { ...s3, buckets: ["b"], region: "r", accessKeyId: "x", secretAccessKey: "y" };
  assert.deepEqual(storeOf(loaded), want);
});

const ruleStores: readonly (readonly [what: string, yaml: string, want: unknown])[] = [
  [
    "the folder of rules",
    "target: all",
    { kind: "filesystem", folder: "/home/data/rules", keyPrefix: "" },
  ],
  [
    "a folder of files",
    "ruler_storage: {backend: local, local: {directory: /r}}",
    { kind: "local", folder: "/r" },
  ],
  [
    "a folder of files, the old way",
    "ruler: {storage: {type: local, local: {directory: /r}}}",
    { kind: "local", folder: "/r" },
  ],
  [
    "the bucket that everything is in",
    "common: {storage: {s3: {bucketnames: b, region: r}}}",
    { ...s3, buckets: ["b"], region: "r" },
  ],
  [
    "a bucket of its own",
    "ruler_storage: {backend: s3, s3: {bucket_name: rules, endpoint: h}}",
    { ...thanosS3, buckets: ["rules"], endpoint: "h" },
  ],
  [
    "a bucket of its own, the old way",
    "common: {storage: {gcs: {bucket_name: b}}}\nruler: {storage: {type: gcs, gcs: {bucket_name: r}}}",
    { ...gcs, bucket: "r" },
  ],
];

for (const [what, yaml, want] of ruleStores) {
  test(`rules are in ${what}`, async () => {
    assert.deepEqual((await load(yaml)).config.ruler.store, want);
  });
}

test("/config shows no secret of a store", async () => {
  const { yaml, yamlDiff } = await load(
    `storage_config:
  aws: {s3: "s3://AKID:slash/ed-hidden@h/b", secret_access_key: hidden1, session_token: hidden2}
  gcs: {service_account: hidden3}
  azure: {account_key: hidden4, connection_string: hidden5, client_secret: hidden6}
  named_stores: {aws: {n: {secret_access_key: hidden7, s3: "s3://k:hidden8@r/b"}}}
  object_store: {s3: {secret_access_key: hidden9}}
`,
  );
  for (const text of [yaml, yamlDiff]) assert.doesNotMatch(text, /hidden/);
  assert.match(yaml, /<redacted>/);
});

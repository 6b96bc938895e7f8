import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, KiB, MiB, minute } from "#base";
import type { Config, Limits, LoadedConfig } from "#config";
import { ConfigError, defaultLimits, loadConfig } from "#config";

interface Given {
  readonly argv?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

async function load({ argv = [], files = {}, env = {} }: Given): Promise<LoadedConfig> {
  const result = await loadConfig({
    argv,
    env,
    cwd: "/home",
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      return text;
    },
  });
  assert.ok("loaded" in result, `action is ${result.action}`);
  return result.loaded;
}

function loadYaml(yaml: string, argv: readonly string[] = []): Promise<LoadedConfig> {
  return load({ argv: ["-config.file=/l.yaml", ...argv], files: { "/l.yaml": yaml } });
}

function folderOf(config: Config, name: string): string | undefined {
  const store = config.objectStores.byName.get(name);
  return store?.kind === "filesystem" ? store.folder : undefined;
}

async function messagesOf(loading: Promise<unknown>): Promise<readonly string[]> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.messages;
    throw error;
  }
  return [];
}

test("without a file Skald serves one person on one machine", async () => {
  const { config, warnings, limitsByTenant } = await load({});
  assert.equal(config.authEnabled, false);
  assert.equal(config.server.httpListenAddress, "127.0.0.1");
  assert.equal(config.server.httpListenPort, 3100);
  assert.equal(config.server.grpcListenAddress, "127.0.0.1");
  assert.equal(config.server.grpcListenPort, 9095);
  assert.equal(config.pathPrefix, "/home/data");
  assert.equal(config.journal.folder, "/home/data/wal");
  assert.deepEqual([...config.objectStores.byName.keys()], ["filesystem", "inmemory"]);
  assert.equal(folderOf(config, "filesystem"), "/home/data/chunks");
  assert.equal(config.schemaPeriods.length, 1);
  assert.equal(config.schemaPeriods[0]?.store, "skald");
  assert.equal(config.schemaPeriods[0]?.fromNs, 0n);
  assert.deepEqual(config.target, ["all"]);
  assert.deepEqual(warnings, []);
  assert.equal(limitsByTenant.for("anyone"), config.limits);
});

test("the defaults of the tables are the default limits", async () => {
  const { config } = await load({});
  assert.deepEqual(config.limits, defaultLimits);
});

test("a file has Loki's defaults: tenants, all addresses", async () => {
  const { config } = await loadYaml("target: all\n");
  assert.equal(config.authEnabled, true);
  assert.equal(config.server.httpListenAddress, "");
});

type Setting = readonly [yaml: string, find: (config: Config) => unknown, want: unknown];

const settings: readonly Setting[] = [
  ["auth_enabled: no", (c) => c.authEnabled, false],
  ["target: read,write", (c) => c.target, ["read", "write"]],
  ["server: {http_listen_port: 80}", (c) => c.server.httpListenPort, 80],
  ["server: {log_level: warn}", (c) => c.server.logLevel, "warn"],
  ["server: {log_format: json}", (c) => c.server.logFormat, "json"],
  ["server: {http_path_prefix: /x}", (c) => c.server.httpPathPrefix, "/x"],
  [
    "server: {grpc_server_max_recv_msg_size: 104857600}",
    (c) => c.server.grpcMaxReceiveBytes,
    100 * MiB,
  ],
  ["common: {path_prefix: /loki}", (c) => c.journal.folder, "/loki/wal"],
  ["common: {path_prefix: rel}", (c) => c.pathPrefix, "/home/rel"],
  [
    "common: {storage: {filesystem: {chunks_directory: /c}}}",
    (c) => c.objectStores.byName.get("filesystem"),
    { kind: "filesystem", folder: "/c", keyPrefix: "" },
  ],
  ["storage_config: {filesystem: {directory: /d}}", (c) => folderOf(c, "filesystem"), "/d"],
  [
    "storage_config: {use_thanos_objstore: true, object_store: {filesystem: {dir: /t}}}",
    (c) => folderOf(c, "filesystem"),
    "/t",
  ],
  [
    "storage_config: {named_stores: {filesystem: {cold: {directory: cold}}}}",
    (c) => folderOf(c, "cold"),
    "/home/cold",
  ],
  ["ingester: {wal: {dir: /w}}", (c) => c.journal.folder, "/w"],
  ["ingester: {chunk_idle_period: 1h30m}", (c) => c.ingester.idleMs, 90 * minute],
  ["ingester: {wal: {flush_on_shutdown: true}}", (c) => c.ingester.flushOnShutdown, true],
  ["distributor: {max_recv_msg_size: 1MB}", (c) => c.server.pushCompressedBytesMax, MiB],
  [
    "querier: {multi_tenant_queries_enabled: true}",
    (c) => c.querier.multiTenantQueriesEnabled,
    true,
  ],
  ["compactor: {retention_enabled: true}", (c) => c.compactor.retentionEnabled, true],
  ["ruler: {alertmanager_url: 'http://a,http://b'}", (c) => c.ruler.alertmanager.urls.length, 2],
  ["shutdown_delay: 5s", (c) => c.shutdownDelayMs, 5000],
  ["skald: {journal_file_size: 1MB}", (c) => c.journal.fileBytesMax, MiB],
  ["limits_config:\nserver:\n  http_listen_port:\n", (c) => c.server.httpListenPort, 3100],
];

for (const [yaml, find, want] of settings) {
  test(`${JSON.stringify(yaml)} means ${JSON.stringify(want)}`, async () => {
    assert.deepEqual(find((await loadYaml(yaml)).config), want);
  });
}

test("anchors and merged maps are read, own keys win", async () => {
  const yaml = [
    "pattern_ingester: {client_config: {pool_config: &pool {remote_timeout: 1s}}}",
    "ingester_client: {pool_config: {<<: *pool, client_cleanup_period: 1m}}",
    "distributor: {<<: [{max_recv_msg_size: 2MB}, {max_recv_msg_size: 3MB}]}",
    "limits_config: {<<: {max_query_series: 7}, max_query_series: 8}",
  ].join("\n");
  const { config } = await loadYaml(yaml);
  assert.equal(config.server.pushCompressedBytesMax, 2 * MiB);
  assert.equal(config.limits.maxQuerySeries, 8);
});

type LimitCase = readonly [yaml: string, key: keyof Limits, want: unknown];

const limitCases: readonly LimitCase[] = [
  ["ingestion_rate_mb: 0.5", "ingestionRateBytesPerSecond", MiB / 2],
  ["max_line_size: 100B", "maxLineBytes", 100],
  ["max_line_size: 256kb", "maxLineBytes", 256 * KiB],
  ["max_line_size: 1000", "maxLineBytes", 1000],
  ["max_line_size: 0", "maxLineBytes", 0],
  ["max_query_length: 0", "maxQueryLengthMs", 0],
  ["max_query_length: 30d1h", "maxQueryLengthMs", 721 * hour],
  ["retention_period: 1w", "retentionPeriodMs", 168 * hour],
  ["max_query_lookback: -1ns", "maxQueryLookbackMs", -1e-6],
  ["discover_service_name: []", "discoverServiceName", []],
  ["discover_service_name: [a, b]", "discoverServiceName", ["a", "b"]],
  ["enforced_labels: a,b", "enforcedLabels", ["a", "b"]],
  ['block_ingestion_until: "2100-01-01T00:00:00Z"', "blockIngestionUntilNs", 4102444800000000000n],
  ["block_ingestion_until: 1970-01-02", "blockIngestionUntilNs", 86400000000000n],
  ["minimum_labels_number: 2", "requiredNumberLabels", 2],
  ["deletion_mode: disabled", "deletionMode", "disabled"],
  [
    "retention_stream: [{selector: '{a=\"b\"}', priority: 1, period: 24h}]",
    "retentionStream",
    [{ selector: '{a="b"}', priority: 1, periodMs: 24 * hour }],
  ],
  [
    "blocked_queries: [{pattern: x, regex: true, types: metric}]",
    "blockedQueries",
    [{ pattern: "x", regex: true, types: ["metric"], hash: 0 }],
  ],
  [
    "otlp_config: {severity_text_as_label: true, log_attributes: [{action: drop, attributes: a}]}",
    "otlp",
    {
      ...defaultLimits.otlp,
      logAttributes: [{ action: "drop", attributes: ["a"], regex: undefined }],
      severityTextAsLabel: true,
    },
  ],
];

for (const [yaml, key, want] of limitCases) {
  test(`limits_config ${yaml}`, async () => {
    const { config } = await loadYaml(`limits_config:\n  ${yaml}\n`);
    assert.deepEqual(config.limits[key], want);
  });
}

const period = "schema_config:\n  configs:\n  - from: 2024-01-01\n    store: tsdb\n";

const wrongs: readonly (readonly [yaml: string, ...want: string[]])[] = [
  [
    "server:\n  http_listen_prot: 1",
    "/l.yaml:2:3: server.http_listen_prot: no such key; did you mean http_listen_port?",
  ],
  [
    "retention_period: 3h",
    "/l.yaml:1:1: retention_period: no such key; did you mean limits_config.retention_period?",
  ],
  [
    "server:\n  http_listen_port: many\n  log_level: loud",
    '/l.yaml:2:21: server.http_listen_port: expected a whole number, found "many"',
    "/l.yaml:3:14: server.log_level: expected one of debug, info, warn, error, " + 'found "loud"',
  ],
  ["server: 3", '/l.yaml:1:9: server: expected a section of keys, found "3"'],
  [
    "limits_config: {max_line_size: {}}",
    "/l.yaml:1:32: limits_config.max_line_size: expected a size such as 4MB, 256KB or a " +
      "number of bytes, found a section of keys",
  ],
  [
    "memberlist: 1\ningester: {lifecycler: {num_tokens: x}}",
    "/l.yaml:2:37: ingester.lifecycler.num_tokens: expected a size such as 4MB, 256KB or a " +
      'number of bytes, found "x"',
  ],
  [
    "server: {http_listen_port: 70000}",
    "/l.yaml:1:10: server.http_listen_port: expected a port from 0 to 65535",
  ],
  [
    "ingester: {wal: {enabled: false}}",
    "/l.yaml:1:18: ingester.wal.enabled: cannot be false: Skald answers a push only once its " +
      "journal has it on disk",
  ],
  [
    `${period}    object_store: s3\n    schema: v13\n    index: {period: 24h}`,
    "/l.yaml:5:5: schema_config.configs[0].object_store: there is no object store s3; " +
      "storage_config.aws.bucketnames has no bucket",
  ],
  [
    `${period}    schema: v11\n    index: {period: 24h}`,
    "/l.yaml:5:5: schema_config.configs[0].schema: store tsdb needs schema v12, v13 or v14, " +
      "found v11",
  ],
  [
    `${period}    index: {period: 168h}`,
    "/l.yaml:5:13: schema_config.configs[0].index.period: store tsdb needs an index period " +
      "of 24h",
  ],
  [
    "schema_config: {configs: [{from: 2024-02-01}, {from: 2024-01-01}]}",
    "/l.yaml:1:48: schema_config.configs[1].from: expected a day after 2024-02-01, found " +
      "2024-01-01",
  ],
  [
    "limits_config: {otlp_config: {log_attributes: [{action: keep, regex: '('}]}}",
    "/l.yaml:1:31: limits_config.otlp_config.log_attributes[0]: expected an action of " +
      'index_label, structured_metadata, drop, found "keep"',
  ],
  ["a: [", "/l.yaml:1:5: Flow sequence in block collection must be sufficiently indented"],
];

for (const [yaml, ...want] of wrongs) {
  test(`${JSON.stringify(yaml)} is refused`, async () => {
    const messages = await messagesOf(loadYaml(yaml));
    for (const [at, start] of want.entries()) {
      assert.ok(messages[at]?.startsWith(start), `${messages[at]}\nis not\n${start}`);
    }
  });
}

const warned: readonly (readonly [yaml: string, ...want: string[]])[] = [
  ["memberlist: {join_members: [a]}"],
  ["frontend_worker: {frontend_address: x}"],
  ["ingester: {lifecycler: {ring: {kvstore: {store: inmemory}}}}"],
  ["query_range: {cache_results: false}"],
  ["frontend: {tail_proxy_url: '', log_queries_longer_than:}"],
  ["# nothing"],
  [
    "query_range:\n  results_cache: {cache: {embedded_cache: {enabled: true}}}",
    "/l.yaml:2: query_range.results_cache.cache.embedded_cache.enabled: Skald does not have " +
      "this yet, ignored",
  ],
  [
    "table_manager: {retention_period: 1h}",
    "/l.yaml:1: table_manager: retention is limits_config.retention_period and " +
      "compactor.retention_enabled; ignored",
  ],
  [
    "chunk_store_config: {max_look_back_period: 0s}",
    "/l.yaml:1: chunk_store_config.max_look_back_period: use limits_config.max_query_lookback; " +
      "ignored",
  ],
];

for (const [yaml, ...want] of warned) {
  test(`${JSON.stringify(yaml)} is accepted with ${want.length} warnings`, async () => {
    assert.deepEqual((await loadYaml(yaml)).warnings, want);
  });
}

const fileOfLoki = `
auth_enabled: false
server: {http_listen_port: 3100, grpc_listen_port: 9096, log_level: debug}
common:
  instance_addr: 127.0.0.1
  path_prefix: /tmp/loki
  storage: {filesystem: {chunks_directory: /tmp/loki/chunks, rules_directory: /tmp/loki/rules}}
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
schema_config:
  configs:
    - from: 2020-10-24
      store: tsdb
      object_store: filesystem
      schema: v13
      index: {prefix: index_, period: 24h}
pattern_ingester: {enabled: true, metric_aggregation: {loki_address: ""}}
frontend: {encoding: protobuf}
analytics: {reporting_enabled: false}
`;

test("a small file of Loki loads without a warning", async () => {
  const { config, warnings } = await loadYaml(fileOfLoki);
  assert.deepEqual(warnings, []);
  assert.equal(config.server.grpcListenPort, 9096);
  assert.equal(config.journal.folder, "/tmp/loki/wal");
  assert.deepEqual(config.ruler.store, {
    kind: "filesystem",
    folder: "/tmp/loki/rules",
    keyPrefix: "",
  });
  assert.deepEqual(config.schemaPeriods, [
    {
      from: "2020-10-24",
      fromNs: 1603497600000000000n,
      store: "tsdb",
      objectStore: "filesystem",
      schema: "v13",
      indexPrefix: "index_",
      indexPathPrefix: "index/",
      indexPeriodMs: 24 * hour,
    },
  ]);
});

test("variables of the environment are expanded when asked for", async () => {
  const yaml = [
    "server: {http_path_prefix: ${A}, http_listen_port: ${B:-80}, log_level: ${C:warn}}",
    "limits_config: {max_line_size_truncate_identifier: $$${D}$1}",
  ].join("\n");
  const files = { "/l.yaml": yaml };
  const argv = ["-config.file=/l.yaml", "-config.expand-env"];
  const { config } = await load({ argv, files, env: { A: "/a" } });
  assert.equal(config.server.httpPathPrefix, "/a");
  assert.equal(config.server.httpListenPort, 80);
  assert.equal(config.server.logLevel, "warn");
  assert.equal(config.limits.truncateIdentifier, "$$1");
  const broken = load({ argv, files: { "/l.yaml": "a: 1\nb: ${A^^}" } });
  const messages = await messagesOf(broken);
  assert.equal(messages[0], "/l.yaml:2:4: cannot expand ${A^^}: expected ${NAME} or ${NAME:-text}");
});

test("the first file of the list that exists is read", async () => {
  const argv = ["-config.file=/none.yaml,/l.yaml"];
  const { config } = await load({ argv, files: { "/l.yaml": "target: read" } });
  assert.deepEqual(config.target, ["read"]);
  const usual = await load({ files: { "/home/config/config.yaml": "target: write" } });
  assert.deepEqual(usual.config.target, ["write"]);
  const messages = await messagesOf(load({ argv: ["-config.file=/none.yaml"] }));
  assert.deepEqual(messages, ["-config.file: there is no /none.yaml"]);
});

test("the YAML of /config loads again to the same configuration", async () => {
  const yaml = [
    "common: {path_prefix: /loki, instance_addr: 10.0.0.1}",
    "server: {http_listen_port: 0, log_level: debug}",
    "storage_config: {named_stores: {filesystem: {cold: {directory: /cold}}}}",
    "schema_config: {configs: [{from: 2020-01-01, object_store: cold, store: skald}]}",
    "limits_config:",
    "  retention_stream: [{selector: '{a=\"b\"}', priority: 1, period: 36h}]",
    "  blocked_queries: [{pattern: '.*', regex: true, types: [metric, filter]}]",
    "  otlp_config: {scope_attributes: [{action: drop, regex: 'x.*'}]}",
    "  block_ingestion_until: 2100-01-01T00:00:00Z",
    "  max_query_lookback: 90d",
    "  creation_grace_period: 10m30s",
    "  ingestion_rate_mb: 0.000001",
  ].join("\n");
  for (const first of [await load({}), await loadYaml(yaml)]) {
    const again = await loadYaml(first.yaml);
    assert.deepEqual(again.config, first.config);
    assert.equal(again.yaml, first.yaml);
    assert.equal((await loadYaml(`${first.yamlDiff}`)).yaml, first.yaml);
  }
});

test("/config hides secrets", async () => {
  const { yaml } = await loadYaml("ruler: {alertmanager_url: 'http://me:pw@host/x'}");
  assert.match(yaml, /alertmanager_url: http:\/\/<redacted>@host\/x/);
  assert.doesNotMatch(yaml, /pw/);
});

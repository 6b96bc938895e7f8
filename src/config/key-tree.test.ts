import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type KeyNode, nodeAt, parseKeys, type Section } from "./key-shapes.ts";
import { keyTree, pathOfKeyNamed } from "./key-tree.ts";
import { nearestName } from "./nearest.ts";
import { settingByPath } from "./settings.ts";
import { parseText, printValue } from "./value-types.ts";

const page = new URL("../../docs/operating/configuration.md", import.meta.url);

interface Documented {
  readonly key: string;
  readonly defaultText: string;
  readonly flag: string;
}

function documented(): Documented[] {
  const rows: Documented[] = [];
  for (const line of readFileSync(page, "utf8").split("\n")) {
    const found = /^\| `([a-z_.]+)` \| (?:`([^`]*)` )?\| `-([^`]+)` \|/.exec(line);
    if (found === null) continue;
    rows.push({ key: found[1] ?? "", defaultText: found[2] ?? "", flag: found[3] ?? "" });
  }
  return rows;
}

test("the page for operators has 30 to 40 settings", () => {
  const count = documented().length;
  assert.ok(count >= 30 && count <= 40, `${count}`);
});

for (const { key, defaultText, flag } of documented()) {
  test(`${key} is as documented`, () => {
    const setting = settingByPath.get(key);
    assert.ok(setting?.type !== undefined, "no such setting");
    assert.equal(setting.flag, flag);
    assert.equal(setting.isLater, false);
    if (defaultText.startsWith("<")) return assert.equal(setting.defaultValue, undefined);
    assert.deepEqual(parseText(setting.type, defaultText), { value: setting.defaultValue });
  });
}

function countValues(node: KeyNode["shape"]): number {
  if (node.kind !== "section") return 1;
  return [...node.children.values()].reduce((sum, { shape }) => sum + countValues(shape), 0);
}

test("the tree has all of Loki's sections", () => {
  const sections = [
    "analytics bloom_build bloom_gateway chunk_store_config common compactor",
    "compactor_grpc_client dataobj distributor frontend frontend_worker index_gateway ingester",
    "ingester_client ingest_limits ingest_limits_frontend ingest_limits_frontend_client",
    "kafka_config limits_config memberlist operational_config pattern_ingester profiling querier",
    "query_engine query_range query_scheduler rate_service rate_service_client ruler",
    "ruler_storage runtime_config schema_config server storage_config tracing ui",
  ];
  for (const name of sections.join(" ").split(" ")) {
    assert.ok(keyTree.children.has(name), `${name} is missing`);
  }
  assert.ok(countValues(keyTree) > 1500, `${countValues(keyTree)}`);
});

const states: readonly (readonly [path: string, want: string | undefined])[] = [
  ["server.http_listen_port", "supported"],
  ["limits_config.max_line_size", "supported"],
  ["limits_config.simulated_push_latency", "later"],
  ["compactor.delete_batch_size", "later"],
  ["storage_config.aws.bucketnames", "supported"],
  ["storage_config.swift.username", "later"],
  ["ingester.lifecycler.ring.kvstore.consul.host", "unneeded"],
  ["common.ring.kvstore.etcd.tls_cert_path", "unneeded"],
  ["query_range.results_cache.cache.fifocache", "gone"],
  ["storage_config.tsdb_shipper.shared_store", "gone"],
  ["server.nonsense", undefined],
];

for (const [path, want] of states) {
  test(`${path} is ${want}`, () => assert.equal(nodeAt(keyTree, path)?.state, want));
}

test("the notation of keys", () => {
  const root: Section = parseKeys("@b{ x:i y{ z:* } } a{ @b -n:s } c@b l[]{ x:d } m<>{ x:b } !g");
  assert.equal(nodeAt(root, "a.x")?.shape.kind, "value");
  assert.equal(nodeAt(root, "a.n")?.state, "unneeded");
  assert.equal(nodeAt(root, "c.y.z")?.shape.kind, "any");
  assert.equal(nodeAt(root, "l")?.shape.kind, "list");
  assert.equal(nodeAt(root, "m")?.shape.kind, "map");
  assert.equal(nodeAt(root, "g")?.state, "gone");
  assert.equal(nodeAt(root, "b"), undefined);
});

test("a key in the wrong section is found by its name", () => {
  assert.equal(pathOfKeyNamed("max_line_size"), "limits_config.max_line_size");
  assert.equal(pathOfKeyNamed("no_such_thing"), undefined);
});

test("the nearest name is found, a strange one is not", () => {
  const names = ["http_listen_port", "grpc_listen_port", "log_level"];
  assert.equal(nearestName("http_listen_prot", names), "http_listen_port");
  assert.equal(nearestName("loglevel", names), "log_level");
  assert.equal(nearestName("http_port", names), "http_listen_port");
  assert.equal(nearestName("zzz", names), undefined);
});

const durations: readonly (readonly [text: string, ms: number, days: string, go: string])[] = [
  ["0", 0, "0s", "0s"],
  ["1h", 3_600_000, "1h", "1h0m0s"],
  ["1.5h", 5_400_000, "1h30m", "1h30m0s"],
  ["1d", 86_400_000, "1d", "24h0m0s"],
  ["8d", 691_200_000, "8d", "192h0m0s"],
  ["2w", 1_209_600_000, "2w", "336h0m0s"],
  ["1y", 31_536_000_000, "1y", "8760h0m0s"],
  ["-1ns", -1e-6, "-1ns", "-1ns"],
  ["-1h", -3_600_000, "-1h0m0s", "-1h0m0s"],
  ["250us", 0.25, "250µs", "250µs"],
  ["1m30s500ms", 90_500, "1m30s500ms", "1m30.5s"],
];

for (const [text, ms, days, go] of durations) {
  test(`the duration ${text}`, () => {
    for (const [name, printed] of [
      ["days", days],
      ["duration", go],
    ] as const) {
      const type = { name, choices: [] };
      assert.deepEqual(parseText(type, text), { value: ms });
      assert.equal(printValue(type, ms), printed);
      assert.deepEqual(parseText(type, printed), { value: ms });
    }
  });
}

const sizes: readonly (readonly [text: string, bytes: number | undefined, printed: unknown])[] = [
  ["0", 0, "0B"],
  ["1000", 1000, "1000B"],
  ["1kb", 1024, "1KB"],
  ["1KiB", 1024, "1KB"],
  ["1.5 MB", 1_572_864, "1536KB"],
  ["3M", 3_145_728, "3MB"],
  ["63KiB1023B", 65_535, "65535B"],
  ["-1", -1, -1],
  ["1XB", undefined, undefined],
  ["", undefined, undefined],
];

for (const [text, bytes, printed] of sizes) {
  test(`the size ${text}`, () => {
    const type = { name: "bytes", choices: [] } as const;
    const parsed = parseText(type, text);
    assert.equal("value" in parsed ? parsed.value : undefined, bytes);
    if (bytes !== undefined) assert.equal(printValue(type, bytes), printed);
  });
}

for (const text of ["", "1", "h", "1x", "1h 5m", "--1h", "1h-5m"]) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    assert.ok("expected" in parseText({ name: "duration", choices: [] }, text));
  });
}

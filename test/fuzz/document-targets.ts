/** What operators write: configuration, overrides, flags, rules, tokens. */
import assert from "node:assert/strict";
import { parseTokenFile } from "#access";
import { messageOf } from "#base";
import { ConfigError, loadConfig } from "#config";
import {
  parseRuleFile,
  parseRuleGroup,
  parseRuleGroups,
  RuleYamlError,
  validateGroups,
} from "#ruler";
import { Labels } from "#model";
import { RegexSyntaxError } from "#regex";
import { readOverrides } from "../../src/config/overrides.ts";
import { relabel, relabelRule } from "../../src/ruler/relabel.ts";
import { checkRuleFile } from "../../src/cli/check-rules.ts";
import { readTestFile } from "../../src/cli/rule-test-format.ts";
import { YamlReader } from "../../src/cli/yaml-reader.ts";
import { isClass, mayReject, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { splitParts } from "./parts.ts";

const yamlWords = [
  "&a ",
  "*a",
  "<<: ",
  "\t",
  "- ",
  ": ",
  "!!set",
  "!!binary ",
  "|\n",
  "'",
  "? ",
  "~",
];

async function readConfig(bytes: Buffer, argv: readonly string[] = []): Promise<void> {
  const readFile = (): Promise<string> => Promise.resolve(bytes.toString());
  const all = ["-config.file=/c.yaml", ...argv];
  await mayReject(isClass(ConfigError), () =>
    loadConfig({ argv: all, env: {}, readFile, cwd: "/" }),
  );
}

const base = await loadConfig({
  argv: [],
  env: {},
  readFile: () => Promise.reject(Object.assign(new Error("none"), { code: "ENOENT" })),
  cwd: "/",
});
assert.ok(base.action === "run");
const { loaded } = base;

const rules =
  'namespace: n\ngroups:\n  - name: g\n    interval: 1m\n    rules:\n      - alert: A\n        expr: sum(rate({a="b"}[1m])) > 1\n        for: 5m\n        labels: {x: y}\n        annotations: {s: "{{ $value }}"}\n';

function readRules(bytes: Buffer): void {
  const text = bytes.toString();
  for (const read of [parseRuleFile, parseRuleGroup, parseRuleGroups]) {
    mayThrow(isClass(RuleYamlError), () => read(text));
  }
  const file = mayThrow(isClass(RuleYamlError), () => parseRuleFile(text));
  if (file !== undefined) validateGroups(file.groups);
  checkRuleFile(new YamlReader({ file: "fuzzed", text }));
}

function readRelabelling(bytes: Buffer): void {
  const [action, regex = "", target = "", replacement = ""] = splitParts(bytes, 4).map(String);
  const config = {
    action,
    regex,
    target_label: target,
    replacement,
    source_labels: ["a", "b"],
    modulus: 7,
  };
  // The configuration's own check words both as its problems.
  const isRefused = (error: unknown): boolean =>
    error instanceof RegexSyntaxError || messageOf(error).startsWith("unknown relabel action");
  mayThrow(isRefused, () => relabel(Labels.from({ a: "x", b: "y" }), [relabelRule(config)]));
}

export const documentTargets: readonly FuzzTarget[] = [
  {
    name: "config",
    seeds: texts(
      "auth_enabled: false\nserver: {http_listen_port: 3100}\nlimits_config: {retention_period: 24h}\n",
      "schema_config:\n  configs:\n    - {from: 2026-01-01, store: tsdb, object_store: s3, schema: v13, index: {prefix: i_, period: 24h}}\n",
      "a: &a [1, *a]\nb: !!binary x\n? c\n: d\n",
      "ruler: {alertmanager_url: 'http://u%:p@h', remote_write: {enabled: true, clients: {a: {url: 'x', write_relabel_configs: [{regex: '('}]}}}}\n",
      "storage_config: {aws: {s3: 's3://k:s@h/b', bucketnames: 'a,b'}, filesystem: {directory: /x}}\n",
      "limits_config: {otlp_config: {resource_attributes: {attributes_config: [{action: index_label, regex: '.*'}]}}, retention_stream: [{selector: '{a=\"b\"}', priority: 1, period: 24h}]}\n",
    ),
    words: [...yamlWords, "${HOME}", "${A:-b}", "1e999", "-1", "limits_config: "],
    run: (bytes) => readConfig(bytes),
  },
  {
    name: "config-environment",
    seeds: texts(
      "path_prefix: ${DATA:-/x}\nserver: {http_listen_port: ${PORT}}\n",
      "a: ${A:=${B}} $$ ${C,,} ${D//x/y} ${E:0:3}\n",
    ),
    words: ["${", "}", ":-", ":=", "$", "$$", "//", "^^", ":?"],
    run: (bytes) => readConfig(bytes, ["-config.expand-env=true"]),
  },
  {
    name: "flags",
    seeds: texts(
      "-server.http-listen-port=1\n-target=all,read\n--auth.enabled",
      "-schema-config-file=x\n-config.file=/y\n-print-config-stderr\n-h",
      "-limits.x=1h\n-store.max-query-length=-5\n-=\n--",
    ),
    words: ["-", "--", "=", "\n", "-target=", "-config.file=", "-no-such"],
    run: async (bytes) => {
      const argv = bytes.toString().split("\n").slice(0, 20);
      const readFile = (): Promise<string> => Promise.resolve("auth_enabled: true");
      await mayReject(isClass(ConfigError), () =>
        loadConfig({ argv, env: {}, readFile, cwd: "/" }),
      );
    },
  },
  {
    name: "overrides",
    seeds: texts(
      "overrides:\n  t: {ingestion_rate_mb: 5, retention_period: 30d}\n  u: &u {max_line_size: 1KB}\n  v: *u\n",
      "overrides:\n  '../x': {retention_stream: [{selector: '{', priority: x}]}\nmulti_kv_config: {}\n",
    ),
    words: [...yamlWords, "overrides:\n", "  t: {", "blocked_queries: [{pattern: '('}]"],
    run: (bytes) => {
      const files = [{ source: "fuzzed", text: bytes.toString() }];
      const { limits, problems } = readOverrides(files, loaded);
      if (problems.length > 0) return;
      for (const tenant of limits.tenants()) limits.inLokiKeys(tenant);
      limits.yaml();
    },
  },
  {
    name: "rules-yaml",
    seeds: texts(
      rules,
      'groups:\n- name: "g"\n  limit: 5\n  rules:\n  - {record: a:b, expr: "1"}\n  - &r {alert: A, expr: "vector(1)"}\n  - *r\n',
    ),
    words: [...yamlWords, "record: ", "limit: -1", "keep_firing_for: 1e9d", "{{ end }}"],
    run: readRules,
  },
  {
    name: "relabelling",
    seeds: texts(
      "replace#part#(.*);(.*)#part#${1}_x#part#$2-${nosuch}",
      "hashmod#part#.*#part#t",
      "labelmap#part#(a)#part##part#z_$1",
      "keepequal#part##part#a",
      "LabelDrop#part#a|b",
    ),
    words: ["#part#", "$1", "${", "(?P<x>", "keep", "drop", "lowercase", "labelkeep"],
    run: readRelabelling,
  },
  {
    name: "rule-tests",
    seeds: texts(
      "rule_files: [a.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 30s\n    input_streams:\n      - {stream: '{a=\"b\"}', lines: ['x x3', '_', {line: y, repeat: 2}]}\n    alert_rule_test: [{eval_time: 5m, alertname: A, exp_alerts: [{exp_labels: {a: b}}]}]\n    logql_expr_test: [{expr: 'rate({a=\"b\"}[1m])', eval_time: 1m, exp_samples: [{labels: '{}', value: 1}]}]\n",
    ),
    words: [...yamlWords, "1e999", "'{a=\"'", "repeat: 999999999", "x99999999"],
    run: (bytes) => {
      const reader = new YamlReader({ file: "fuzzed", text: bytes.toString() });
      if (reader.root !== undefined) readTestFile(reader);
    },
  },
  {
    name: "token-file",
    seeds: texts(
      `credentials:\n  - name: collector\n    token_hash: "sha256:${"ab".repeat(32)}"\n    tenants: [team-a]\n    rights: [write]\n`,
      `{"credentials":[{"name":"ops","client_certificate":{"common_name":"o","sha256":"${"ab".repeat(32)}"},"tenants":"*","rights":["admin"],"expires":"2027-01-31"}]}`,
    ),
    words: [...yamlWords, "rights: ", "null", "expires: ", "password_hash: "],
    run: (bytes) => {
      const { credentials, problems } = parseTokenFile(bytes.toString());
      assert.ok(problems.length === 0 || credentials.length === 0);
    },
  },
];

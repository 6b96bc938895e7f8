import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { loadConfig } from "./load-config.ts";
import { settingByPath } from "./settings.ts";
import { parseText } from "./value-types.ts";

async function load(yaml: string) {
  const result = await loadConfig({
    argv: ["-config.file=/c.yaml"],
    env: {},
    readFile: async () => yaml,
    cwd: "/",
  });
  assert.ok(result.action === "run");
  return result.loaded;
}

test("the ruler's settings have Loki's names and defaults", async () => {
  const { config, warnings } = await load("common: {path_prefix: /d}");
  const { ruler } = config;
  assert.deepEqual(
    [ruler.resendDelayMs, ruler.outageToleranceMs, ruler.gracePeriodMs, ruler.pollIntervalMs],
    [60_000, 3_600_000, 600_000, 60_000],
  );
  assert.equal(ruler.remoteWrite.folder, "/d/ruler-wal");
  assert.deepEqual([...ruler.remoteWrite.clients], []);
  assert.equal(ruler.alertmanager.queueCapacity, 10_000);
  assert.deepEqual(warnings, []);
});

test("one remote write client, several by name, and what a tenant changes", async () => {
  const { config } = await load(`
ruler:
  remote_write:
    enabled: true
    client: {url: "http://one/write", headers: {X-A: b}, queue_config: {max_backoff: 9s}}
    clients:
      two:
        url: http://two/write
        remote_timeout: 5s
        basic_auth: {username: me, password: pw}
        write_relabel_configs: [{source_labels: [app], regex: a, action: drop}]
limits_config:
  ruler_max_rules_per_rule_group: 3
  ruler_remote_write_url: http://mine/write
  ruler_remote_write_config:
    two: {url: "http://other/write", queue_config: {min_backoff: 1s}}
  ruler_alertmanager_config: {alertmanager_url: "http://am1,http://am2"}
`);
  const { clients } = config.ruler.remoteWrite;
  assert.deepEqual([...clients.keys()], ["default", "two"]);
  const [one, two] = [clients.get("default"), clients.get("two")];
  assert.deepEqual(
    [one?.headers, one?.maxBackoffMs, one?.samplesPerSendMax],
    [{ "X-A": "b" }, 9000, 2000],
  );
  assert.deepEqual([two?.headers, two?.timeoutMs, two?.maxBackoffMs], [{}, 5000, 5000]);
  assert.equal(two?.credentials?.password, "pw");
  assert.equal(two?.relabelConfigs[0]?.["action"], "drop");
  const { limits } = config;
  assert.equal(limits.rulerMaxRulesPerRuleGroup, 3);
  assert.deepEqual(limits.rulerRemoteWrite, { url: "http://mine/write" });
  assert.deepEqual(limits.rulerRemoteWriteClients.get("two"), {
    url: "http://other/write",
    minBackoffMs: 1000,
  });
  assert.deepEqual(limits.rulerAlertmanager.urls, ["http://am1", "http://am2"]);
});

test("secrets of the ruler are not shown", async () => {
  const { yaml } = await load(`
ruler:
  alertmanager_client: {basic_auth_password: one-secret, credentials: two-secret}
  remote_write:
    client: {url: "http://u:three-secret@h/w", headers: {Authorization: four-secret}}
    clients: {a: {url: http://h/w, headers: {k: five-secret}, basic_auth: {password: six-secret}}}
limits_config:
  ruler_remote_write_headers: {X-Key: seven-secret}
`);
  assert.doesNotMatch(yaml, /-secret/);
  assert.match(yaml, /Authorization: <redacted>/);
});

const wrong: readonly (readonly [yaml: string, message: RegExp])[] = [
  ["ruler: {evaluation_interval: 0s}", /ruler\.evaluation_interval: expected more than zero/],
  ["ruler: {alert_relabel_configs: [{regex: '('}]}", /alert_relabel_configs\[0\]\.regex/],
  ["ruler: {alert_relabel_configs: [{action: x}]}", /there is no such action/],
  ["ruler: {remote_write: {clients: {a: {name: b}}}}", /clients\.a\.url/],
  ["ruler: {remote_write: {client: {uri: x}}}", /did you mean url/],
];

for (const [yaml, message] of wrong) {
  test(`refused: ${yaml}`, async () => {
    await assert.rejects(load(yaml), (error: unknown) => {
      return error instanceof ConfigError && message.test(error.messages.join("\n"));
    });
  });
}

const ofAnyStore = /^ruler\.storage\.|^ruler_storage\.(s3|gcs|azure|storage_prefix)/;

test("every setting of the ruler stands on its page with its default", () => {
  const page = new URL("../../docs/operating/ruler.md", import.meta.url);
  const rows = [
    ...readFileSync(page, "utf8").matchAll(/^\| `([a-z0-9_.]+)` \| (?:–|`(.*?)`) \|/gm),
  ];
  const documented = new Map(rows.map(([, key = "", text = ""]) => [key, text]));
  const known = [...settingByPath].filter(([path, { type }]) => {
    return type !== undefined && /^(limits_config\.)?ruler(_|\.)/.test(path);
  });
  assert.ok(known.length > 50, `${known.length} settings`);
  for (const [path, setting] of known) {
    const text = documented.get(path) ?? "";
    if (text === "" || setting.type === undefined) continue;
    assert.deepEqual(parseText(setting.type, text), { value: setting.defaultValue }, path);
  }
  const missing = known
    .map(([path]) => path)
    // Its stores take what every store takes.
    .filter((path) => !ofAnyStore.test(path) && !documented.has(path));
  assert.deepEqual(missing, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "#config";
import { createLogger } from "#telemetry";
import { SimulatedDisk } from "#world";
import { Alertmanagers } from "./alertmanagers.ts";
import { alertRoutes, remoteWriteRoutes, SecretFiles, secretPaths } from "./rule-routing.ts";

async function routing(yaml: string) {
  const result = await loadConfig({
    argv: ["-config.file=/c.yaml"],
    env: {},
    readFile: async () => yaml,
    cwd: "/",
  });
  assert.ok(result.action === "run");
  const { config, limitsByTenant: limits } = result.loaded;
  const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
  const disk = new SimulatedDisk();
  await using file = await disk.open("/password", { create: true, exclusive: true });
  await file.write([Buffer.from("from-file\n")], 0);
  const secrets = new SecretFiles(disk, log);
  await secrets.load(secretPaths(config));
  const alertmanagers = new Alertmanagers(config.ruler.alertmanager, log);
  const parts = { config, limits, alertmanagers, secrets, log };
  return { alerts: alertRoutes(parts), writes: remoteWriteRoutes(parts) };
}

test("samples go to every client, as the tenant they are of", async () => {
  const { writes } = await routing(`
ruler:
  remote_write:
    enabled: true
    client: {url: http://one/w, headers: {x-scope-orgid: spoofed, X-Own: "1"}}
    clients:
      two: {url: http://two/w, basic_auth: {username: me, password_file: /password}}
`);
  const clients = writes("team-a");
  assert.deepEqual(
    clients.map(({ name, url, headers }) => ({ name, url, headers })),
    [
      {
        name: "default",
        url: "http://one/w",
        headers: { "X-Scope-OrgID": "team-a", "X-Own": "1" },
      },
      {
        name: "two",
        url: "http://two/w",
        headers: {
          "X-Scope-OrgID": "team-a",
          Authorization: `Basic ${btoa("me:from-file")}`,
        },
      },
    ],
  );
});

test("a tenant's limits change its endpoints, add one where there is none, or switch them off", async () => {
  const of = async (limits: string, clients: string) => {
    const { writes } = await routing(
      `ruler: {remote_write: {enabled: true, clients: {${clients}}}}\nlimits_config: {${limits}}`,
    );
    return writes("t").map(({ name, url, maxBackoffMs }) => `${name} ${url} ${maxBackoffMs}`);
  };
  const one = "a: {url: http://a}";
  assert.deepEqual(await of("", one), ["a http://a 5000"]);
  assert.deepEqual(await of("ruler_remote_write_queue_max_backoff: 9s", one), ["a http://a 9000"]);
  assert.deepEqual(await of("ruler_remote_write_url: http://x", ""), ["default http://x 5000"]);
  const named = "ruler_remote_write_config: {a: {url: http://y}, b: {url: http://b}}";
  assert.deepEqual(await of(named, one), ["a http://y 5000", "b http://b 5000"]);
  assert.deepEqual(await of("ruler_remote_write_disabled: true", one), []);
});

test("nothing is written unless remote write is on", async () => {
  const { writes } = await routing("ruler: {remote_write: {client: {url: http://one/w}}}");
  assert.deepEqual(writes("t"), []);
});

test("alerts go to the Alertmanagers of the tenant, else to those of all", async () => {
  const common = "alertmanager_url: 'http://a, http://b', external_labels: {cluster: c}";
  const client = "alertmanager_client: {credentials: token}";
  const { alerts } = await routing(`ruler: {${common}, ${client}}`);
  const route = alerts("t");
  assert.deepEqual(route.urls, ["http://a", "http://b"]);
  assert.deepEqual(route.headers, { Authorization: "Bearer token" });
  assert.deepEqual([route.externalLabels, route.capacity], [{ cluster: "c" }, 10_000]);
  const own = await routing(
    `ruler: {${common}, ${client}}\nlimits_config: {ruler_alertmanager_config: {alertmanager_url: http://mine}}`,
  );
  assert.deepEqual([own.alerts("t").urls, own.alerts("t").headers], [["http://mine"], {}]);
});

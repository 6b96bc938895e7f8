import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, startSkald, temporaryFolder } from "../support/skald-process.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const bin = join(root, "bin", "skald");

function run(args: readonly string[], env: Record<string, string> = {}, cwd = tmpdir()) {
  const { status, stdout, stderr } = spawnSync(bin, args, {
    encoding: "utf8",
    cwd,
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

async function push(url: string, line: string, headers: Record<string, string> = {}) {
  const timeNs = `${Date.now()}000000`;
  const body = JSON.stringify({
    streams: [{ stream: { app: "serve" }, values: [[timeNs, line]] }],
  });
  return fetch(`${url}/loki/api/v1/push`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body,
  });
}

async function lines(url: string): Promise<string[]> {
  const query = encodeURIComponent('{app="serve"}');
  const answer = await fetch(`${url}/loki/api/v1/query_range?query=${query}&limit=1000`);
  assert.equal(answer.status, 200);
  const { data } = (await answer.json()) as { data: { result: { values: string[][] }[] } };
  return data.result.flatMap(({ values }) => values.map(([, line]) => line!)).sort();
}

test("bin/skald says what it is, from any folder and through a symlink", () => {
  const folder = temporaryFolder();
  const link = join(folder, "skald");
  symlinkSync(bin, link);
  for (const command of [bin, link]) {
    const { status, stdout } = spawnSync(command, ["-version"], { encoding: "utf8", cwd: folder });
    assert.equal(status, 0);
    assert.match(stdout, /^skald, version \d+\.\d+\.\d+ /);
  }
  for (const flag of ["--help", "-h"]) {
    const { status, stdout } = run([flag]);
    assert.equal(status, 0);
    assert.match(stdout, /skald query/);
    assert.match(stdout, /-config\.file/);
  }
  rmSync(folder, { recursive: true });
});

test("-verify-config judges a file and starts nothing", () => {
  const folder = temporaryFolder();
  const good = join(folder, "good.yaml");
  const bad = join(folder, "bad.yaml");
  writeFileSync(good, "server:\n  http_listen_port: ${PORT:3105}\n");
  writeFileSync(bad, "server:\n  http_listen_prot: 3105\nlimits_config:\n  max_line_size: many\n");
  const verified = run(["-verify-config", "-config.expand-env", `-config.file=${good}`]);
  assert.equal(verified.status, 0, verified.stderr);
  assert.match(verified.stderr, /valid/);
  const refused = run(["-verify-config", `-config.file=${bad}`]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /bad\.yaml:2:\d+: server\.http_listen_prot/);
  assert.match(refused.stderr, /bad\.yaml:4:\d+: limits_config\.max_line_size/);
  assert.doesNotMatch(refused.stderr, /\n\s+at /);
  rmSync(folder, { recursive: true });
});

test("-print-config-stderr shows the effective configuration without secrets", async () => {
  const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
`;
  await using skald = await startSkald({ config, args: ["-print-config-stderr"] });
  assert.match(skald.output(), /max_line_size: /);
  const shown = await (await fetch(`${skald.url}/config`)).text();
  assert.match(shown, /auth_enabled: false/);
});

test("a second process on the same data folder refuses and says why", async () => {
  await using skald = await startSkald();
  const port = await freePort();
  const { status, stderr } = run([
    `-server.http-listen-port=${port}`,
    "-server.grpc-listen-port=0",
    `-common.path-prefix=${skald.folder}`,
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /lock/);
});

test("a taken port is named", async () => {
  await using skald = await startSkald();
  const folder = temporaryFolder();
  const port = new URL(skald.url).port;
  const { status, stderr } = run([
    `-server.http-listen-port=${port}`,
    "-server.grpc-listen-port=0",
    `-common.path-prefix=${folder}`,
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /another process listens there/);
  rmSync(folder, { recursive: true });
});

test("SIGTERM ends it with 0 and loses nothing; the next start has it all", async () => {
  await using first = await startSkald();
  for (const line of ["one", "two", "three"])
    assert.equal((await push(first.url, line)).status, 204);
  assert.equal(await first.stop(), 0);
  await using second = await startSkald({ folder: first.folder });
  assert.deepEqual(await lines(second.url), ["one", "three", "two"]);
  assert.equal((await fetch(`${second.url}/flush`, { method: "POST" })).status, 204);
  assert.deepEqual(await lines(second.url), ["one", "three", "two"]);
  await second.kill();
  await using third = await startSkald({ folder: first.folder });
  assert.deepEqual(await lines(third.url), ["one", "three", "two"]);
});

test("runtime overrides take effect without a restart", async () => {
  const folder = temporaryFolder();
  const overrides = join(folder, "overrides.yaml");
  writeFileSync(overrides, "overrides: {}\n");
  const config = `
auth_enabled: true
server: {http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}"}
runtime_config: {file: "${overrides}", period: 100ms}
`;
  await using skald = await startSkald({ config });
  const tenant = { "X-Scope-OrgID": "small" };
  assert.equal((await push(skald.url, "x".repeat(200), tenant)).status, 204);
  writeFileSync(overrides, "overrides: {small: {max_line_size: 100B}}\n");
  let status = 204;
  for (let tries = 0; tries < 100 && status === 204; tries++) {
    await new Promise((done) => setTimeout(done, 50));
    status = (await push(skald.url, `${tries}${"x".repeat(200)}`, tenant)).status;
  }
  assert.equal(status, 400);
  writeFileSync(overrides, "overrides: {small: {max_line_size: [}}\n");
  await new Promise((done) => setTimeout(done, 300));
  assert.equal((await push(skald.url, "y".repeat(200), tenant)).status, 400);
  rmSync(folder, { recursive: true });
});

test("without a network and without dependencies set-up says so in words", () => {
  const folder = mkdtempSync(join(tmpdir(), "skald-setup-"));
  mkdirSync(join(folder, "scripts"));
  for (const file of ["package.json", "package-lock.json", "scripts/setup.mjs"]) {
    spawnSync("cp", [join(root, file), join(folder, file)]);
  }
  const { status, stderr } = spawnSync(process.execPath, [join(folder, "scripts", "setup.mjs")], {
    encoding: "utf8",
    timeout: 60_000,
    env: {
      ...process.env,
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
      npm_config_cache: join(folder, "cache"),
    },
  });
  assert.equal(status, 1);
  assert.match(stderr, /cannot reach the npm registry/);
  assert.doesNotMatch(stderr, /\n\s+at /);
  rmSync(folder, { recursive: true });
});

test("a client that goes away in the middle of a push costs nothing", async () => {
  await using skald = await startSkald();
  const { port } = new URL(skald.url);
  const client = spawn("node", [
    "-e",
    `const s=require("net").connect(${port},"127.0.0.1",()=>{s.write("POST /loki/api/v1/push HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\nContent-Length: 1000\\r\\n\\r\\n{");setTimeout(()=>s.destroy(),100)})`,
  ]);
  await new Promise((done) => client.once("exit", done));
  assert.equal((await push(skald.url, "still here")).status, 204);
});

test("whoever listens on every address is greeted with one that a browser opens", async () => {
  const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, http_path_prefix: /logs}
common: {path_prefix: \${DATA}}
`;
  await using skald = await startSkald({ config, pathPrefix: "/logs" });
  const { port } = new URL(skald.url);
  assert.match(skald.output(), new RegExp(`open http://localhost:${port}/logs/ in a browser`));
  const free = /^skald_data_free_bytes (\S+)$/m.exec(
    await fetch(`${skald.url}/metrics`).then((answer) => answer.text()),
  );
  assert.ok(Number(free?.[1]) > 0, String(free));
});

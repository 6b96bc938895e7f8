import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/skald-process.ts";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import { s3Error, startTinyS3 } from "../support/tiny-s3.ts";

const bin = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");

interface Visit {
  readonly code: number;
  readonly out: string;
  /** Status by check. */
  readonly found: ReadonlyMap<string, { status: string; says: string; advice?: string }>;
}

async function visit(config: string, ...more: string[]): Promise<Visit> {
  const folder = temporaryFolder();
  const file = join(folder, "skald.yaml");
  writeFileSync(file, config.replaceAll("DATA", join(folder, "data")));
  const args = ["doctor", "--json", `-config.file=${file}`, ...more];
  const { code, out } = await new Promise<{ code: number; out: string }>((done) => {
    const limits = { timeout: 40_000, killSignal: "SIGKILL" as const };
    const child = execFile(bin, args, limits, (_error, out) =>
      done({ code: child.exitCode ?? -1, out }),
    );
  });
  assert.ok(!existsSync(join(folder, "data")), "it leaves nothing behind");
  assert.deepEqual(readdirSync(folder), ["skald.yaml"]);
  rmSync(folder, { recursive: true });
  const { findings } = JSON.parse(out) as {
    findings: { check: string; status: string; says: string; advice?: string }[];
  };
  return { code, out, found: new Map(findings.map((finding) => [finding.check, finding])) };
}

const local = `
server: {http_listen_port: 0, grpc_listen_port: 0}
common: {path_prefix: DATA}
`;

test("a folder and defaults are fit", async () => {
  const { code, out, found } = await visit(local);
  assert.equal(code, 0, out);
  assert.match(found.get("journal disk")?.says ?? "", /fdatasync takes [\d.]+ ms/);
  assert.equal(found.get("journal folder")?.status, "ok");
});

test("a wrong configuration is said, every fault of it", async () => {
  const { code, found, out } = await visit("server: {http_listen_prot: 1}\nnonsense: 2\n");
  assert.equal(code, 1);
  assert.equal(found.get("configuration")?.status, "error");
  assert.match(out, /http_listen_prot/);
  assert.match(out, /nonsense/);
});

test("a folder that cannot be made is said, with what to do", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  const { code, found } = await visit(`common: {path_prefix: ${join(folder, "file", "below")}}\n`);
  assert.equal(code, 1);
  const finding = found.get("data folder");
  assert.equal(finding?.status, "error");
  assert.ok((finding.advice ?? "").length > 20);
  rmSync(folder, { recursive: true });
});

const remote = (endpoint: string): string => `${local}
schema_config:
  configs: [{from: 2020-01-01, store: skald, object_store: s3, schema: v13, index: {prefix: i_, period: 24h}}]
storage_config:
  aws:
    endpoint: ${endpoint}
    bucketnames: logs
    region: eu-central-1
    access_key_id: key
    secret_access_key: very-secret
    s3forcepathstyle: true
    backoff_config: {max_retries: 1, min_period: 10ms, max_period: 20ms}
`;

test("an object store is tried and left as it was", async () => {
  await using s3 = await startS3rver(["logs"]);
  const config = remote(s3.endpoint).replace("id: key", `id: ${s3rverKeys.accessKeyId}`);
  const { code, out, found } = await visit(
    config.replace("very-secret", s3rverKeys.secretAccessKey),
  );
  assert.equal(code, 0, out);
  const check = [...found.keys()].find((name) => name.startsWith("store "));
  assert.match(found.get(check ?? "")?.says ?? "", /put, get, list, delete took \d+ ms/);
  assert.match(found.get("clock")?.says ?? "", /agrees with/);
});

test("refused credentials and a server that is away are errors without secrets", async () => {
  await using s3 = await startTinyS3();
  s3.misbehave = () => s3Error(403, "AccessDenied");
  for (const endpoint of [s3.endpoint, "http://127.0.0.1:1"]) {
    const { code, out, found } = await visit(remote(endpoint));
    assert.equal(code, 1, out);
    const [, finding] = [...found].find(([name]) => name.startsWith("store "))!;
    assert.equal(finding.status, "error");
    assert.match(finding.advice ?? "", endpoint === s3.endpoint ? /credentials/ : /endpoint/);
    assert.doesNotMatch(out, /very-secret/);
  }
});

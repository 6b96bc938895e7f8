import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { keyMapping } from "#lokichunk";
import { expectedOf } from "../support/loki-buckets.ts";
import { s3rverKeys, startS3rver } from "../support/s3rver-server.ts";
import { type SkaldProcess, startSkald, temporaryFolder } from "../support/skald-process.ts";

const here = dirname(fileURLToPath(import.meta.url));
const skaldPath = join(here, "..", "..", "bin", "skald");
const fixtures = join(here, "..", "fixtures", "loki-bucket");

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One command; killed without mercy once `killAt` holds for its output. */
async function bucket(
  args: readonly string[],
  killAt: (out: string) => boolean = () => false,
): Promise<Run> {
  const child = spawn(skaldPath, ["bucket", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    out += text.toString();
    if (killAt(out)) child.kill("SIGKILL");
  });
  child.stderr.on("data", (text: Buffer) => (err += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

const tsdb = (from: string, schema: string, prefix: string, store: string): string =>
  `{from: ${from}, store: tsdb, object_store: ${store}, schema: ${schema}, ` +
  `index: {prefix: ${prefix}, period: 24h}}`;

function configOf(storage: string, periods: readonly string[]): string {
  return `
auth_enabled: true
server:
  {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: warn}
common: {path_prefix: "\${DATA}/data"}
schema_config:
  configs:
${periods.map((period) => `    - ${period}\n`).join("")}
storage_config: ${storage}
limits_config: {max_entries_limit_per_query: 0, max_query_length: 0}
`;
}

/** The configuration as the command reads it: no variables. */
function writeConfig(folder: string, config: string): string {
  const path = join(folder, "bucket.yaml");
  writeFileSync(path, config.replaceAll("${DATA}", folder).replaceAll("${PORT}", "0"));
  return `-config.file=${path}`;
}

/** Everything the fixture asks, with its answers in an order of their own. */
async function answersOf(skald: SkaldProcess, name: string): Promise<unknown> {
  const expected = expectedOf(name);
  const range = `start=${expected.start_ns}&end=${expected.end_ns}`;
  const answers: unknown[] = [];
  for (const [tenant, want] of Object.entries(expected.tenants)) {
    const headers = { "X-Scope-OrgID": tenant };
    const paths = [`labels?${range}`, `series?match[]={__name__=~".*"}&${range}`];
    for (const { selector } of want.entries_categorized) {
      const query = `query=${encodeURIComponent(selector)}&limit=5000&direction=forward`;
      paths.push(`query_range?${query}&${range}`);
    }
    for (const path of paths) {
      const answer = await fetch(`${skald.url}/loki/api/v1/${path}`, { headers });
      const text = await answer.text();
      assert.equal(answer.status, path.startsWith("series") ? answer.status : 200, text);
      const { data, warnings } = JSON.parse(text) as {
        data?: string[] | { result: { stream: Record<string, string>; values: unknown[] }[] };
        warnings?: unknown;
      };
      assert.equal(warnings, undefined);
      if (data === undefined) continue;
      if (Array.isArray(data)) {
        answers.push(data.map((one) => JSON.stringify(one)).sort());
        continue;
      }
      const lines = data.result.flatMap(({ stream, values }) => {
        const labels = Object.entries(stream).sort(([a], [b]) => (a < b ? -1 : 1));
        return values.map((value) => JSON.stringify([labels, value]));
      });
      assert.ok(lines.length > 0 || want.entries_categorized.length > 1);
      answers.push(lines.sort());
    }
  }
  return answers;
}

test("days migrated beside a running Skald are read from segments after the switch", async () => {
  const folder = temporaryFolder();
  cpSync(join(fixtures, "period-switch", "bucket"), join(folder, "bucket"), { recursive: true });
  const storage = '{filesystem: {directory: "${DATA}/bucket"}}';
  const before = configOf(storage, [
    tsdb("2024-01-01", "v12", "index_", "filesystem"),
    tsdb("2025-01-01", "v13", "idx2_", "filesystem"),
  ]);
  const after = configOf(storage, ["{from: 2024-01-01, store: skald, object_store: filesystem}"]);
  let wanted: unknown;
  {
    const skald = await startSkald({ folder, config: before });
    wanted = await answersOf(skald, "period-switch");
    await skald.stop();
  }
  // Without migrating, the data would be out of sight: that is refused.
  await assert.rejects(startSkald({ folder, config: after }), /there is data that the periods/);
  {
    const skald = await startSkald({ folder, config: before });
    const flag = writeConfig(folder, before);
    const verified = await bucket(["verify", flag]);
    assert.equal(verified.code, 0, verified.out + verified.err);
    const migrated = await bucket(["migrate", flag]);
    assert.equal(migrated.code, 0, migrated.err);
    assert.match(migrated.out, /2024-12-31 {2}2 chunks = 1 segments: 2 streams, 110 entries/);
    assert.match(migrated.err, /from: 2024-12-31, store: skald, object_store: filesystem/);
    // Nothing has changed for who asks.
    assert.deepEqual(await answersOf(skald, "period-switch"), wanted);
    await skald.stop();
  }
  await using skald = await startSkald({ folder, config: after });
  assert.deepEqual(await answersOf(skald, "period-switch"), wanted);
  // The chunks are not needed for that.
  rmSync(join(folder, "bucket", "index"), { recursive: true });
  rmSync(join(folder, "bucket", "fake"), { recursive: true });
  assert.deepEqual(await answersOf(skald, "period-switch"), wanted);
});

function* objectsOf(name: string): Iterable<readonly [key: string, body: Uint8Array]> {
  const root = join(fixtures, name, "bucket");
  const mapping = keyMapping({ medium: "filesystem" });
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!statSync(join(root, path)).isFile()) continue;
    yield [mapping.toLogical(path) ?? path, readFileSync(join(root, path))];
  }
}

test("on S3: a migration that was killed goes on; verify, ls, stats and rebuild", async () => {
  await using s3 = await startS3rver(["logs"]);
  await s3.fill("logs", objectsOf("snappy"));
  const { accessKeyId, secretAccessKey } = s3rverKeys;
  const storage = `
  aws:
    endpoint: ${s3.endpoint}
    bucketnames: logs
    region: us-east-1
    s3forcepathstyle: true
    access_key_id: ${accessKeyId}
    secret_access_key: ${secretAccessKey}`;
  const folder = temporaryFolder();
  const before = configOf(storage, [tsdb("2024-01-01", "v13", "index_", "s3")]);
  const flag = writeConfig(folder, before);
  const killed = await bucket(["migrate", flag], (out) => out.includes("\n"));
  assert.equal(killed.code, null);
  const done = await bucket(["migrate", flag, "--json"]);
  assert.equal(done.code, 0, done.err);
  const days = done.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { outcome: string; entries: number });
  assert.ok(days.some(({ outcome }) => outcome === "known"));
  assert.ok(days.some(({ outcome }) => outcome === "done"));

  const url = s3.endpoint.replace("//", `//${accessKeyId}:${secretAccessKey}@`);
  const store = `--store=${url.replace("http", "s3")}/logs`;
  const verified = await bucket(["verify", store]);
  assert.equal(verified.code, 0, verified.out + verified.err);
  const listed = await bucket(["ls", store, "--objects", "--tenant=acme"]);
  assert.match(listed.out, /segment {2}v1\/acme\/2024-12-31\//);
  assert.doesNotMatch(listed.out, /fake/);
  const stats = await bucket(["stats", store, "--json"]);
  const sums = (JSON.parse(stats.out) as { days: { format: string; entries: number }[] }).days;
  const entries = sums.filter(({ format }) => format === "segments");
  assert.equal(
    entries.reduce((sum, one) => sum + one.entries, 0),
    days.reduce((sum, one) => sum + one.entries, 0),
  );
  const rebuilt = await bucket(["rebuild", store, "--dry-run"]);
  assert.equal(rebuilt.code, 0, rebuilt.err);
  assert.match(rebuilt.err, /0 tables rebuilt/);

  let wanted: unknown;
  {
    await using skald = await startSkald({ config: before });
    wanted = await answersOf(skald, "snappy");
  }
  const after = configOf(storage, ["{from: 2024-01-01, store: skald, object_store: s3}"]);
  await using skald = await startSkald({ folder, config: after });
  assert.deepEqual(await answersOf(skald, "snappy"), wanted);
});

test("damage in the middle of the journal is named with file and byte", async () => {
  const folder = temporaryFolder();
  const config = configOf('{filesystem: {directory: "${DATA}/bucket"}}', [
    "{from: 2024-01-01, store: skald, object_store: filesystem}",
  ]);
  const skald = await startSkald({ folder, config });
  for (let i = 0; i < 3; i++) {
    const streams = [{ stream: { app: "a" }, values: [[`${Date.now()}000000`, `line ${i}`]] }];
    const answer = await fetch(`${skald.url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Scope-OrgID": "t" },
      body: JSON.stringify({ streams }),
    });
    assert.equal(answer.status, 204);
  }
  const flag = writeConfig(folder, config);
  // Beside the process, whose last record may be half written.
  const sound = await bucket(["verify", flag]);
  assert.equal(sound.code, 0, sound.out + sound.err);
  assert.match(sound.err, /[1-9]\d* journal files/);
  await skald.kill();
  const wal = join(folder, "data", "wal");
  const file = readdirSync(wal).find((name) => name.endsWith(".journal"))!;
  const bytes = readFileSync(join(wal, file));
  bytes[bytes.indexOf("line 1")]! ^= 1;
  writeFileSync(join(wal, file), bytes);
  const damaged = await bucket(["verify", flag]);
  assert.equal(damaged.code, 1);
  assert.match(damaged.out, new RegExp(`^damage {2}journal .*${file} at byte [1-9]\\d*: `, "m"));
  rmSync(folder, { recursive: true });
});

test("a damaged bucket, a wrong folder and wrong flags are told apart by exit code", async () => {
  const folder = temporaryFolder();
  cpSync(join(fixtures, "gzip", "bucket"), join(folder, "bucket"), { recursive: true });
  const chunks = join(folder, "bucket", "acme");
  rmSync(join(chunks, readdirSync(chunks)[0]!), { recursive: true });
  const damaged = await bucket(["verify", `--store=${folder}/bucket`]);
  assert.equal(damaged.code, 1);
  assert.match(damaged.out, /^damage {2}reference .* at byte \d+: lists the chunk acme\//m);
  const missing = await bucket(["ls", `--store=${folder}/nothing`]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nothing/);
  assert.ok(!readdirSync(folder).includes("nothing"));
  const wrong = await bucket(["verify", "--sample=0"]);
  assert.equal(wrong.code, 2);
  rmSync(folder, { recursive: true });
});

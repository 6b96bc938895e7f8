import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type SkaldProcess,
  type StartOptions,
  startSkald,
  temporaryFolder,
} from "../support/skald-process.ts";

const skaldPath = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");

const midnightNs = BigInt(Date.UTC(2026, 0, 10)) * 1_000_000n;
const second = 1_000_000_000n;

interface Period {
  readonly from: string;
  readonly store: "skald" | "tsdb";
  readonly objectStore?: string;
  readonly schema?: string;
  readonly prefix?: string;
}

function configOf(periods: readonly Period[]): string {
  const configs = periods.map(
    ({ from, store, objectStore = "filesystem", schema = "v13", prefix = "index_" }) => `
    - {from: ${from}, store: ${store}, object_store: ${objectStore}, schema: ${schema}, index: {prefix: ${prefix}, period: 24h}}`,
  );
  return `
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: warn}
common: {path_prefix: "\${DATA}/data"}
storage_config: {named_stores: {filesystem: {old: {directory: "\${DATA}/old"}, new: {directory: "\${DATA}/new"}}}}
limits_config: {max_query_length: 0, discover_log_levels: false, discover_service_name: []}
schema_config:
  configs:${configs.join("")}
`;
}

async function push(skald: SkaldProcess, values: readonly (readonly [bigint, string])[]) {
  const streams = [{ stream: { app: "a" }, values: values.map(([ns, line]) => [`${ns}`, line]) }];
  const answer = await fetch(`${skald.url}/loki/api/v1/push`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ streams }),
  });
  assert.equal(answer.status, 204, await answer.text());
}

async function flush(skald: SkaldProcess): Promise<void> {
  const answer = await fetch(`${skald.url}/flush`, { method: "POST" });
  assert.ok(answer.ok, await answer.text());
}

async function query(skald: SkaldProcess, path: string): Promise<{ result: unknown[] }> {
  const answer = await fetch(`${skald.url}/loki/api/v1/${path}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return (JSON.parse(text) as { data: { result: unknown[] } }).data;
}

/** Lines from `from` to `to`, seconds from midnight, oldest first. */
async function lines(skald: SkaldProcess, from: number, to: number): Promise<string[]> {
  const range = `start=${midnightNs + BigInt(from) * second}&end=${midnightNs + BigInt(to) * second}`;
  const selector = encodeURIComponent('{app="a"}');
  const path = `query_range?query=${selector}&${range}&direction=forward&limit=5000`;
  const { result } = await query(skald, path);
  return (result as { values: [string, string][] }[]).flatMap(({ values }) =>
    values.map(([, line]) => line),
  );
}

async function count(skald: SkaldProcess, at: number, over: string): Promise<string | undefined> {
  const text = encodeURIComponent(`sum(count_over_time({app="a"}[${over}]))`);
  const path = `query?query=${text}&time=${midnightNs + BigInt(at) * second}`;
  const { result } = await query(skald, path);
  return (result as { value: [number, string] }[])[0]?.value[1];
}

/** Runs a process on a folder that stays, and kills it. */
async function during(
  options: StartOptions,
  use: (skald: SkaldProcess) => Promise<void>,
): Promise<void> {
  const skald = await startSkald(options);
  try {
    await use(skald);
  } finally {
    await skald.kill();
  }
}

const switches: readonly (readonly [what: string, before: Period, after: Period])[] = [
  [
    "from Loki's format to Skald's on another store",
    { from: "2020-01-01", store: "tsdb", objectStore: "old", schema: "v12" },
    { from: "2026-01-10", store: "skald", objectStore: "new" },
  ],
  [
    "from Skald's format to Loki's on one store",
    { from: "2020-01-01", store: "skald" },
    { from: "2026-01-10", store: "tsdb" },
  ],
  [
    "between tables of two prefixes on two stores",
    { from: "2020-01-01", store: "tsdb", objectStore: "old" },
    { from: "2026-01-10", store: "tsdb", objectStore: "new", prefix: "other_" },
  ],
];

for (const [what, before, after] of switches) {
  test(`a switch at midnight ${what} is seen by nobody`, async () => {
    const folder = temporaryFolder();
    const config = configOf([before, after]);
    const keep = { folder, config };
    const wanted: string[] = [];
    await during(keep, async (skald) => {
      // Out of order, and one stream on both sides.
      for (const at of [5, -5, 0, -60, 60, -1]) {
        await push(skald, [[midnightNs + BigInt(at) * second, `line ${at}`]]);
      }
      await flush(skald);
      // Late, for the period that is over; then half a second around midnight.
      await push(skald, [[midnightNs - 30n * second, "line -30"]]);
      await push(skald, [
        [midnightNs - 1n, "line -0.000000001"],
        [midnightNs + 1n, "line 0.000000001"],
      ]);
      await flush(skald);
      // The same once more, and one that stays in the journal.
      await push(skald, [[midnightNs - 30n * second, "line -30"]]);
      await flush(skald);
      await push(skald, [[midnightNs + 30n * second, "line 30"]]);
    });
    const all = [-60, -30, -5, -1, "-0.000000001", 0, "0.000000001", 5, 30, 60];
    wanted.push(...all.map((at) => `line ${at}`));
    await using skald = await startSkald(keep);
    assert.deepEqual(await lines(skald, -100, 100), wanted);
    assert.deepEqual(await lines(skald, -100, 0), wanted.slice(0, 5));
    assert.deepEqual(await lines(skald, 0, 100), wanted.slice(5));
    assert.equal(await count(skald, 100, "200s"), "10");
    assert.equal(await count(skald, 10, "20s"), "6");
    const stores = before.objectStore === undefined ? ["data/chunks"] : ["old", "new"];
    for (const store of stores) {
      assert.ok(readdirSync(join(folder, store)).includes("skald"), `no record in ${store}`);
    }
  });
}

test("the first period has all that is older, in Loki's format as far as 1970", async () => {
  const config = configOf([{ from: "2020-01-01", store: "tsdb" }]);
  await using skald = await startSkald({ config });
  await push(skald, [[0n, "1970"]]);
  await push(skald, [[800_000_000n * second, "1995"]]);
  await push(skald, [[1_500_000_000n * second, "2017"]]);
  await assert.rejects(push(skald, [[-1n, "older"]]), /oldest acceptable timestamp is: 1970-01-01/);
  await flush(skald);
  const from = -Number(midnightNs / second);
  assert.deepEqual(await lines(skald, from, 0), ["1970", "1995", "2017"]);
  await skald.kill();
  await using again = await startSkald({ config, folder: skald.folder });
  assert.deepEqual(await lines(again, from, 0), ["1970", "1995", "2017"]);
});

function refusalOf(folder: string, config: string, args: readonly string[] = []): string {
  const file = join(folder, "skald.yaml");
  writeFileSync(file, config);
  const env = { ...process.env, DATA: folder, PORT: "0" };
  const { status, stderr } = spawnSync(
    skaldPath,
    ["-config.expand-env", `-config.file=${file}`, ...args],
    { encoding: "utf8", timeout: 20_000, env },
  );
  assert.equal(status, 1, stderr);
  assert.doesNotMatch(stderr, /\n\s+at /);
  return stderr;
}

test("a period with data cannot be changed by mistake", async () => {
  const folder = temporaryFolder();
  const first: Period = { from: "2020-01-01", store: "tsdb" };
  await during({ folder, config: configOf([first]) }, async (skald) => {
    await push(skald, [[midnightNs, "line 0"]]);
    await flush(skald);
  });
  const changes: readonly (readonly Period[])[] = [
    [{ ...first, store: "skald" }],
    [{ ...first, prefix: "other_" }],
    [{ ...first, objectStore: "old" }],
    [{ ...first }, { from: "2025-12-31", store: "skald" }],
  ];
  for (const periods of changes) {
    const text = refusalOf(folder, configOf(periods));
    assert.match(text, /there is data that the periods do not lead to any more/);
    assert.match(text, /index_20463/);
    assert.match(text, /-skald\.allow-changed-periods/);
  }
  // What is new begins where nothing is yet.
  const grown = configOf([first, { from: "2026-01-11", store: "skald" }]);
  await during({ folder, config: grown }, async (skald) => {
    assert.deepEqual(await lines(skald, 0, 100), ["line 0"]);
  });
  const left = configOf([{ ...first, store: "skald" }]);
  const args = ["-skald.allow-changed-periods"];
  await during({ folder, config: left, args }, async (skald) => {
    assert.match(skald.output(), /schema periods changed/);
  });
  await using skald = await startSkald({ folder, config: left });
  assert.doesNotMatch(skald.output(), /schema periods changed/);
});

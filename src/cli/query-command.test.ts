import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedDisk } from "#world";
import { type Asked, type FakeLoki, fakeLoki, type Reply } from "./fake-loki.ts";
import { cli, testNowNs } from "./test-io.ts";

const t0 = 1_714_557_600_000_000_000n; // 2024-05-01T10:00:00Z

interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly ns: bigint;
  readonly line: string;
}

function streamsJson(rows: readonly Row[]): unknown {
  const streams = new Map<string, { stream: unknown; values: [string, string][] }>();
  for (const { labels, ns, line } of rows) {
    const key = JSON.stringify(labels);
    const stream = streams.get(key) ?? { stream: labels, values: [] };
    streams.set(key, stream);
    stream.values.push([String(ns), line]);
  }
  const result = [...streams.values()];
  const stats = { summary: { totalBytesProcessed: 12, execTime: 0.5 } };
  return { status: "success", data: { resultType: "streams", result, stats } };
}

/** Serves a range of entries as a log store does: start inclusive, end exclusive. */
function store(rows: readonly Row[]): (asked: Asked) => Reply {
  return ({ params }) => {
    const [start, end] = [BigInt(params.get("start")!), BigInt(params.get("end")!)];
    const isForward = params.get("direction") === "forward";
    const found = rows
      .filter(({ ns }) => ns >= start && ns < end)
      .sort((a, b) => Number(isForward ? a.ns - b.ns : b.ns - a.ns))
      .slice(0, Number(params.get("limit")));
    return { body: streamsJson(found) };
  };
}

const pair: readonly Row[] = [
  { labels: { app: "a", env: "prod", pod: "1" }, ns: t0 + 123_456_789n, line: "one\n" },
  { labels: { app: "a", env: "prod", pod: "22" }, ns: t0 + 1_000_000_000n, line: 'two "2"' },
];
const wide = ["--from=2024-05-01T09:00:00Z", "--to=2024-05-01T11:00:00Z"];

const formats: readonly { args: string[]; out: string; err?: string }[] = [
  {
    args: ["-z", "UTC"],
    out:
      '2024-05-01T10:00:01Z {pod="22"} two "2"\n' + //
      '2024-05-01T10:00:00Z {pod="1"}  one\n',
    err: 'Common labels: {app="a", env="prod"}\n',
  },
  {
    args: ["--forward", "--timezone=Local"],
    out:
      '2024-05-01T12:00:00+02:00 {pod="1"}  one\n' +
      '2024-05-01T12:00:01+02:00 {pod="22"} two "2"\n',
    err: 'Common labels: {app="a", env="prod"}\n',
  },
  {
    args: ["--forward", "-z", "UTC", "-T", "rfc3339nano", "--no-labels"],
    out: '2024-05-01T10:00:00.123456789Z one\n2024-05-01T10:00:01Z two "2"\n',
    err: "",
  },
  {
    args: ["--forward", "-z", "UTC", "--include-common-labels", "--exclude-label=env", "-q"],
    out:
      '2024-05-01T10:00:00Z {app="a", pod="1"}  one\n' +
      '2024-05-01T10:00:01Z {app="a", pod="22"} two "2"\n',
    err: "",
  },
  {
    args: ["--forward", "-z", "UTC", "--include-label=app", "--labels-length=10", "--quiet"],
    out: '2024-05-01T10:00:00Z {}         one\n2024-05-01T10:00:01Z {}         two "2"\n',
  },
  { args: ["-o", "raw", "--forward"], out: 'one\ntwo "2"\n', err: "" },
  {
    args: ["--output=jsonl", "--forward", "--timezone=UTC", "--limit=1"],
    out:
      '{"labels":{"app":"a","env":"prod","pod":"1"},"line":"one\\n",' +
      '"timestamp":"2024-05-01T10:00:00.123456789Z"}\n',
    err: "",
  },
];

for (const { args, out, err } of formats) {
  test(`query ${args.join(" ")} prints as LogCLI does`, async () => {
    await using loki = await fakeLoki(store(pair));
    const run = await cli(["query", ...wide, `--addr=${loki.url}`, ...args, '{app="a"}']);
    assert.equal(run.code, 0, run.err);
    assert.equal(run.out, out);
    if (err !== undefined) assert.equal(run.err, err);
  });
}

test("what is asked: range, limit, step, tenant, tags and tokens", async () => {
  await using loki = await fakeLoki(store([]));
  const env = { LOKI_ADDR: `${loki.url}/prefix/`, LOKI_ORG_ID: "team", LOKI_BEARER_TOKEN: "t0k" };
  const args = ["--since=30m", "--step=90s", "--interval=1500ms", "--nocache", "--query-tags=a=b"];
  const run = await cli(["query", ...args, "{}"], { env });
  assert.equal(run.code, 0, run.err);
  const { path, params, headers } = loki.asked[0]!;
  assert.equal(path, "/prefix/loki/api/v1/query_range");
  assert.deepEqual(Object.fromEntries(params), {
    query: "{}",
    start: String(testNowNs - 1_800_000_000_000n),
    end: String(testNowNs),
    limit: "30",
    direction: "backward",
    step: "90",
    interval: "1.5",
  });
  assert.equal(headers["x-scope-orgid"], "team");
  assert.equal(headers["authorization"], "Bearer t0k");
  assert.equal(headers["cache-control"], "no-cache");
  assert.equal(headers["x-query-tags"], "Source=skald-cli,a=b");
});

test("flags of the connection may stand before the command", async () => {
  await using loki = await fakeLoki(store(pair));
  const run = await cli([`--addr=${loki.url}`, "-q", "--org-id", "x", "query", ...wide, "{}"]);
  assert.equal(run.code, 0, run.err);
  assert.equal(loki.asked[0]!.headers["x-scope-orgid"], "x");
});

/** Many entries share a timestamp, and one of them occurs twice. */
const crowd: readonly Row[] = Array.from({ length: 57 }, (_, i) => ({
  labels: { app: i % 2 === 0 ? "a" : "b" },
  ns: t0 + BigInt(Math.floor(i / 7)) * 1000n,
  line: i === 8 || i === 10 ? "twin" : `line ${i}`,
}));

for (const batch of [1, 3, 7, 8, 14, 1000]) {
  for (const direction of ["forward", "backward"]) {
    test(`pages of ${batch} ${direction} give every entry once`, async () => {
      await using loki = await fakeLoki(store(crowd));
      const args = direction === "forward" ? ["--forward"] : [];
      const common = [`--addr=${loki.url}`, "--limit=0", `--batch=${batch}`, "-o", "raw"];
      const run = await cli(["query", ...wide, ...common, ...args, "{}"]);
      assert.equal(run.code, 0, run.err);
      const lines = run.out.trimEnd().split("\n").sort();
      assert.deepEqual(lines, crowd.map(({ line }) => line).sort());
    });
  }
}

test("a limit ends the pages", async () => {
  await using loki = await fakeLoki(store(crowd));
  const args = [`--addr=${loki.url}`, "--limit=20", "--batch=8", "-o", "raw", "--forward"];
  const run = await cli(["query", ...wide, ...args, "{}"]);
  assert.equal(run.out.trimEnd().split("\n").length, 20);
});

test("metric results are JSON, statistics and warnings go to stderr", async () => {
  const result = [{ metric: { app: "a" }, values: [[1_714_557_600, "1.5"]] }];
  const stats = { summary: { totalBytesProcessed: 12 } };
  const data = { resultType: "matrix", result, stats };
  await using loki = await fakeLoki(() => ({
    gzip: true,
    body: { status: "success", warnings: ["too many series"], data },
  }));
  const run = await cli(["query", `--addr=${loki.url}`, "--stats", "rate({}[1m])"]);
  assert.equal(run.out, `${JSON.stringify(result, null, 2)}\n`);
  assert.equal(run.err, "warning: too many series\nsummary.totalBytesProcessed: 12\n");
});

test("colours only on a terminal, and not when NO_COLOR is set", async () => {
  await using loki = await fakeLoki(store(pair));
  const args = ["query", ...wide, `--addr=${loki.url}`, "--colored-output", "{}"];
  assert.ok((await cli(args, { isTerminal: true })).out.includes("\u001b[34m2024"));
  const env = { NO_COLOR: "1" };
  assert.ok(!(await cli(args, { isTerminal: true, env })).out.includes("\u001b"));
  assert.ok(!(await cli(args)).out.includes("\u001b"));
});

test("a reader that leaves ends the query quietly", async () => {
  await using loki = await fakeLoki(store(pair));
  const args = ["query", ...wide, `--addr=${loki.url}`, "-q", "{}"];
  const run = await cli(args, { brokenOutput: "EPIPE" });
  assert.deepEqual([run.code, run.err], [0, ""]);
  const full = await cli(args, { brokenOutput: "ENOSPC" });
  assert.deepEqual([full.code, full.err], [1, "error: cannot write the output: write ENOSPC\n"]);
});

test("parts are downloaded into files, kept, merged in order", async () => {
  await using loki = await fakeLoki(store(crowd));
  const files = new SimulatedDisk();
  await files.makeFolder("/home/parts");
  const args = [`--addr=${loki.url}`, "--limit=0", "--forward", "-o", "raw", "-q", "--batch=5"];
  const parallel = ["--parallel-duration=30m", "--parallel-max-workers=3"];
  const prefix = "--part-path-prefix=parts/q";
  const first = await cli(["query", ...wide, ...args, ...parallel, prefix, "{}"], { files });
  assert.equal(first.code, 0, first.err);
  assert.equal(first.out, "");
  const names = (await files.list("/home/parts")).map(({ name }) => name);
  assert.equal(names.length, 4);
  assert.equal(names[0], "q_20240501T090000_20240501T093000.part");
  const askedBefore = loki.asked.length;
  const merge = [...parallel, prefix, "--merge-parts"];
  const second = await cli(["query", ...wide, ...args, ...merge, "{}"], { files });
  assert.equal(loki.asked.length, askedBefore, "complete parts are not asked for again");
  const ones = (text: string): string[] => text.split("\n").sort();
  assert.deepEqual(ones(second.out), ones(`${crowd.map(({ line }) => line).join("\n")}\n`));
  assert.deepEqual(await files.list("/home/parts"), []);
});

const failures: readonly { name: string; reply: Reply; args?: string[]; err: RegExp }[] = [
  {
    name: "a parse error is underlined",
    reply: { status: 400, body: "parse error at line 1, col 9: syntax error: unexpected =" },
    args: ['{app="a"=}'],
    err: /^error: parse error at line 1, col 9: .*\n {2}\{app="a"=\}\n {10}\^\n$/,
  },
  { name: "401", reply: { status: 401, body: "no org id\n" }, err: /no org id\n {2}.*--org-id/ },
  { name: "404", reply: { status: 404, body: "page not found" }, err: /--addr \(LOKI_ADDR\)/ },
  {
    name: "429",
    reply: { status: 429, body: "too many" },
    err: /429 from .*: too many\n.*--retries/,
  },
  { name: "no JSON", reply: { body: "<html>" }, err: /did not answer JSON but "<html>"/ },
  {
    name: "odd JSON",
    reply: { body: { data: [] } },
    err: /not Loki's: data is \[\], not an object/,
  },
];

for (const { name, reply, args, err } of failures) {
  test(`failures say what to do: ${name}`, async () => {
    await using loki = await fakeLoki(() => reply);
    const run = await cli(["query", `--addr=${loki.url}`, ...(args ?? ["{}"])]);
    assert.equal(run.code, 1);
    assert.match(run.err, err);
  });
}

test("no server: the message says how to start one", async () => {
  let gone: FakeLoki | undefined;
  {
    await using loki = await fakeLoki(() => ({}));
    gone = loki;
  }
  const run = await cli(["query", `--addr=${gone.url}`, "{}"]);
  assert.equal(run.code, 1);
  assert.match(run.err, /cannot reach .*ECONNREFUSED.*\n.*skald serve/);
});

test("retries back off, and honour Retry-After", async () => {
  await using loki = await fakeLoki((_asked, count) => {
    if (count === 1) return { status: 503, body: "busy" };
    if (count === 2) return { status: 429, headers: { "Retry-After": "7" }, body: "slow" };
    return store(pair)(loki.asked[0]!);
  });
  const args = ["--retries=2", "--min-backoff=2", "-q", "-o", "raw"];
  const run = await cli(["query", ...wide, `--addr=${loki.url}`, ...args, "{}"]);
  assert.equal(run.code, 0, run.err);
  assert.equal(run.sleptMs.length, 2);
  assert.ok(run.sleptMs[0]! >= 1000 && run.sleptMs[0]! <= 2000, run.sleptMs.join());
  assert.equal(run.sleptMs[1], 7000);
});

const wrongLines: readonly { args: string[]; err: RegExp }[] = [
  { args: ["query"], err: /missing required argument 'query'/ },
  { args: ["query", "--limit=-1", "{}"], err: /whole number of at least 0/ },
  { args: ["query", "--from=yesterday", "{}"], err: /--from: "yesterday" is not a time/ },
  { args: ["query", "--from=now", "--to=now-1h", "{}"], err: /--from .* is after --to/ },
  { args: ["query", "--output=xml", "{}"], err: /one of default, raw, jsonl/ },
  { args: ["query", "-z", "Mars/Base", "{}"], err: /"Mars\/Base" is not a time zone/ },
  { args: ["query", "--addr=ftp://x", "{}"], err: /not an http or https address/ },
  { args: ["query", "--cert=a.pem", "{}"], err: /--cert: |--cert and --key/ },
  { args: ["query", "--cpuprofile=x", "{}"], err: /--cpuprofile is not supported: .*--cpu-prof/ },
  { args: ["query", "--store-config=x", "{}"], err: /--store-config is not supported/ },
  { args: ["query", "--username=a", "--bearer-token=b", "{}"], err: /give one of/ },
  { args: ["qurey", "{}"], err: /unknown command 'qurey'\n.*query/ },
];

for (const { args, err } of wrongLines) {
  test(`a wrong command line ends with 2: ${args.join(" ")}`, async () => {
    const run = await cli(args);
    assert.equal(run.code, 2, run.err);
    assert.match(run.err, err);
  });
}

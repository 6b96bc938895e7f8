import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compressSnappyBlock } from "#codec";
import { openLocalJournal } from "#journal";
import { seededRandom, SimulatedDisk, systemClock } from "#world";
import { parseMoment } from "./arguments.ts";
import { fakeLoki } from "./fake-loki.ts";
import { underline } from "./report-failure.ts";
import { isCliCommand } from "./command-line.ts";
import { cli, testNowNs } from "./test-io.ts";

const whose: readonly (readonly [args: readonly string[], isCli: boolean])[] = [
  [[], false],
  [["serve"], false],
  [["-config.file=x"], false],
  [["-target", "all"], false],
  [["--version"], false],
  [["-version"], false],
  [["-help"], false],
  [["-h"], true],
  [["--help"], true],
  [["help"], true],
  [["query", "{}"], true],
  [["nonsense"], true],
  [["--addr=http://x", "query", "{}"], true],
  [["--addr", "http://x", "-q", "labels"], true],
  [["--addr=http://x"], false],
];

for (const [args, isCli] of whose) {
  test(`"skald ${args.join(" ")}" is ${isCli ? "a command" : "the server"}`, () => {
    assert.equal(isCliCommand(args), isCli);
  });
}

const screenLines = 48;
const names = ["query", "instant-query", "tail", "push", "labels", "series", "stats", "volume"];
names.push("volume-range", "detected-fields", "fmt", "inspect", "connection", "exit-codes");
names.push("delete", "retention");

test("every help fits a screen, and every command's has an example", async () => {
  const overview = await cli(["help"]);
  for (const name of ["", ...names]) {
    const run = name === "" ? overview : await cli(["help", name]);
    assert.equal(run.code, 0, run.err);
    const lines = run.out.split("\n");
    assert.ok(lines.length <= screenLines, `${name} has ${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 100, `${name}: ${line}`);
    if (name !== "exit-codes") assert.match(run.out, /Examples/, name);
    if (name !== "") assert.ok(overview.out.includes(name), `the overview lacks ${name}`);
  }
});

interface Ask {
  readonly args: readonly string[];
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly answer: unknown;
  readonly out: string;
}

const since = "--since=1h";
const start = String(testNowNs - 3_600_000_000_000n);
const end = String(testNowNs);
const streams = [
  { app: "a", pod: "1" },
  { app: "a", pod: "2" },
];

const asks: readonly Ask[] = [
  {
    args: ["labels", since],
    path: "/loki/api/v1/labels",
    params: { start, end },
    answer: { status: "success", data: ["app", "pod"] },
    out: "app\npod\n",
  },
  {
    args: ["labels", "--query={}", "-o", "jsonl", "a/b"],
    path: "/loki/api/v1/label/a%2Fb/values",
    params: { start, end, query: "{}" },
    answer: { status: "success", data: ["x\ny"] },
    out: '"x\\ny"\n',
  },
  {
    args: ["series", '{app="a"}'],
    path: "/loki/api/v1/series",
    params: { start, end, match: '{app="a"}' },
    answer: { status: "success", data: streams },
    out: '{app="a", pod="1"}\n{app="a", pod="2"}\n',
  },
  {
    args: ["series", "--match={}", "--analyze-labels"],
    path: "/loki/api/v1/series",
    params: { start, end, match: "{}" },
    answer: { status: "success", data: streams },
    out:
      "Total Streams:  2\nUnique Labels:  2\n\n" +
      "Label Name  Unique Values  Found In Streams\n" +
      "pod         2              2\n" +
      "app         1              2\n",
  },
  {
    args: ["delete", "list"],
    path: "/loki/api/v1/delete",
    params: {},
    answer: [
      {
        request_id: "1f2e3d4c",
        start_time: 1714557600,
        end_time: 1714561200.5,
        query: '{app="a"}',
        status: "received",
        created_at: 1714561300,
        user_id: "",
      },
    ],
    out:
      "ID        STATUS    CREATED                   FROM                      " +
      "TO                        QUERY\n" +
      "1f2e3d4c  received  2024-05-01T11:01:40.000Z  2024-05-01T10:00:00.000Z  " +
      '2024-05-01T11:00:00.500Z  {app="a"}\n',
  },
  {
    args: ["retention", "plan", "--ahead=7d", "--only=t"],
    path: "/skald/api/v1/retention/plan",
    params: { ahead: "7d", tenant: "t" },
    answer: {
      now: "2024-05-01T10:00:00.000Z",
      until: "2024-05-08T10:00:00.000Z",
      dropped_bytes: 2048,
      items: [
        {
          tenant: "t",
          store: "filesystem /data",
          object: "v1/t/x.seg",
          stored_bytes: 2048,
          action: "drop",
          reason: "age",
          due: "2024-05-02T00:00:00.000Z",
        },
      ],
    },
    out:
      "DUE                       TENANT  ACTION  REASON  STORED   OBJECT\n" +
      "2024-05-02T00:00:00.000Z  t       drop    age     2.0 KiB  v1/t/x.seg\n" +
      "2.0 KiB would be dropped before 2024-05-08T10:00:00.000Z.\n",
  },
  {
    args: ["stats", "{}"],
    path: "/loki/api/v1/index/stats",
    params: { query: "{}", start, end },
    answer: { streams: 2, chunks: 3, bytes: 1536, entries: 40 },
    out: "{\n  bytes: 1.5 KiB\n  chunks: 3\n  streams: 2\n  entries: 40\n}\n",
  },
  {
    args: ["volume", "--targetLabels=app", "--target-labels", "pod", "{}"],
    path: "/loki/api/v1/index/volume",
    params: {
      query: "{}",
      start,
      end,
      limit: "30",
      aggregateBy: "series",
      targetLabels: "app,pod",
    },
    answer: { data: { resultType: "vector", result: [] } },
    out: "[]\n",
  },
  {
    args: ["volume_range", "--step=5m", "--aggregateByLabels"],
    path: "/loki/api/v1/index/volume_range",
    params: { query: "{}", start, end, limit: "30", aggregateBy: "labels", step: "300000ms" },
    answer: { data: { resultType: "matrix", result: [1] } },
    out: "[\n  1\n]\n",
  },
  {
    args: ["detected-fields", "{}"],
    path: "/loki/api/v1/detected_fields",
    params: { query: "{}", start, end, limit: "100", line_limit: "1000" },
    answer: { fields: [{ label: "status", type: "int", cardinality: 3, parsers: ["json"] }] },
    out: "label   type  cardinality  parsers\nstatus  int   3            json\n",
  },
  {
    args: ["instant-query", "--now=2024-05-01T10:00:00Z", "vector(1)"],
    path: "/loki/api/v1/query",
    params: { query: "vector(1)", time: "1714557600000000000", limit: "30", direction: "backward" },
    answer: { data: { resultType: "scalar", result: [1, "1"] } },
    out: '[\n  1,\n  "1"\n]\n',
  },
];

for (const { args, path, params, answer, out } of asks) {
  test(`skald ${args.join(" ")}`, async () => {
    await using loki = await fakeLoki(() => ({ body: answer }));
    const run = await cli([args[0]!, `--addr=${loki.url}`, ...args.slice(1)]);
    assert.equal(run.code, 0, run.err);
    assert.equal(run.out, out);
    assert.equal(loki.asked[0]!.path, path);
    assert.deepEqual(Object.fromEntries(loki.asked[0]!.params), params);
  });
}

test("a long query goes into a form, and its faults are underlined all the same", async () => {
  const query = `{app="a"} |= "${"x".repeat(7000)}"`;
  await using loki = await fakeLoki(() => ({
    status: 400,
    body: "parse error at line 1, col 2: syntax error",
  }));
  const run = await cli(["query", `--addr=${loki.url}`, query]);
  assert.equal(loki.asked[0]!.method, "POST");
  assert.equal(loki.asked[0]!.params.get("query"), query);
  assert.match(run.err, /\n {3}\^\n$/);
});

test("fmt prints an argument or standard input, and underlines faults", async () => {
  assert.equal((await cli(["fmt", '{a="b"}|="c"'])).out, '{a="b"} |= "c"\n');
  assert.equal((await cli(["fmt"], { stdin: ["{a=", '"b"}\n'] })).out, '{a="b"}\n');
  const wrong = await cli(["fmt", '{a="b"} | nonsense('], {});
  assert.equal(wrong.code, 1);
  assert.match(
    wrong.err,
    /^error: parse error at line 1, col \d+: .*\n {2}\{a="b"\} \| non.*\n +\^\n$/,
  );
});

const marks: readonly (readonly [query: string, place: string, lines: readonly string[]])[] = [
  ["{a}", "line 1, col 3", ["{a}", "  ^"]],
  ["{\n\ta}", "line 2, col 3", ["\ta}", "\t ^"]],
  ["{🙂}", "line 1, col 3", ["{🙂}", "  ^"]],
  ["{a", "line 1, col 9", ["{a", "   ^"]],
];

for (const [query, place, lines] of marks) {
  test(`${JSON.stringify(query)} at ${place} is marked`, () => {
    assert.deepEqual(underline(query, `parse error at ${place}: x`), lines);
  });
}

const moments: readonly (readonly [text: string, ns: bigint | undefined])[] = [
  ["now", testNowNs],
  ["now-1h", testNowNs - 3_600_000_000_000n],
  ["-90s", testNowNs - 90_000_000_000n],
  ["1d", testNowNs - 86_400_000_000_000n],
  ["1714557600", 1_714_557_600_000_000_000n],
  ["1714557600123456789", 1_714_557_600_123_456_789n],
  ["2024-05-01", 1_714_521_600_000_000_000n],
  ["2024-05-01T10:00:00.000000001Z", 1_714_557_600_000_000_001n],
  ["2024-05-01T12:00:00+02:00", 1_714_557_600_000_000_000n],
  ["tomorrow", undefined],
  ["2024-13-01", undefined],
  ["", undefined],
];

for (const [text, ns] of moments) {
  test(`the time ${JSON.stringify(text)}`, () => assert.equal(parseMoment(text, testNowNs), ns));
}

const source = dirname(dirname(fileURLToPath(import.meta.url)));
const golden = join(source, "segment", "testdata", "golden-1.seg");

test("inspect prints a sound segment, and ends with 1 for a damaged one", async () => {
  const bytes = readFileSync(golden);
  const files = new SimulatedDisk();
  await files.makeFolder("/home");
  await writeFile(files, "/home/good.seg", bytes);
  const bad = Buffer.from(bytes);
  bad[40]! ^= 1;
  await writeFile(files, "/home/bad.seg", bad);
  const good = await cli(["inspect", "good.seg"], { files });
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^segment good\.seg\n[\s\S]*all checksums match\n$/);
  const both = await cli(["inspect", "-q", "good.seg", "bad.seg"], { files });
  assert.equal(both.code, 1);
  assert.match(both.out, /bad\.seg/);
  const missing = await cli(["inspect", "none.seg"], { files });
  assert.equal(missing.code, 1);
});

test("inspect knows chunks of Loki by content, and compares them with the key in their path", async () => {
  const path = "fake/852af07b66acc10f/MTk0MWYyOTdjMDA6MTk0MWYyOTdjMDU6NzE4YzkyOTc=";
  const fixtures = join(dirname(source), "test", "fixtures", "loki-bucket");
  const bytes = readFileSync(join(fixtures, "tiny-none", "bucket", ...path.split("/")));
  const files = new SimulatedDisk();
  await files.makeFolder(`/home/${dirname(path)}`);
  await writeFile(files, "/home/chunk", bytes);
  const sound = await cli(["inspect", "chunk"], { files });
  assert.equal(sound.code, 0, sound.err);
  assert.match(sound.out, /^Loki chunk chunk\n[\s\S]*app="web"[\s\S]*all checksums match\n$/);
  const other = Buffer.from(bytes);
  other[other.length - 40]! ^= 1;
  await writeFile(files, `/home/${path}`, other);
  const damaged = await cli(["inspect", "-q", path], { files });
  assert.equal(damaged.code, 1);
  assert.match(damaged.out, /crc of the object 718c9297 expected/);
});

test("inspect names records and damage of a journal file, and leaves the file alone", async () => {
  const files = new SimulatedDisk();
  await files.makeFolder("/home");
  const options = { files, clock: systemClock, random: seededRandom(3), folder: "/home" };
  const journal = await openLocalJournal(options);
  for (let i = 0; i < 3; i++) await journal.append([pushRecord()], () => undefined);
  await journal.close();
  const name = "0000000001.journal";
  const sound = await cli(["inspect", name], { files });
  assert.equal(sound.code, 0, sound.out);
  assert.match(sound.out, /record 2: \d+ bytes, tenant t, 0 streams, 0 entries\n/);
  assert.match(sound.out, /3 whole records\nall checksums match\n$/);
  const bytes = await files.read(`/home/${name}`);
  const second = bytes.indexOf("SREC", bytes.indexOf("SREC") + 1);
  bytes[second + 34]! ^= 1;
  await writeFile(files, `/home/${name}`, bytes);
  const damaged = await cli(["inspect", name], { files });
  assert.equal(damaged.code, 1, damaged.out);
  assert.match(damaged.out, /CORRUPT \d+ bytes at byte \d+: record 2/);
  assert.match(damaged.out, /2 whole records/);
  assert.deepEqual(await files.read(`/home/${name}`), bytes);
});

/** Version, flags, tenant, no streams, an empty PushRequest. */
function pushRecord(): Buffer {
  return Buffer.concat([Buffer.from([1, 0, 1, 0x74, 0]), compressSnappyBlock(Buffer.alloc(0))]);
}

async function writeFile(files: SimulatedDisk, path: string, bytes: Buffer): Promise<void> {
  await using file = await files.open(path, { create: true, exclusive: false });
  await file.truncate(0);
  await file.write([bytes], 0);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Asked, fakeLoki, type Reply } from "./fake-loki.ts";
import { levelOf, terminalText } from "./level-colours.ts";
import { Labels } from "#model";
import { cli } from "./test-io.ts";

const second = 1_000_000_000n;
const at = (n: number): string => String(1_714_557_600n * second + BigInt(n) * second);
const entry = (n: number, level: string): object => ({
  timestamp: at(n),
  stream: { app: "a" },
  structuredMetadata: { level },
  parsed: {},
  line: `line ${n}`,
});

function server({ path }: Asked): Reply {
  if (path === "/loki/api/v1/query_range") {
    const values = [[at(5), "line 5", { structuredMetadata: { level: "error" } }]];
    return {
      body: { data: { resultType: "streams", result: [{ stream: { app: "a" }, values }] } },
    };
  }
  const data = { before: [entry(4, "info")], entry: entry(5, "error"), after: [entry(6, "info")] };
  return { body: { status: "success", data } };
}

test("context finds the newest match and prints its neighbours without the filters", async () => {
  await using loki = await fakeLoki(server);
  const args = ["context", `--addr=${loki.url}`, "-z", "UTC", "-C", "1"];
  const run = await cli([...args, '{app="a"} |= "line 5" | json']);
  assert.equal(run.code, 0, run.err);
  assert.deepEqual(run.out.split("\n"), [
    '  2024-05-01T10:00:04Z {level="info"}  line 4',
    '> 2024-05-01T10:00:05Z {level="error"} line 5',
    '  2024-05-01T10:00:06Z {level="info"}  line 6',
    "",
  ]);
  const [found, around] = loki.asked;
  assert.equal(found!.headers["x-loki-response-encoding-flags"], "categorize-labels");
  assert.equal(found!.params.get("limit"), "1");
  assert.equal(around!.params.get("query"), '{app="a"}');
  assert.equal(around!.params.get("line"), "line 5");
  assert.equal(around!.params.get("stream"), '{app="a"}');
  assert.equal(around!.params.get("before"), "1");
});

test("a line that a stage rewrites is found by its time and stream alone", async () => {
  await using loki = await fakeLoki(server);
  await cli(["context", `--addr=${loki.url}`, '{app="a"} | line_format "x"']);
  assert.equal(loki.asked[1]!.params.has("line"), false);
});

test("context says what to do when nothing is found, or when it is no log query", async () => {
  await using loki = await fakeLoki(() => ({
    body: { data: { resultType: "streams", result: [] } },
  }));
  const none = await cli(["context", `--addr=${loki.url}`, '{app="a"}']);
  assert.equal(none.code, 1);
  assert.match(none.err, /no entry is found\n.*--since=1d/);
  const metric = await cli(["context", 'rate({app="a"}[1m])']);
  assert.equal(metric.code, 2);
  const wrong = await cli(["context", "{app=}"]);
  assert.match(wrong.err, /\{app=\}\n {7}\^/);
});

const explanation = {
  query: 'rate({app="a"} |= "x"[5m])',
  kind: "metric",
  plan: { kind: "range", read: 0, fn: "rate" },
  reads: [
    {
      selector: '{app="a"}',
      startNs: at(0),
      endNs: at(60),
      aggregation: { fn: "rate", series: "without ()" },
      segmentsConsidered: 3,
      blocks: { read: 2, skipped: 7, answeredByFacts: 0, overlapping: 0, estimated: 0 },
      sources: ["head"],
      streams: 1,
      entries: 1000,
      bytesByColumn: { timestamps: 8000, lineLengths: 0, lines: 1_048_576 },
      metadata: [],
      skipTerms: [["x", "y"]],
      stages: [{ stage: '|= "x"', runs: "block", labelsRead: [] }],
      estimatedBytes: 1_056_576,
    },
  ],
  answerStages: [],
  warnings: [],
};

test("explain prints what is read, skipped and asked of filters", async () => {
  await using loki = await fakeLoki(() => ({ body: { status: "success", data: explanation } }));
  const args = ["explain", `--addr=${loki.url}`, "rate({app=`a`}[5m])"];
  const run = await cli(args);
  assert.equal(run.code, 0, run.err);
  assert.match(run.out, /^metric query {2}rate/);
  assert.match(run.out, /blocks +2 to read, 7 skipped by filters\n/);
  assert.match(run.out, /filters ask +"x" or "y"\n/);
  assert.match(run.out, /bytes +at most 1.0 MiB: times 7.8 KiB, lines 1.0 MiB\n/);
  const json = await cli([...args, "-o", "jsonl"]);
  assert.deepEqual(JSON.parse(json.out), explanation);
});

test("patterns come by their counts", async () => {
  const pattern = (text: string, counts: readonly number[]): object => ({
    pattern: text,
    level: "info",
    samples: counts.map((count, i) => [i, count]),
  });
  const data = [pattern("few <_>", [1, 1]), pattern("many <_>", [5, 9])];
  await using loki = await fakeLoki(() => ({ body: { status: "success", data } }));
  const run = await cli(["patterns", `--addr=${loki.url}`, '{app="a"}']);
  assert.match(run.out, /\n14 +info +\S+ +many <_>\n2 +info +\S+ +few <_>\n$/);
});

test("levels are told by their labels and their many names", () => {
  const level = (...pair: [string, string]): string => levelOf(Labels.of([pair]));
  assert.equal(level("detected_level", "Warning"), "warn");
  assert.equal(level("severity", "ERR"), "error");
  assert.equal(level("app", "x"), "unknown");
});

test("a terminal gets colours of a line, but no other control characters", () => {
  assert.equal(terminalText("plain\ttext ü"), "plain\ttext ü");
  assert.equal(terminalText("\u001b[31mred"), "\u001b[31mred\u001b[0m");
  assert.equal(
    terminalText("a\u001b]0;title\u0007b\rc\u009b2J"),
    "a\\x1b]0;title\\x07b\\x0dc\\x9b2J",
  );
});

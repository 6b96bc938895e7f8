import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decompressSnappyBlock, ProtoReader } from "#codec";
import { type Asked, fakeLoki } from "./fake-loki.ts";
import { lineBytesMax, LineSplitter } from "./push-lines.ts";
import { cli, testNowNs } from "./test-io.ts";

interface Pushed {
  readonly labels: string;
  readonly timeNs: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const bounds = { compressedBytesMax: 1 << 24, rawBytesMax: 1 << 26 };

function pushedBy({ body }: Asked): Pushed[] {
  const reader = new ProtoReader(decompressSnappyBlock(body, bounds));
  const pushed: Pushed[] = [];
  messages(reader, () => readStream(reader, pushed));
  return pushed;
}

/** Calls `onField` with the number of each field of the message in front of the reader. */
function messages(reader: ProtoReader, onField: (field: number) => void): void {
  const { end } = reader;
  while (reader.at < end) {
    const field = reader.tag("test") >> 3;
    if (field === 0) throw new Error("field 0");
    onField(field);
    reader.end = end;
  }
}

function nested(reader: ProtoReader, onField: (field: number) => void): void {
  const to = reader.span();
  reader.end = to;
  messages(reader, onField);
  assert.equal(reader.at, to);
}

function readStream(reader: ProtoReader, pushed: Pushed[]): void {
  let labels = "";
  nested(reader, (field) => {
    if (field === 1) {
      labels = reader.text();
      return;
    }
    let [seconds, nanos, line] = [0, 0, ""];
    const metadata: Record<string, string> = {};
    nested(reader, (part) => {
      if (part === 2) line = reader.text();
      else if (part === 1) {
        nested(reader, (half) => {
          if (half === 1) seconds = reader.varint();
          else nanos = reader.varint();
        });
      } else {
        const texts: string[] = [];
        nested(reader, () => texts.push(reader.text()));
        metadata[texts[0]!] = texts[1]!;
      }
    });
    pushed.push({
      labels,
      timeNs: BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
      line,
      metadata,
    });
  });
}

const accepted = { status: 204 };

test("standard input becomes entries of one stream, each with its own timestamp", async () => {
  await using loki = await fakeLoki(() => accepted);
  const stdin = ["one\ntw", "o\n\nsame\nsa", "me\nlast"];
  const run = await cli(["push", `--addr=${loki.url}`, "--tenant=team"], { stdin });
  assert.equal(run.code, 0, run.err);
  assert.match(run.err, /^pushed 6 lines, 18 B in /);
  const [asked] = loki.asked;
  assert.equal(asked!.path, "/loki/api/v1/push");
  assert.equal(asked!.headers["content-type"], "application/x-protobuf");
  assert.equal(asked!.headers["x-scope-orgid"], "team");
  const pushed = pushedBy(asked!);
  assert.deepEqual(
    pushed.map(({ line }) => line),
    ["one", "two", "", "same", "same", "last"],
  );
  assert.deepEqual(
    pushed.map(({ timeNs }) => timeNs - testNowNs),
    [0n, 1n, 2n, 3n, 4n, 5n],
  );
  assert.deepEqual(new Set(pushed.map(({ labels }) => labels)), new Set(['{job="skald-push"}']));
});

test("files are named by a label, unless one is given", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skald-cli-"));
  try {
    writeFileSync(join(folder, "a.log"), "a\n");
    writeFileSync(join(folder, "b.log"), "b");
    await using loki = await fakeLoki(() => accepted);
    const args = ["push", `--addr=${loki.url}`, "-q", "--label", "env=prod", "-l", "job=x"];
    const run = await cli([...args, "a.log", "b.log"], { folder });
    assert.deepEqual([run.code, run.err], [0, ""]);
    const labels = loki.asked.flatMap((one) => pushedBy(one)).map((entry) => entry.labels);
    assert.deepEqual(labels.sort(), [
      '{env="prod", filename="a.log", job="x"}',
      '{env="prod", filename="b.log", job="x"}',
    ]);
    const missing = await cli([...args, "c.log"], { folder });
    assert.equal(missing.code, 1);
    assert.match(missing.err, /cannot read c.log: ENOENT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("--label is added to lines that have labels, and wins over theirs", async () => {
  await using loki = await fakeLoki(() => ({ status: 204 }));
  const stdin = [
    `{"labels":{"app":"a","env":"dev"},"line":"one","timestamp":"1"}\n`,
    `{"line":"two","timestamp":"2"}\n`,
  ];
  const args = ["push", `--addr=${loki.url}`, "--format=jsonl", "-q"];
  await cli([...args, "--label=env=prod", "--label=team=x"], { stdin });
  await cli(args, { stdin });
  const pushed = loki.asked.flatMap(pushedBy).map(({ labels, line }) => `${line} ${labels}`);
  assert.deepEqual(pushed, [
    'one {app="a", env="prod", team="x"}',
    'two {env="prod", job="skald-push", team="x"}',
    'one {app="a", env="dev"}',
    'two {job="skald-push"}',
  ]);
});

test("what query -o jsonl prints comes back with its labels, times and metadata", async () => {
  await using loki = await fakeLoki(() => accepted);
  const first = {
    labels: { app: "a", detected_level: "info", trace: "t" },
    line: "x\n",
    timestamp: "2024-05-01T12:00:00.123456789+02:00",
  };
  const stdin = [
    `${JSON.stringify(first)}\n\n`,
    '{"line":"no labels","timestamp":"1714557600000000001","structuredMetadata":{"k":"v"}}\n',
  ];
  const run = await cli(["push", `--addr=${loki.url}`, "--format=jsonl"], { stdin });
  assert.equal(run.code, 0, run.err);
  assert.deepEqual(pushedBy(loki.asked[0]!), [
    {
      labels: '{app="a", trace="t"}',
      timeNs: 1_714_557_600_123_456_789n,
      line: "x\n",
      metadata: { detected_level: "info" },
    },
    {
      labels: '{job="skald-push"}',
      timeNs: 1_714_557_600_000_000_001n,
      line: "no labels",
      metadata: { k: "v" },
    },
  ]);
});

test("a line that is no entry is named", async () => {
  await using loki = await fakeLoki(() => accepted);
  const args = ["push", `--addr=${loki.url}`, "--format=jsonl", "-q"];
  for (const [line, err] of [
    ["nonsense", /standard input: line 2: it is not JSON/],
    ['{"line":1}', /line 2: .*line is 1, not a string/],
    ['{"line":"x","timestamp":"soon"}', /line 2: timestamp: /],
  ] as const) {
    const run = await cli(args, { stdin: [`{"line":"ok"}\n${line}\n`] });
    assert.equal(run.code, 1);
    assert.match(run.err, err);
  }
});

test("batches hold a mebibyte; a refused one is named and the others go on", async () => {
  await using loki = await fakeLoki((_asked, count) =>
    count === 2 ? { status: 400, body: "total ignored: 1 out of 2" } : accepted,
  );
  const line = `${"x".repeat(99_976)}\n`;
  const run = await cli(["push", `--addr=${loki.url}`], { stdin: [line.repeat(35)] });
  assert.equal(loki.asked.length, 4);
  assert.equal(run.code, 1);
  assert.match(run.err, /^standard input, lines \d+ to \d+: 400: total ignored: 1 out of 2\n/);
  assert.match(run.err, /error: 1 batch was refused, in part or in whole\n$/);
});

test("429 and 5xx are sent again, after what the server asks for", async () => {
  await using loki = await fakeLoki((_asked, count) => {
    if (count === 1) return { status: 429, headers: { "Retry-After": "3" }, body: "slow" };
    return count === 2 ? { status: 500, body: "oops" } : accepted;
  });
  const run = await cli(["push", `--addr=${loki.url}`], { stdin: ["a\n"] });
  assert.equal(run.code, 0, run.err);
  assert.equal(loki.asked.length, 3);
  assert.equal(run.sleptMs[0], 3000);
  assert.match(run.err, /^sending again after 429: slow\nsending again after 500: oops\npushed 1 /);
});

test("what every batch would get ends the push", async () => {
  await using loki = await fakeLoki(() => ({ status: 401, body: "no org id" }));
  const run = await cli(["push", `--addr=${loki.url}`, "-q"], { stdin: ["a\n"] });
  assert.equal(run.code, 1);
  assert.match(run.err, /^error: 401 .*no org id\n.*--org-id/);
});

test("a wrong label ends with 2", async () => {
  const run = await cli(["push", "--label", "env"], { stdin: [] });
  assert.deepEqual([run.code, run.err], [2, 'error: --label: "env" is not name=value\n']);
});

test("a line may be as long as the limit, not longer", () => {
  const seen: number[] = [];
  const onLine = (_bytes: Buffer, from: number, to: number): void => {
    seen.push(to - from);
  };
  const splitter = new LineSplitter("pipe");
  splitter.take(Buffer.alloc(lineBytesMax, "x"), onLine);
  splitter.take(Buffer.from("\nx"), onLine);
  assert.deepEqual(seen, [lineBytesMax]);
  assert.throws(() => splitter.take(Buffer.alloc(lineBytesMax, "x"), onLine), {
    message: "pipe: line 2 is longer than 16 MiB",
  });
});

test("what stays unavailable is given up after the retries, and named", async () => {
  await using loki = await fakeLoki(() => ({ status: 503, body: "full" }));
  const args = ["push", `--addr=${loki.url}`, "--retries=2", "--max-backoff=3"];
  const run = await cli(args, { stdin: ["a\nb\n"] });
  assert.equal(loki.asked.length, 3);
  assert.equal(run.code, 1);
  assert.match(run.err, /standard input, lines 1 to 2: 503: full\n/);
});

test("a limited server gets everything, one batch after the other", async () => {
  await using loki = await fakeLoki((_asked, count) =>
    count % 3 === 0 ? accepted : { status: 429, body: "rate" },
  );
  const line = `${"x".repeat(99_976)}\n`;
  const run = await cli(["push", `--addr=${loki.url}`], { stdin: [line.repeat(95)] });
  assert.equal(run.code, 0, run.err);
  assert.equal(run.err.split("sending again").length, 2, "the limit is told once");
  assert.match(run.err, /pushed 95 lines/);
  assert.equal(loki.asked.length, 3 * Math.ceil(95 / 11));
});

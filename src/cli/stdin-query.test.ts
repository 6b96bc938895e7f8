import assert from "node:assert/strict";
import { test } from "node:test";
import { timeOfLine } from "./line-time.ts";
import { cli } from "./test-io.ts";

const lines = [
  "2024-05-01T10:00:00Z level=info msg=start took=5ms\n",
  "2024-05-01T10:00:30Z level=error msg=failed took=900ms\n",
  "  at line 3\n",
  "2024-05-01T10:01:10Z level=info msg=end took=20ms\n",
];

const claims: readonly { args: readonly string[]; out: string }[] = [
  { args: ['|= "failed"', "-o", "raw"], out: lines[1]! },
  { args: ['{any="thing"} |= "at line"', "-o", "raw"], out: lines[2]! },
  { args: ['!= "level"', "-o", "raw"], out: lines[2]! },
  { args: ["", "-o", "raw", "--limit=2"], out: lines.slice(0, 2).join("") },
  { args: ["| logfmt | took > 10ms", "--no-labels", "-o", "raw"], out: lines[1]! + lines[3]! },
  { args: ["| logfmt | sort by took desc | limit 1", "-o", "raw"], out: lines[1]! },
  { args: ["", "-o", "raw", "--from=2024-05-01T10:01:00Z"], out: lines[3]! },
  {
    args: [
      "sum by (level) (count_over_time({} | logfmt | level!=`` [1m]))",
      "--step=1m",
      "--timezone=UTC",
      "--output=table",
    ],
    out: [
      "time                  level  value",
      "2024-05-01T10:00:00Z  info   1",
      "2024-05-01T10:01:00Z  error  1",
      "2024-05-01T10:02:00Z  info   1",
      "",
    ].join("\n"),
  },
];

for (const { args, out } of claims) {
  test(`query --stdin ${args.join(" ")}`, async () => {
    const run = await cli(["query", "--stdin", ...args], { stdin: lines });
    assert.deepEqual({ out: run.out, code: run.code }, { out, code: 0 }, run.err);
  });
}

test("the flag may stand before the command, as LogCLI's users have it", async () => {
  const run = await cli(["--stdin", "query", '|= "end"', "-o", "raw"], { stdin: lines });
  assert.equal(run.out, lines[3]);
});

test("equal lines of one time all come", async () => {
  const stdin = ["2024-05-01T10:00:00Z same\n".repeat(3), "a\na\nb\na\n"];
  const run = await cli(["query", "--stdin", "-o", "raw", ""], { stdin });
  assert.equal(run.out, stdin.join(""));
});

test("batches of a long pipe lose nothing and keep the order", async () => {
  const line = (i: number): string => `line ${i} ${"x".repeat(200)}`;
  const stdin = Array.from({ length: 60 }, (_, part) => {
    return Array.from({ length: 1000 }, (_unused, i) => `${line(part * 1000 + i)}\n`).join("");
  });
  const run = await cli(["query", "--stdin", "-o", "raw", '|~ "^line [0-9]*7 "'], { stdin });
  const want = Array.from({ length: 6000 }, (_, i) => `${line(i * 10 + 7)}\n`).join("");
  assert.ok(run.out === want, `${run.out.length} characters, not ${want.length}; ${run.err}`);
});

test("entries of jsonl bring labels and times, and are selected by them", async () => {
  const entry = (app: string): string =>
    `{"labels":{"app":"${app}"},"line":"of ${app}","timestamp":"2024-05-01T10:00:00Z"}\n`;
  const args = ["query", "--stdin", "--stdin-format=jsonl", "-o", "raw"];
  const stdin = [entry("a"), entry("b")];
  assert.equal((await cli([...args, '{app="b"}'], { stdin })).out, "of b\n");
  const bare = await cli([...args, "| json"], { stdin });
  assert.equal(bare.code, 2);
  assert.match(bare.err, /a selector is needed/);
  const wrong = await cli([...args, '{app="b"}'], { stdin: ["{}\n"] });
  assert.match(wrong.err, /standard input: line 1: .*line/);
});

test("an instant query is as of the last line", async () => {
  const args = [
    "instant-query",
    "--stdin",
    "sum(count_over_time({}[1m]))",
    "-o",
    "table",
    "--timezone=UTC",
  ];
  const run = await cli(args, { stdin: lines });
  assert.match(run.out, /10:01:10Z {2}3\n$/, run.err);
});

const times: readonly (readonly [line: string, iso: string | undefined])[] = [
  ["2024-05-01T10:00:00.123456789Z x", "2024-05-01T10:00:00.123Z"],
  ["[2024-05-01 10:00:00,250] x", "2024-05-01T10:00:00.250Z"],
  ["2024/05/01 10:00:00 x", "2024-05-01T10:00:00.000Z"],
  ["2024-05-01T10:00:00+02:00 x", "2024-05-01T08:00:00.000Z"],
  ['1.2.3.4 - - [01/May/2024:10:00:00 -0130] "GET /"', "2024-05-01T11:30:00.000Z"],
  ['{"msg":"x","ts":1714557600.5}', "2024-05-01T10:00:00.500Z"],
  ['{"time":1714557600250,"msg":"x"}', "2024-05-01T10:00:00.250Z"],
  ["ts=1714557600 msg=x", "2024-05-01T10:00:00.000Z"],
  ["2024-13-01T10:00:00Z", undefined],
  ["2024-05-01T25:00:00Z", undefined],
  ["no time in 1714557600 here", undefined],
];

for (const [line, iso] of times) {
  test(`the time of ${line}`, () => {
    const found = timeOfLine(line);
    const ms = found === undefined ? undefined : new Date(Number(found / 1_000_000n));
    assert.equal(ms?.toISOString(), iso);
  });
}

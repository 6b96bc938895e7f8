/** What stands in log lines: the parsers of queries, patterns, detected fields. */
import assert from "node:assert/strict";
import { fieldTypeOf } from "../../src/discovery/field-type.ts";
import { jsonPathsOf } from "../../src/discovery/json-paths.ts";
import { readLineFields } from "../../src/discovery/line-fields.ts";
import { Labels } from "#model";
import { readFields } from "#pipeline";
import { Drain } from "../../src/patterns/drain.ts";
import { LineTokens } from "../../src/patterns/line-tokens.ts";
import { blockOf, runStages } from "../../src/pipeline/testing-block.ts";
import { texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";

/** The lines of one input; the newline between them is in a line now and then. */
function linesOf(input: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; lines.length < 8; ) {
    const at = lines.length === 7 ? -1 : input.indexOf("\n", from);
    lines.push(input.subarray(from, at < 0 ? input.length : at));
    if (at < 0) break;
    from = at + 1;
  }
  return lines;
}

const stages = {
  json: ["| json", '| json a="b", c="d[0].e", f="[\\"g\\"]"', "| json | a=`x` or b>1 or c<2kb"],
  logfmt: ["| logfmt", "| logfmt --strict --keep-empty", '| logfmt a, b="c" | b!~"x.*"'],
  other: [
    "| unpack",
    '| pattern "<a> <_> - <b>:<c>"',
    '| regexp "(?P<a>\\\\w+)[ =](?P<b>.*)"',
    "| decolorize | drop a, b=`c` | keep app",
    '|= ip("10.0.0.0/8")',
    "|> `<_>a<_>b<_>`",
    "| line_format `{{ __line__ | trunc 9 }}{{ .a }}` | label_format x=`{{ .a }}`, y=a",
    'sum_over_time({app="shop"} | logfmt | unwrap duration(a) [1m])',
    'sum_over_time({app="shop"} | json | unwrap bytes(b) | __error__="" [1m])',
  ],
} as const;

const wanted = ["a", "c"];

/** Every stage reads every line; few labels are those of all labels. */
function run(kind: keyof typeof stages): (input: Buffer) => void {
  return (input) => {
    const entries = linesOf(input).map((line) => ({ line, metadata: { a: "meta" } }));
    const block = blockOf(entries);
    for (const text of stages[kind]) {
      const all = runStages(text, block, (row) => {
        assert.ok(row.lineBytes().length >= 0);
        for (const [name, value] of row.labels().pairs) {
          assert.ok(typeof name === "string" && typeof value === "string");
        }
        return wanted.map((name) => row.label(name));
      });
      const options = { labelsWanted: wanted, lineWanted: "no" } as const;
      const few = runStages(text, block, (row) => wanted.map((name) => row.label(name)), options);
      if (!text.includes("=`") && !text.includes("unwrap")) assert.deepEqual(few, all, text);
    }
  };
}

const sink = { add: () => undefined, addOther: () => undefined };

function discover(input: Buffer): void {
  const lines = linesOf(input);
  const strings = lines.map(String);
  const fields = readLineFields(Labels.from({ app: "a" }), strings);
  assert.equal(fields.length, lines.length);
  for (const { pairs } of fields) for (const [, value] of pairs) fieldTypeOf(value);
  for (const line of strings) jsonPathsOf(line);
  const block = blockOf(lines.map((line) => ({ line })));
  readFields(block.lines!, block.ref.facts, sink);
}

function learn(input: Buffer): void {
  const [tokens, drain] = [new LineTokens(), new Drain({ clustersMax: 5 })];
  for (const line of linesOf(input)) {
    tokens.read(line, 0, line.length);
    const cluster = drain.train(tokens, line, 0);
    drain.addLines(cluster, 1, 1);
    // As a pattern of LogQL, a template matches every line it was counted for.
    assert.equal(typeof cluster.text(), "string");
  }
  for (const cluster of drain.clusters()) drain.takeCounts(cluster, 0, 9);
}

const jsonLines = texts(
  '{"a":"x","b":{"c":1.5e3,"d":[1,{"e":null}]},"":"","a":"again","1x":true}',
  '{"_entry":"inner","a":"b"}\n{"a":"\\ud83e\\udd8a\\u0000\\uD800"}\n[1]\n"s"\n{"a":1}x',
  `${'{"a":'.repeat(200)}1`,
);
const jsonWords = [
  '{"',
  '":',
  "[",
  "]",
  "}",
  ",",
  "\\u",
  "\\ud800",
  "null",
  "1e999",
  "-",
  '"_entry"',
];

export const lineTargets: readonly FuzzTarget[] = [
  { name: "lines-json", seeds: jsonLines, words: jsonWords, run: run("json") },
  {
    name: "lines-logfmt",
    seeds: texts(
      'a=x b="y \\" z" c= =d e="unclosed\na=1 a=2 é=ü "quoted=key"=v\n\u0000=\u0001',
      'level=info a=1h5m b=10MiB c="\\u00e9\\xff"',
    ),
    words: ["=", '"', " ", '\\"', "\\u00", "\n", "==", '=""'],
    run: run("logfmt"),
  },
  {
    name: "lines-other-parsers",
    seeds: [
      ...texts(
        "10.1.2.3 GET - /path:80 \u001b[31mred\u001b[0m a=5s b=1kb",
        '{"_entry":"a=1","x":"y"}\na b - c:d\n::1 fe80::1%eth0 999.1.1.1',
      ),
      Buffer.from("\u00ff\u00fe a=\u00c3\n\x1b[", "latin1"),
    ],
    words: ["\u001b[", "m", "10.0.0.", "::", " - ", ":", '{"_entry":"'],
    run: run("other"),
  },
  {
    name: "lines-discovery",
    seeds: [...jsonLines, ...texts("a=1 b=2.5 c=5s d=10MB e=true", "plain words")],
    words: jsonWords,
    run: discover,
  },
  {
    name: "lines-patterns",
    seeds: texts(
      "GET /a/1 took 5ms\nGET /a/2 took 6ms\nuser=bob id=17 <_> it's\n\tat x.y(Z.java:5)",
      `${"word ".repeat(80)}end`,
    ),
    words: ["<_>", "<", "=", '"', "x".repeat(70), ":", "\t", "é"],
    run: learn,
  },
];

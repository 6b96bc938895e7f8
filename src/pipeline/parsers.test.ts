import assert from "node:assert/strict";
import { test } from "node:test";
import { blockOf, labelWords, runStages, type TestEntry } from "./testing-block.ts";

/** [claim, stages, line, labels beyond the stream's] */
type Claim = readonly [claim: string, stages: string, line: string, labels: string];

const objectProblem = "Value looks like object, but can't find closing '}' symbol";

const jsonClaims: Claim[] = [
  ["nested keys are joined", "| json", `{"a":{"b":{"c":1}},"d":"x"}`, "a_b_c=1 d=x"],
  ["arrays and null give nothing", "| json", `{"a":[1,{"b":2}],"n":null,"s":""}`, "s="],
  [
    "numbers keep their text",
    "| json",
    `{"a":1.50,"b":1e3,"c":01,"d":-0,"t":true}`,
    "a=1.50 b=1e3 c=01 d=-0 t=true",
  ],
  ["keys become names", "| json", `{"1a":1,"b c":2,"":3,"д":4}`, "_=4 _1a=1 b_c=2"],
  ["the first of equal keys wins", "| json", `{"a":1,"a":2,"b.c":3,"b_c":4}`, "a=1 b_c=3"],
  ["an empty key below contributes nothing", "| json", `{"a":{"":{"":"x"}}}`, "a=x"],
  ["escapes are decoded", "| json", `{"a":"\\u00e9\\ud83d\\ude00\\n\\/"}`, "a=é😀\n/"],
  ["bad escapes give an empty value", "| json", `{"a":"\\x41","b":"\\ud800","c":1}`, "a= b= c=1"],
  ["escaped keys are decoded", "| json", `{"e\\u0073c":1}`, "esc=1"],
  ["text behind the object is ignored", "| json", ` {"a":1} {"b":`, "a=1"],
  ["a comma may be last", "| json", `{"a":1,}`, "a=1"],
  ["a stream label is not overwritten", "| json", `{"app":"x"}`, "app_extracted=x"],
  [
    "what was read before an error stays",
    "| json",
    `{"a":1,"b"`,
    "__error__=JSONParserErr __error_details__=Malformed JSON error a=1",
  ],
  [
    "nothing of an unclosed object stays",
    "| json",
    `{"a":1,"b":{"c":2`,
    `__error__=JSONParserErr __error_details__=${objectProblem} a=1`,
  ],
  [
    "text is no object",
    "| json",
    "plain",
    `__error__=JSONParserErr __error_details__=${objectProblem}`,
  ],
  [
    "a second parser does not overwrite",
    `| json | regexp "(?P<a>\\\\d)"`,
    `{"b":2,"a":1}`,
    "a=1 b=2",
  ],
  [
    "paths reach into arrays",
    `| json x="a[1].b", y="a[0]"`,
    `{"a":[{"c":1},{"b":"q"}]}`,
    `x=q y={"c":1}`,
  ],
  ["quoted steps", `| json x="[\\"a.b\\"]"`, `{"a.b":"v"}`, "x=v"],
  ["a missing path is an empty label", `| json x="a.b"`, `{"a":1}`, "x="],
  ["broken JSON elsewhere does not matter", `| json x="a"`, `{"b":tru,"a":1`, "x=1"],
  ["the last of equal parameters wins", `| json x="a", x="b"`, `{"a":1,"b":2}`, "x=2"],
  ["paths want JSON", `| json x="a"`, "plain", "__error__=JSONParserErr"],
  ["an empty line has no paths", `| json x="a"`, "", ""],
];

const logfmtClaims: Claim[] = [
  ["pairs", "| logfmt", `a=1 b="x y" c`, "a=1 b=x y"],
  ["empty values give nothing", "| logfmt", `a= b="" c d=1`, "d=1"],
  ["unless they are kept", "| logfmt --keep-empty", `a= b="" c`, "a= b= c="],
  ["escapes", "| logfmt", `a="\\"q\\" \\u00e9\\t"`, `a="q" é\t`],
  ["the first of equal keys wins", "| logfmt", "a=1 a=2", "a=1"],
  ["malformed pairs are skipped", "| logfmt", `=v a=b=c d="\\x" e=x"y f=1`, "f=1"],
  [
    "strict stops at one",
    "| logfmt --strict",
    "a=1 b==2 c=3",
    "__error__=LogfmtParserErr __error_details__=logfmt syntax error at pos 7 : unexpected '=' a=1",
  ],
  ["parameters take the last", `| logfmt x="a", y`, "a=1 a=2 b=3", "x=2 y="],
  ["control characters part pairs", "| logfmt", "a=1\u0001b=2", "a=1 b=2"],
];

const otherClaims: Claim[] = [
  ["pattern", `| pattern "<a> <_> [<b>]"`, "x y [z] tail", "a=x b=z"],
  ["a missing literal ends a pattern", `| pattern "<a> - <b> + <c>"`, "x - y", "a=x b=y"],
  ["a pattern starts at the start", `| pattern "x <a>"`, " x y", ""],
  ["regexp", `| regexp "(?P<a>\\\\d+)(?P<b>x)?"`, "q 12 ", "a=12 b="],
  ["no match adds nothing", `| regexp "(?P<a>\\\\d+)"`, "q", ""],
  ["label_format renames", "| logfmt | label_format b=a", "a=1", "b=1"],
  ["a rename takes its source away", "| logfmt | label_format b=a, c=a", "a=1", "b=1"],
  ["a rename to itself removes", "| logfmt | label_format a=a", "a=1", ""],
  [
    "templates see the labels from before",
    `| logfmt | label_format a="{{.b}}", b="{{.a}}"`,
    "a=1 b=2",
    "a=2 b=1",
  ],
  ["drop by condition", `| logfmt | drop a="1", b="x"`, "a=1 b=2", "b=2"],
  ["keep by condition", `| logfmt | keep a="2", b`, "a=1 b=2 c=3", "b=2"],
  [
    "keep leaves errors",
    "| json | keep a",
    "x",
    `__error__=JSONParserErr __error_details__=${objectProblem}`,
  ],
  ["drop of the error takes the details", "| json | drop __error__", "x", ""],
  [
    "a value that does not convert",
    "| logfmt | a > 1",
    "a=x",
    `__error__=LabelFilterErr __error_details__=strconv.ParseFloat: parsing "x": invalid syntax a=x`,
  ],
];

for (const [claim, stages, line, labels] of [...jsonClaims, ...logfmtClaims, ...otherClaims]) {
  test(`${stages}: ${claim}`, () => {
    assert.deepEqual(runStages(stages, blockOf([{ line }]), labelWords), [labels]);
  });
}

const filterClaims: [stages: string, line: string, passes: boolean][] = [
  [`| logfmt | a="1"`, "a=1", true],
  [`| logfmt | a=""`, "b=1", true],
  [`| logfmt | a=~"1|2"`, "a=2", true],
  ["| logfmt | a > 1", "b=1", false],
  ["| logfmt | a != 1", "b=1", false],
  ["| logfmt | a >= 1.5", "a=1.50", true],
  ["| logfmt | a == 1000", "a=1e3", true],
  ["| logfmt | a < 1m", "a=59.9s", true],
  ["| logfmt | a = 1500ms", "a=1.5s", true],
  ["| logfmt | a > 4KB", `a="5 kb"`, true],
  [`| logfmt | a="1" and b="2" or c="3"`, "c=3", true],
  [`| logfmt | a="1" and (b="2" or c="3")`, "c=3", false],
  ["| logfmt | b > 1 | a > 1", "a=0 b=x", true],
  ["| logfmt | a > 1 and b > 1", "a=0 b=x", false],
  [`| logfmt | a=ip("10.0.0.0/8")`, "a=10.1.2.3", true],
  [`| logfmt | a!=ip("10.0.0.0/8")`, "b=10.1.2.3", false],
  [`| json | __error__=""`, "x", false],
  [`| json | a="503"`, `{"a":"\\u00350\\u0033"}`, true],
  [`| json | a="503"`, `{"a":503,"b":1}`, true],
  [`| line_format "x={{.app}}" | logfmt | x="shop"`, "q", true],
  [`|= ip("10.0.0.0/8")`, "a10.1.2.3:80", true],
  [`|= ip("10.0.0.0/8")`, "10.1.2.3.4", false],
  [`|= ip("2001:db8::/32")`, "from [2001:db8::1]", true],
  [`|> "a<_>c"`, "xabc", true],
  [`|> "a<_>c"`, "xabcd", false],
  [`|> ""`, "", false],
  [`!= ""`, "x", false],
  [`!~ ""`, "x", false],
];

for (const [stages, line, passes] of filterClaims) {
  test(`${stages} ${passes ? "keeps" : "drops"} ${line}`, () => {
    assert.equal(runStages(stages, blockOf([{ line }]), () => 1).length, passes ? 1 : 0);
  });
}

const lineClaims: [stages: string, line: string, want: string][] = [
  [`| json | line_format "{{.a}} {{__line__}}"`, `{"a":"é"}`, `é {"a":"é"}`],
  [`| line_format "{{ div 1 0 }}"`, "as it was", "as it was"],
  ["| decolorize", "\u001b[1;31mred\u001b[0m é \u009b2Kx", "red é x"],
  ["| unpack", `{"a":"1","_entry":"first","_entry":"l \\"x\\""}`, `l "x"`],
  ["| unpack", `{"a":"1"}`, `{"a":"1"}`],
];

for (const [stages, line, want] of lineClaims) {
  test(`${stages} makes ${want}`, () => {
    const rows = runStages(stages, blockOf([{ line }]), (row) => ({
      line: row.line(),
      bytes: row.lineBytes().toString(),
      length: row.lineByteLength(),
    }));
    assert.deepEqual(rows, [{ line: want, bytes: want, length: Buffer.byteLength(want) }]);
  });
}

test("metadata comes before the stream, is renamed beside it, and hides nothing parsed", () => {
  const stream = { app: "shop", x: "s" };
  const entries: TestEntry[] = [
    { line: "x=1 y=2 m=3", metadata: { x: "mx", m: "mm" }, stream },
    { line: "x=1 y=2 m=3", metadata: { m: "mm" }, stream },
    { line: "x=1 y=2 m=3", stream },
  ];
  const want = [
    "m=mm m_extracted=3 x_extracted=1 y=2",
    "m=mm m_extracted=3 x_extracted=1 y=2",
    "m=3 x_extracted=1 y=2",
  ];
  assert.deepEqual(runStages("| logfmt", blockOf(entries), labelWords), want);
  const kept = runStages(`| m="mm"`, blockOf(entries), (row) => row.index);
  assert.deepEqual(kept, [0, 1]);
});

test("categories are told apart", () => {
  const entry = { line: "a=1", metadata: { m: "x", n: "y" } };
  const stages = `| logfmt | label_format k=m, app="new" | drop n`;
  const rows = runStages(stages, blockOf([entry]), (row) => [
    row.streamLabels().toString(),
    row.structuredMetadata(),
    row.parsedLabels(),
  ]);
  const parsed = [
    ["a", "1"],
    ["app", "new"],
    ["k", "x"],
  ];
  assert.deepEqual(rows, [["{}", [], parsed]]);
});

test("rows with the same labels share one object", () => {
  const entries = ["a=1", "a=2", "a=1"].map((line) => ({ line, metadata: { m: "x" } }));
  const [first, second, third] = runStages("| logfmt", blockOf(entries), (row) => row.labels());
  assert.equal(first, third);
  assert.notEqual(first, second);
  const [plain, same] = runStages("", blockOf(entries), (row) => row.labels());
  assert.equal(plain, same);
});

import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compileTemplate, TemplateError, type TemplateScope } from "#gotemplate";

const seed = 20_260_110;

const sample: Readonly<Record<string, string>> = {
  app: "shop",
  empty: "",
  item: "fig",
  json: '{"a":{"b":[1,2.5,"x",null,true]},"n":5}',
  level: "error",
  price: "41.48",
  qty: "6",
};

function scopeOf(labels: Readonly<Record<string, string>>, line = "GET /x 200"): TemplateScope {
  return {
    label: (name) => (Object.hasOwn(labels, name) ? labels[name] : undefined),
    labels: () => Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)),
    line: () => line,
    timestampNs: () => 1_768_003_200_285_670_026n,
    nowNs: () => 1_768_010_400_000_000_000n,
  };
}

function render(text: string): string {
  return compileTemplate(text, { name: "line" }).execute(scopeOf(sample));
}

function expectAll(cases: readonly (readonly [string, string])[]): void {
  for (const [text, want] of cases) assert.equal(render(text), want, text);
}

function failure(text: string): string {
  try {
    render(text);
  } catch (error) {
    assert.ok(error instanceof TemplateError, text);
    return error.message;
  }
  return assert.fail(`${text} should have failed`);
}

function expectFailures(cases: readonly (readonly [string, string])[]): void {
  for (const [text, want] of cases) assert.equal(failure(text), `template: line:${want}`, text);
}

test("actions, trim markers, comments", () => {
  expectAll([
    ["", ""],
    ["plain }} text", "plain }} text"],
    ["{{.item}}", "fig"],
    ["<{{ .nosuch }}>", "<>"],
    ["a  {{- .item -}}  b", "afigb"],
    ["a {{/* {{.item}} */}} b", "a  b"],
    ["a {{- /* c */ -}} b", "ab"],
    ["{{- 3}}", "3"],
    ["{{ -3 }}", "-3"],
    ["{{.item\n|\nupper}}", "FIG"],
    ["{{`raw }} text`}}", "raw }} text"],
    ['{{"\\u00e9\\x41\\101\\n"}}', "éAA\n"],
    ["{{'a'}} {{'\\n'}}", "97 10"],
    [
      "{{.}}",
      `map[${Object.entries(sample)
        .map(([key, value]) => `${key}:${value}`)
        .join(" ")}]`,
    ],
  ]);
});

test("if, with, range and their relatives", () => {
  expectAll([
    ["{{if .item}}y{{else}}n{{end}}{{if .empty}}y{{else}}n{{end}}", "yn"],
    ['{{if eq .item "x"}}1{{else if eq .item "fig"}}2{{else}}3{{end}}', "2"],
    ["{{with .item}}<{{.}}>{{else}}none{{end}}", "<fig>"],
    ["{{with .nosuch}}a{{else with .level}}{{.}}{{end}}", "error"],
    ["{{with $x := 5}}{{$x}}{{end}}", "5"],
    ['{{range fromJson "[1,2,3]"}}{{.}};{{end}}', "1;2;3;"],
    ['{{range $i, $e := fromJson "[7,8]"}}{{$i}}={{$e}} {{end}}', "0=7 1=8 "],
    [
      '{{range $k, $v := fromJson "{\\"b\\":1,\\"a\\":null}"}}{{$k}}={{$v}} {{end}}',
      "a=<no value> b=1 ",
    ],
    ['{{range fromJson "[]"}}x{{else}}empty{{end}}', "empty"],
    ["{{range 3}}{{.}}{{end}}{{range 0}}x{{else}}none{{end}}", "012none"],
    [
      "{{range $i := 4}}{{if eq . 1}}{{continue}}{{end}}{{if gt . 2}}{{break}}{{end}}{{$i}}{{end}}",
      "02",
    ],
    ['{{range fromJson "[[1,2],[3]]"}}{{range .}}{{.}}{{break}}{{end}}{{end}}', "13"],
    ["{{$n := 0}}{{range 4}}{{$n = add $n .}}{{end}}{{$n}}", "6"],
    ['{{$e := 0}}{{range $e = fromJson "[5,6]"}}{{end}}{{$e}}', "6"],
    ["{{range $k, $v := .}}{{if eq $v $.item}}{{$k}}{{end}}{{end}}", "item"],
    ['{{define "T"}}[{{.item}}]{{end}}{{template "T" .}}{{template "T"}}', "[fig][<no value>]"],
    ['{{block "B" .level}}<{{.}}>{{end}}', "<error>"],
    [
      '{{define "r"}}{{if gt . 0}}{{.}}{{template "r" (sub . 1)}}{{end}}{{end}}{{template "r" 3}}',
      "321",
    ],
  ]);
});

test("pipelines, variables, chains and short circuits", () => {
  expectAll([
    ['{{.item | upper | printf "%s-%s" .level}}', "error-FIG"],
    ["{{(fromJson .json).a.b}}", "[1 2.5 x <nil> true]"],
    ["{{$j := fromJson .json}}{{$j.n}} {{$j.nosuch}}", "5 <no value>"],
    ["{{$x := .item}}{{$x = .level}}{{$x}} {{$.item}}", "error fig"],
    ["{{or .nosuch .item (div 1 0)}} {{and .nosuch (div 1 0)}}|", "fig |"],
    ["{{and 1 2 | or 0}} {{not 0}} {{not .item}}", "2 true false"],
    ['{{len .}} {{len .item}} {{len "é"}}', "7 3 2"],
    ['{{index . "item"}} {{index "abc" 1}} {{slice .item 1}} {{slice .item 0 2}}', "fig 98 ig fi"],
    [
      '{{html "<a&\'b\'>"}} {{js "it\'s <b>"}} {{urlquery "a b&c"}}',
      "&lt;a&amp;&#39;b&#39;&gt; it\\'s \\u003Cb\\u003E a+b%26c",
    ],
  ]);
});

test("a template that does not parse is refused in Go's words", () => {
  expectFailures(
    [
      ["{{.x", "1: unclosed action"],
      ["{{.x\n", "2: unclosed action started at line:1"],
      ["{{ }}", "1: missing value for command"],
      ["{{if}}x{{end}}", "1: missing value for if"],
      ["{{range .x}}", "1: unexpected EOF"],
      ["{{end}}", "1: unexpected {{end}}"],
      ["{{else}}", "1: unexpected {{else}}"],
      ["{{if 1}}{{else}}{{else}}{{end}}", "1: expected end; found {{else}}"],
      ["a\n{{nosuch 1}}", '2: function "nosuch" not defined'],
      ["{{$x}}", '1: undefined variable "$x"'],
      ["{{1 + 2}}", '1: illegal number syntax: "+"'],
      ["{{12x}}", '1: bad number syntax: "12x"'],
      ["{{99999999999999999999}}", '1: integer overflow: "99999999999999999999"'],
      ['{{"abc}}', "1: unterminated quoted string"],
      ["{{`abc}}", "1: unterminated raw quoted string"],
      ["{{'a}}", "1: unterminated character constant"],
      ["{{/* x}}", "1: unclosed comment"],
      ["{{/* x */ }}", "1: comment ends before closing delimiter"],
      ["{{(.x}}", "1: unclosed left paren"],
      ["{{.x)}}", "1: unexpected right paren"],
      ["{{.x | 5}}", "1: non executable command in pipeline stage 2"],
      ["{{break}}", "1: {{break}} outside {{range}}"],
      ["{{.a.}}", "1: unexpected <.> in operand"],
      ["{{1.a}}", '1: bad number syntax: "1.a"'],
      ['{{"a".b}}', '1: unexpected . after term "\\"a\\""'],
      ["{{a-b}}", "1: bad character U+002D '-'"],
      ["{{template x}}", '1: unexpected "x" in template clause'],
      [
        '{{define "a"}}1{{end}}{{define "a"}}2{{end}}',
        '1: template: multiple definition of template "a"',
      ],
      ["{{range $a, $b, $c := .}}{{end}}", "1: too many declarations in range"],
      ["{{.x = 5}}", '1: unexpected "=" in operand'],
      ["{{\u00a7}}", "1: unrecognized character in action: U+00A7 '\u00a7'"],
    ].map(([text = "", want = ""]) => [text, want] as const),
  );
});

test("a template that fails while running says where and why", () => {
  const at = (column: number, node: string, why: string): string =>
    `1:${column}: executing "line" at <${node}>: ${why}`;
  expectFailures(
    [
      ["{{.a.b.c}}", at(4, ".a.b.c", "can't evaluate field b in type string")],
      ["{{upper}}", at(2, "upper", "wrong number of args for upper: want 1 got 0")],
      ["{{upper 5}}", at(8, "5", "expected string; found 5")],
      ["{{substr .qty 2 .item}}", at(9, ".qty", "wrong type for value; expected int; got string")],
      ['{{upper (fromJson "null")}}', at(18, '"null"', "invalid value; expected string")],
      ["{{upper nil}}", at(8, "nil", "cannot assign nil to string")],
      ["{{nil}}", at(2, "nil", "nil is not a command")],
      ["{{div 1 0}}", at(2, "div 1 0", "error calling div: runtime error: integer divide by zero")],
      [
        "{{eq 1 1.0}}",
        at(2, "eq 1 1.0", "error calling eq: incompatible types for comparison: int and float64"),
      ],
      [
        "{{lt true false}}",
        at(2, "lt true false", "error calling lt: invalid type for comparison"),
      ],
      ["{{index .item 9}}", at(2, "index .item 9", "error calling index: index out of range: 9")],
      [
        "{{call .item}}",
        at(2, "call .item", "error calling call: non-function .item of type string"),
      ],
      [
        '{{template "x"}}',
        at(11, 'template "x"', 'template "x" not defined')
          .replace("<template", "<{{template")
          .replace('"x">', '"x"}}>'),
      ],
      ["{{range .item}}{{end}}", at(8, ".item", "range can't iterate over fig")],
      ['{{.item "x"}}', at(2, ".item", "item is not a method but has arguments")],
      ["{{1 2}}", at(2, "1", "can't give argument to non-function 1")],
      [
        "é{{div 1 0}}",
        at(4, "div 1 0", "error calling div: runtime error: integer divide by zero"),
      ],
      ["{{(fromJson .json).x.y}}", at(12, ".json", "nil pointer evaluating interface {}.y")],
      [
        '{{regexReplaceAll "(" .item ""}}',
        at(
          2,
          'regexReplaceAll "(" .item ""',
          "error calling regexReplaceAll: error parsing regexp: missing closing ): `(`",
        ),
      ],
    ]
      .filter(([, want]) => want !== "SKIP")
      .map(([text = "", want = ""]) => [text, want] as const),
  );
});

test("what a template reads is known before it runs", () => {
  const read = (text: string): unknown => {
    const { labelsRead, readsLine } = compileTemplate(text, { name: "line" });
    return [labelsRead === undefined ? "all" : [...labelsRead].sort().join(), readsLine];
  };
  assert.deepEqual(read("{{.a}} {{.b | upper}} {{if .c}}{{$.d}}{{end}}"), ["a,b,c,d", false]);
  assert.deepEqual(read("{{__line__}}"), ["", true]);
  assert.deepEqual(read("{{.}}"), ["all", false]);
  assert.deepEqual(read("{{range $k, $v := .}}{{end}}"), ["all", false]);
  assert.deepEqual(read("{{$}}"), ["all", false]);
  assert.deepEqual(read("{{with .a}}{{.}}{{end}}{{range fromJson .b}}{{.}}{{end}}"), [
    "a,b",
    false,
  ]);
  assert.deepEqual(read('{{define "T"}}{{.x}}{{end}}{{template "T" .}}'), ["x", false]);
});

test("a runaway template ends with an error", () => {
  const runaways = [
    '{{define "r"}}{{template "r"}}{{end}}{{template "r"}}',
    "{{range 100000000}}{{end}}",
    '{{range 1000000}}{{repeat 1000 "x"}}{{end}}',
    '{{repeat 999999999 "x"}}',
    '{{range 9}}{{printf "%999999d" 1}}{{end}}',
    "{{range 1000}}{{range 1000}}{{range 1000}}{{end}}{{end}}{{end}}",
    `${"{{if 1}}".repeat(10_000)}${"{{end}}".repeat(10_000)}`,
    `{{${"(".repeat(10_000)}1${")".repeat(10_000)}}}`,
    '{{$x := "aaaaaaaaaa"}}{{range 100}}{{$x = print $x $x}}{{end}}',
  ];
  for (const text of runaways) failure(text);
});

test("only TemplateError ever comes out", () => {
  const words = [
    "{{ }} {{- -}} if else end range with define template block break . .item .json $ $x := =",
    ", ( ) nil true 1 -2 1.5 'a' \"s\" `r` upper substr trunc repeat replace regexReplaceAll count",
    "add divf round date toDate now unixToTime fromJson index slice len printf print eq lt and or",
    "not default int bytes b64dec urldecode __timestamp__ .Year .Format /* */ %d \ud800 é |",
  ];
  const pieces = fc.constantFrom(...words.join(" ").split(" "), " ");
  const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
  const actions = fc.array(pieces, { maxLength: 6 }).map((parts) => `{{${parts.join(" ")}}}`);
  const property = fc.property(fc.oneof(texts, actions, fc.string()), (text) => {
    try {
      render(text);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
  });
  fc.assert(property, { seed, numRuns: 4000 });
});

/** What people write in queries and rules: LogQL, matchers, expressions, templates, notations. */
import assert from "node:assert/strict";
import {
  formatGoTime,
  GoParseError,
  loadGoZone,
  parseGoDuration,
  parseGoDurationSeconds,
  parseGoFloat,
  parseGoInt,
  parseGoTime,
  parseHumanBytes,
  parseRfc3339Nano,
  quoteGoString,
  utcZone,
} from "#gofmt";
import { compileDocumentTemplate, compileTemplate, TemplateError } from "#gotemplate";
import {
  compileIpMatcher,
  formatQuery,
  ParseError,
  parseBytes,
  parseDuration,
  parseJsonPath,
  parseLabelPairs,
  parseLabels,
  parseLogfmtKey,
  parseLogSelector,
  parsePattern,
  parseQuery,
  parseRangeDuration,
  PatternError,
  printExpr,
} from "#logql";
import { compilePipeline } from "#pipeline";
import { compileRegex, RegexSyntaxError } from "#regex";
import { parseRuleDuration, printRuleDuration } from "#ruler";
import { checkTemplate } from "../../src/ruler/alert-template.ts";
import { isClass, isRefusal, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { splitParts } from "./parts.ts";

const queries = texts(
  '{app="a", b=~"x.*", c!="", d!~"y"} |= "x" != `y` |~ "z" | json a="b.c[0]" | logfmt --strict | x>5kb and y!="1" or z<=1m',
  'sum by (a,b) (rate({a="b"} | pattern "<_> <c>" | unwrap duration(c) [5m] offset 1h)) / on(a) group_left(b) topk(3, count_over_time({c="d"}[1m])) > bool 2',
  '{a="b"} | line_format "{{.x}}" | label_format a=b,c="{{.d}}" | decolorize | drop a, b="c" | keep d | regexp "(?P<e>.*)"',
  'label_replace(vector(1), "a", "$1", "b", "(.*)") unless ignoring(x) quantile_over_time(0.9, {a="b"} | unwrap x [1m]) by (z)',
  '{a="b"} |> "<_>x<_>" !> `y` |= ip("10.0.0.0/8") | x = ip("::1-::5") | unpack # comment\n| __error__=""',
  '-1.5e3 ^ 2 % 0x1F + Inf - (1 == bool 2) or vector(0x1p-2) and absent_over_time({a="b"}[1d1h1s])',
  'variants(count_over_time({a="b"}[1m]), bytes_rate({a="b"}[1m])) of ({a="b"}[1m])',
  `${"(".repeat(120)}1${")".repeat(120)}`,
  `{a="b"}${" | json".repeat(40)}`,
);
const queryWords = [
  "(",
  ")",
  "{",
  "}",
  "|",
  '"',
  "`",
  "[5m]",
  "[1ns]",
  " by ",
  " without()",
  "rate(",
  "-",
  "or ",
  "offset ",
  "|=",
  "!~",
  "unwrap ",
  "bool ",
  "ip(",
  "#",
  "\\x",
  "1e999",
];

const scope = {
  label: (name: string) => (name === "a" ? "x" : undefined),
  labels: () => [["a", "x"]] as const,
  line: () => "a line",
  timestampNs: () => 0n,
  nowNs: () => 0n,
};

function readQuery(bytes: Buffer): void {
  const text = bytes.toString();
  mayThrow(isClass(ParseError), () => {
    const expr = parseQuery(text);
    const printed = printExpr(expr);
    assert.equal(printExpr(parseQuery(printed)), printed, printed);
    assert.equal(printExpr(parseQuery(formatQuery(expr))), printed, "formatted");
    if (expr.kind !== "log") return;
    const options = { labelsWanted: "all", unwrap: undefined, nowNs: () => 0n } as const;
    mayThrow(isRefusal, () => compilePipeline(expr, options));
  });
}

function readRegex(bytes: Buffer): void {
  const [pattern, text = "", template = "$1"] = splitParts(bytes, 3).map(String);
  for (const anchored of [false, true]) {
    mayThrow(isClass(RegexSyntaxError), () => {
      const regex = compileRegex(pattern!, { anchored });
      regex.test("a".repeat(2_000));
      regex.find("xb ".repeat(500));
      assert.equal(regex.find(text) !== undefined, regex.test(text), "find and test");
      const replaced = text.slice(0, replacedLengthMax);
      regex.replaceAll(replaced, template.slice(0, replacedLengthMax), { literal: false });
    });
  }
}

/** Template and text are both the fuzzer's: their product is what comes out. */
const replacedLengthMax = 500;

const notation = isClass(GoParseError);

/** All notations read the same text: each refuses most of it at once. */
function readNotations(bytes: Buffer): void {
  const [text = "", layout = ""] = splitParts(bytes, 2).map((part) => part.toString());
  const goNotations = [
    parseHumanBytes,
    parseGoDuration,
    parseGoDurationSeconds,
    parseGoFloat,
    parseRfc3339Nano,
  ];
  for (const parse of goNotations) mayThrow(notation, () => parse(text));
  for (const base of [0, 10] as const) mayThrow(notation, () => parseGoInt(text, { base }));
  for (const parse of [parseDuration, parseBytes, parseRangeDuration]) parse(text);
  const durationMs = parseRuleDuration(text);
  if (durationMs !== undefined) {
    assert.equal(parseRuleDuration(printRuleDuration(durationMs)), durationMs, text);
  }
  const zone = loadGoZone(text) ?? utcZone;
  zone.offsetSecondsAt(0);
  const moment = mayThrow(notation, () => parseGoTime(text, { layout, zone }));
  formatGoTime(moment ?? { ns: 0n, zone }, layout);
  quoteGoString(text, { asciiOnly: true });
}

function readPaths(bytes: Buffer): void {
  const text = bytes.toString();
  const refused = isClass(PatternError, ParseError);
  const own: readonly (() => unknown)[] = [
    () => parseJsonPath(text),
    () => parseLogfmtKey(text),
    () => parsePattern(text, { mode: "capture" }),
    () => parsePattern(text, { mode: "filter" }),
    () => compileIpMatcher(text)("10.1.2.3"),
    () => compileIpMatcher("10.0.0.0/8")(text),
  ];
  for (const read of own) mayThrow(refused, read);
}

function runTemplate(bytes: Buffer): void {
  const text = bytes.toString();
  mayThrow(isClass(TemplateError), () => compileTemplate(text, { name: "line" }).execute(scope));
  const options = { name: "fuzzed", functions: {} };
  mayThrow(isClass(TemplateError), () => compileDocumentTemplate(text, options));
  mayThrow(isClass(TemplateError), () => checkTemplate(text, "an alert"));
}

export const languageTargets: readonly FuzzTarget[] = [
  { name: "logql", seeds: queries, words: queryWords, run: readQuery },
  {
    name: "matchers",
    seeds: texts(
      '{app="a", b=~"x.*", c!="", d!~"y"}',
      '{a="\\u00e9\\x00", b=`c`}',
      '{"quoted name"="x", a="\\377"}',
    ),
    words: queryWords,
    run: (bytes) => {
      const text = bytes.toString();
      for (const read of [parseLabels, parseLabelPairs, parseLogSelector]) {
        mayThrow(isRefusal, () => read(text));
      }
    },
  },
  {
    name: "regex",
    seeds: texts(
      "(a+)+$|(?i:b{2,5})[^c-e\\d]\\p{Greek}",
      "(?P<x>a|b)*?\\bq.{0,30}",
      "(x+x+)+y",
      "(a|aa)*#part#aaaaaaaaaaaaaaaaaaaaaaaaaaab",
      "((a{0,99}){0,9}){0,1}",
      "[\\pL\\x{10FFFF}[:^alpha:]]|\\C|\\Q.*\\E(?-s).",
      `${"(".repeat(300)}a${")".repeat(300)}`,
    ),
    words: [
      "(?:",
      ")*",
      "{1000}",
      "[[:alpha:]]",
      "\\pL",
      "|",
      "(?s)",
      "\\Q",
      "{2,}",
      "#part#",
      "(?i)",
    ],
    run: readRegex,
  },
  {
    name: "template",
    seeds: texts(
      '{{ if eq .a "x" }}{{ range $i, $x := . }}{{ $i }}{{ end }}{{ else }}{{ printf "%5d" 3 | upper }}{{ end }}',
      '{{ define "t" }}{{ .b | trunc 3 | repeat 9 }}{{ end }}{{ template "t" . }}{{ __line__ | replace "a" "b" }}',
      '{{ with $x := fromJson "[1,{\\"a\\":2}]" }}{{ index $x 1 }}{{ end }}{{ regexReplaceAll "(a)" .a "${1}" }}{{ date "2006-01-02" now }}{{ b64dec "AAE=" }}',
      '{{- /* c */ -}}{{ printf "%-010.3f %q %x %v" 1e3 "x" 255 .a }}{{ substr 0 99999 .a }}{{ alignLeft 5 .a }}{{ unixToTime "1" }}',
      '{{ int "0x1F" | add 3 }}{{ float64 "1e3" }}',
      "{{ '\\u00e9' }}{{ 'x' }}",
      '{{ index (split "," "a,b") "_1" }}{{ divf 1 3 }}',
    ),
    words: [
      "{{",
      "}}",
      "end",
      "range",
      "break",
      "repeat 999999999 ",
      'printf "%999999d"',
      "|",
      "$x",
      "( ",
      "mul 9223372036854775807 ",
      "div 0 ",
      "indent 99999999 ",
    ],
    run: runTemplate,
  },
  {
    name: "notations",
    seeds: texts(
      "1.5h3m2s1ms",
      "-0x1.8p-1074",
      "12_345",
      "3.5 MiB",
      "2026-01-10T00:00:01.999999999+23:59",
      "Europe/Berlin",
      "Mon, 02 Jan 2006 15:04:05 MST#part#Mon, 02 Jan 2006 15:04:05 MST",
      "10 de 2026 .000 PM -0700#part#02 de 2006 .999 PM Z07:00 __2 002 Jan",
      "1w2d",
      "9223372036854775807ns",
    ),
    words: ["#part#", "1e999", "-", "Inf", "NaN", "µs", "Z07:00", "Jan", ".999999999", "+9999:99"],
    run: readNotations,
  },
  {
    name: "paths-and-patterns",
    seeds: texts(
      'a.b["c d"][0].e',
      '"key with \\" quote"',
      '<ip> - <_> [<ts>] "<method> <path>"',
      "<_>level=<_>",
      "10.0.0.0/8",
      "192.168.0.1-192.168.0.255",
      "2001:db8::/32",
      "::ffff:10.0.0.1",
    ),
    words: ["<_>", "<a>", "[", "]", '"', ".", "/33", "::", "-", "99999999999"],
    run: readPaths,
  },
];

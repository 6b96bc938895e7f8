import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import { ParseError } from "./parse-error.ts";
import { parseLogSelector, parseQuery } from "./parse-query.ts";
import { printExpr } from "./print.ts";
import { nestingMax, queryLengthMax } from "./token-stream.ts";

const at = (line: number, column: number, rest: string) =>
  `parse error at line ${line}, col ${column}: ${rest}`;
const unexpected = (line: number, column: number, rest: string) =>
  at(line, column, `syntax error: unexpected ${rest}`);

const refused: readonly (readonly [query: string, message: string])[] = [
  ["", "parse error : syntax error: unexpected $end"],
  ["  ", unexpected(1, 3, "$end")],
  ["\n", unexpected(2, 1, "$end")],
  ["{", unexpected(1, 2, "$end, expecting IDENTIFIER or }")],
  ['{"a"="b"}', unexpected(1, 2, "STRING, expecting IDENTIFIER or }")],
  ["{a", unexpected(1, 3, "$end, expecting = or =~ or !~ or !=")],
  ["{a>", unexpected(1, 3, ">, expecting = or =~ or !~ or !=")],
  ["{a>=", unexpected(0, 3, ">=, expecting = or =~ or !~ or !=")],
  ['{a="b" c', unexpected(1, 8, "IDENTIFIER, expecting } or ,")],
  ['{a="b",}', unexpected(1, 8, "}, expecting IDENTIFIER")],
  ['{offset="b"}', unexpected(1, 2, "offset, expecting IDENTIFIER or }")],
  ['{é="ж"} | x y', unexpected(1, 13, "IDENTIFIER")],
  ['{a="b"} |= "c" or d', unexpected(1, 19, "IDENTIFIER, expecting STRING or ip")],
  ['{a="b"} | logfmt | unwrap c', unexpected(1, 20, "unwrap")],
  ['{a="b"} | label_format c', unexpected(1, 25, "$end, expecting =")],
  ['{a="b"} | c="d" or | json', unexpected(1, 20, "|, expecting IDENTIFIER or (")],
  ['{a="b"} | c>-d', unexpected(1, 14, "IDENTIFIER, expecting NUMBER")],
  ['{a="b"} | c=ip(5)', unexpected(1, 16, "NUMBER, expecting STRING")],
  ['rate({a="b"}[5m] [5m])', unexpected(0, 18, "RANGE, expecting )")],
  ['rate({a="b"}[5m] | json c d)', unexpected(1, 27, "IDENTIFIER, expecting )")],
  ['rate(({a="b"}))', unexpected(1, 15, "), expecting RANGE")],
  ["rate((5))", unexpected(1, 7, "NUMBER, expecting { or (")],
  ["rate(1, 5)", unexpected(1, 9, "NUMBER, expecting { or (")],
  ['rate({a="b"} | unwrap c d', unexpected(1, 25, "IDENTIFIER, expecting RANGE or |")],
  ['sum(rate({a="b"}[5m])', unexpected(1, 22, "$end")],
  ["sum by (a,) (vector(1))", unexpected(1, 11, "), expecting IDENTIFIER")],
  ["vector(1) + on", unexpected(1, 15, "$end, expecting (")],
  ['label_replace(vector(1), "a" "b"', unexpected(1, 30, "STRING, expecting ,")],
  ["1 +\n\n  *", unexpected(3, 3, "*")],
  ["sum", unexpected(1, 1, "IDENTIFIER")],
  ["sum #\n (1)", unexpected(1, 1, "IDENTIFIER")],
  ['{a="\\q"}', at(1, 4, "invalid char escape")],
  ['{a="x', at(1, 4, "literal not terminated")],
  ["{a='xy'}", at(1, 4, "invalid char literal")],
  ['{a="b"} | c > 0B', at(1, 15, "binary literal has no digits")],
  ['rate({a="b"}[1h', at(0, 13, "missing closing ']' in duration")],
  ['rate({a="b"}[1m1h])', at(0, 13, 'not a valid duration string: "1m1h"')],
  ['rate({a="b"}[1q])', at(0, 13, 'unknown unit "q" in duration "1q"')],
  ["vector(1) and 2", setOperand("right", "and", "2.000000")],
  ["3 unless vector(1)", setOperand("left", "unless", "3.000000")],
  ['{a="b"} | json - 1', operand("left", "-", "PipelineExpr")],
  ['1 * {a="b"}', operand("right", "*", "MatchersExpr")],
  ["bottomk(0, vector(1))", "parse error : invalid parameter (must be greater than 0) bottomk(0"],
  ["topk(1e1, vector(1))", "parse error : invalid parameter topk(1e1,"],
  ["avg(2, vector(1))", "parse error : unsupported parameter for operation avg(2,"],
  ["sum(topk(vector(1)))", "parse error : parameter required for operation topk"],
  ['rate(2, {a="b"}[1m])', "parse error : parameter 2 not supported for operation rate"],
  [
    'bytes_rate({a="b"}[1m]) by (c)',
    "parse error : grouping not allowed for bytes_rate aggregation",
  ],
  ['{a=~"("}', "parse error : error parsing regexp: missing closing ): `(`"],
  [
    '{a="b"} |~ "("',
    "parse error : stage '|~ \"(\"' : error parsing regexp: missing closing ): `(`",
  ],
  ['{a="b"} | json c="["', jsonPath("[", "unexpected $end, expecting STRING or INDEX")],
  ['{a="b"} | c=ip("d")', 'parse error : stage \'| c=ip("d")\' : ip: invalid pattern: "d"'],
];

function operand(side: string, op: string, type: string): string {
  const what = `unexpected type for ${side} leg of binary operation`;
  return `parse error : ${what} (${op}): *syntax.${type}`;
}

function setOperand(side: string, op: string, value: string): string {
  const what = `unexpected literal for ${side} leg of logical/set binary operation`;
  return `parse error : ${what} (${op}): ${value}`;
}

function jsonPath(path: string, what: string): string {
  const stage = `stage '| json c="${path}"' : cannot parse expression [${path}]`;
  return `parse error : ${stage}: syntax error: ${what}`;
}

for (const [query, message] of refused) {
  test(`refuses ${JSON.stringify(query)}`, () => {
    assert.throws(
      () => parseQuery(query),
      (error) => {
        assert.ok(error instanceof ParseError);
        assert.equal(error.message, message);
        assert.equal(error.status, 400);
        return true;
      },
    );
  });
}

const understood: readonly (readonly [query: string, printed: string])[] = [
  ["1 + 2 * 3 ^ 2 ^ 0.5", String(1 + 2 * 3 ** (2 ** 0.5))],
  ["10 - 4 - 3", "3"],
  ["-2 ^ 2", "4"],
  ["3 > 2 > 1", "0"],
  ["7 % -4", "3"],
  ["1_000 * .5", "500"],
  ["vector(1) or vector(2) and vector(3)", or("vector(1.000000)", and("2", "3"))],
  ["SUM BY (Job) (RATE({a=`b`}[90s])) # why", 'sum by (Job)(rate({a="b"}[1m30s]))'],
  ["sum(vector(1)) by ()", "sum(vector(1.000000))"],
  ['rate({a="b"}[1m] |= "c" | json)', 'rate({a="b"} |= "c" | json[1m])'],
  ['rate((({a="b"}) [1m]))', 'rate({a="b"}[1m])'],
  ['count_over_time({a="b"}[1m] offset -1h30m)', 'count_over_time({a="b"}[1m] offset -1h30m0s)'],
  ['{a="b"} | c="d" e=1 or f>2 and g!=3', '{a="b"} | ( ( c="d" , e==1 ) or ( f>2 , g!=3 ) )'],
  ['{a="b"} | c > 1KiB, d <= 20MB', '{a="b"} | ( c>1024B , d<=20MB )'],
  ['{a="b"} | ip="x" | duration=`y`', '{a="b"} | ip="x" | duration="y"'],
  ['{a="b"} != "x" | drop c != "y"', '{a="b"} != "x" | drop c!="y"'],
  ['{a="\\x41\\u00e9\\101\\xc3\\xa9"}', '{a="AéAé"}'],
];

function and(left: string, right: string): string {
  return `(vector(${left}.000000) and vector(${right}.000000))`;
}

function or(left: string, right: string): string {
  return `(${left} or ${right})`;
}

for (const [query, printed] of understood) {
  test(`reads ${query} as ${printed}`, () => assert.equal(printExpr(parseQuery(query)), printed));
}

test("a selector needs a matcher that refuses the empty value, unless told otherwise", () => {
  for (const query of [
    "{}",
    '{a=""}',
    '{a!="b"}',
    '{a=~".*"}',
    '{a=~"b|"}',
    'rate({a!~"b"}[1m])',
  ]) {
    assert.throws(() => parseQuery(query), /queries require at least one/);
    parseQuery(query, { requireMatcher: false });
  }
  for (const query of ['{a!=""}', '{a=~".+"}', '{a="",b="c"}', '{a!~""}']) parseQuery(query);
});

test("a log selector is matchers and nothing else", () => {
  const [matcher] = parseLogSelector('{a=~"b|c"}').matchers;
  assert.deepEqual(["b", "c", "bc", ""].map(matcher!.test), [true, true, false, false]);
  for (const query of ['{a="b"} |= "c"', 'rate({a="b"}[1m])', "1"]) {
    assert.throws(
      () => parseLogSelector(query),
      new RequestError(400, "only label matchers are supported"),
    );
  }
});

test("a query may be as long as the limit and no longer", () => {
  const padding = queryLengthMax - '{a="b"}'.length;
  parseQuery(`{a="b"}${" ".repeat(padding)}`);
  const tooLong = `{a="b"}${" ".repeat(padding + 1)}`;
  assert.throws(() => parseQuery(tooLong), /input size too long \(131073 > 131072\)/);
});

test("a query may nest as deep as the limit and no deeper, whatever nests", () => {
  const nested = (depth: number) => `${"(".repeat(depth - 1)}1${")".repeat(depth - 1)}`;
  parseQuery(nested(nestingMax));
  assert.throws(() => parseQuery(nested(nestingMax + 1)), /nested deeper than 500 levels/);
  const deep = [
    "(".repeat(10_000),
    `vector(1)${"+vector(1)".repeat(10_000)}`,
    `vector(1)${"^vector(1)".repeat(10_000)}`,
    "sum(".repeat(10_000),
    `rate(${"(".repeat(10_000)}`,
    `{a="b"} | ${"(".repeat(10_000)}`,
    `{a="b"} | c=1${" or c=1".repeat(10_000)}`,
    `{a="b"} | c=1${" c=1".repeat(10_000)}`,
  ];
  for (const query of deep) assert.throws(() => parseQuery(query), ParseError);
});

test("a long query of nothing but repetition is read or refused at once", () => {
  const started = performance.now();
  for (const piece of ["1.1", "-1.", "(", "sum ", "<a>", "'", "[", "5m", "/*", "0_", '\\"']) {
    const text = piece.repeat(Math.floor(queryLengthMax / piece.length) - 100);
    for (const query of [text, `{a="b"} | pattern \`${text}\``, `rate({a="b"}[${text}])`]) {
      assert.throws(() => parseQuery(query), ParseError);
    }
  }
  assert.ok(performance.now() - started < 4_000);
});

const words = `{ } ( ) [ ] , | = < > + - * / % ^ # ' " \` \\ . é 😀 \0 |= !~ by or and json logfmt
  unwrap ip( rate( sum( [5m] topk( 5 1h 5KB 0x1F a "b" {a="b"} offset --strict on( group_left
  label_format bool vector(1) "{{.a}}" "(" drop pattern`.split(/ |(\n) */);

test("whatever the text, parsing succeeds or throws a ParseError", () => {
  const soup = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((list) => list.join(""));
  const spaced = fc
    .array(fc.constantFrom(...words), { maxLength: 30 })
    .map((list) => list.join(" "));
  const text = fc.oneof(soup, spaced, fc.string({ unit: "binary", maxLength: 60 }));
  const check = (query: string) => {
    try {
      parseQuery(query);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
    }
  };
  fc.assert(fc.property(text, check), { seed: 7, numRuns: 2_000 });
});

test("a text that comes again has the tree it had; one that is refused is refused again", () => {
  const text = 'sum(rate({app="again"} |= "x" [1m]))';
  assert.equal(parseQuery(text), parseQuery(text));
  const long = `{app="again"} |= "${"x".repeat(5_000)}"`;
  assert.notEqual(parseQuery(long), parseQuery(long));
  assert.equal(printExpr(parseQuery(long)), long);
  const lax = '{app=~".*"}';
  for (let times = 0; times < 2; times++) {
    assert.throws(() => parseQuery(lax), /at least one regexp or equality matcher/);
    assert.equal(parseQuery(lax, { requireMatcher: false }).kind, "log");
  }
});

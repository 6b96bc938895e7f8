import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chosenValues,
  errorPosition,
  hasAnswerStages,
  histogramOf,
  isLogQuery,
  matchersIn,
  selectorOf,
  withLabelFilter,
  withLevels,
  withMatcher,
  withToggledValue,
} from "./query-text.ts";

const logQueries: readonly (readonly [string, boolean])[] = [
  ['{app="a"}', true],
  ['  {app="a"} |= "x"', true],
  ['# {not="this"}\n{app="a"}', true],
  ['({app="a"})', true],
  ['rate({app="a"}[5m])', false],
  ['# comment\nsum by (a) (rate({app="a"}[5m]))', false],
  ["1 + 1", false],
  ["", false],
];

for (const [text, isLog] of logQueries) {
  test(`${JSON.stringify(text)} is ${isLog ? "" : "not "}a log query`, () => {
    assert.equal(isLogQuery(text), isLog);
  });
}

test("a selector is found whatever its strings hold", () => {
  const text = 'rate({a="}", b=`{`} |= "{x}" [5m])';
  const range = selectorOf(text)!;
  assert.equal(text.slice(range.from, range.to), '{a="}", b=`{`}');
  assert.equal(selectorOf('{a="x'), undefined);
});

test("matchers are read with their operators, quotes and escapes", () => {
  const found = matchersIn('{a="x\\"y", b!=`q`, c=~"a|b", d!~"z"}');
  assert.deepEqual(
    found.map(({ name, operator, value }) => [name, operator, value]),
    [
      ["a", "=", 'x"y'],
      ["b", "!=", "q"],
      ["c", "=~", "a|b"],
      ["d", "!~", "z"],
    ],
  );
});

const histograms: readonly (readonly [string, string])[] = [
  ['{a="b"}', 'sum by (detected_level) (count_over_time({a="b"}\n [10s]))'],
  ['({a="b"})', 'sum by (detected_level) (count_over_time({a="b"}\n [10s]))'],
  [
    '{a="b"} | json',
    'sum by (detected_level) (count_over_time({a="b"} | json\n | drop __error__, __error_details__ [10s]))',
  ],
  [
    '{a="b"} |= "| sort by x" | sort by level | limit 3',
    'sum by (detected_level) (count_over_time({a="b"} |= "| sort by x"\n [10s]))',
  ],
  // A comment at the end must not swallow the range.
  ['{a="b"} # why', 'sum by (detected_level) (count_over_time({a="b"} # why\n [10s]))'],
];

for (const [text, expected] of histograms) {
  test(`bars of ${JSON.stringify(text)}`, () => assert.equal(histogramOf(text, 10), expected));
}

test("stages on the whole answer are known from those of the same name that are filters", () => {
  assert.equal(hasAnswerStages('{a="b"} | limit 10'), true);
  assert.equal(hasAnswerStages('{a="b"} | distinct by user'), true);
  assert.equal(hasAnswerStages('{a="b"} | limit = "10"'), false);
  assert.equal(hasAnswerStages('{a="b"} | limit > 10'), false);
});

const matcherChanges: readonly (readonly [string, "=" | "!=", string, string])[] = [
  ['{a="b"}', "=", "x", '{a="b", n="x"}'],
  ["{}", "=", "x", '{n="x"}'],
  ["", "=", "x", '{n="x"}'],
  ['{n="y"}', "=", "x", '{n="x"}'],
  ['{n="x", a="b"}', "!=", "x", '{a="b", n!="x"}'],
  ['{n="y"} |= "{"', "!=", "x", '{n="y", n!="x"} |= "{"'],
  ['rate({a="b"}[1m])', "=", 'q"\\', 'rate({a="b", n="q\\"\\\\"}[1m])'],
];

for (const [text, operator, value, expected] of matcherChanges) {
  test(`${text} with n${operator}${value}`, () => {
    assert.equal(withMatcher(text, { name: "n", operator, value }), expected);
  });
}

test("a filter goes before stages on the whole answer, and before the range of a metric query", () => {
  const filter = { name: "n", operator: "=", value: "x" } as const;
  assert.equal(withLabelFilter('{a="b"} | json', filter), '{a="b"} | json | n="x"');
  assert.equal(withLabelFilter('{a="b"} | limit 3', filter), '{a="b"} | n="x" | limit 3');
  assert.equal(withLabelFilter('rate({a="b"}[1m])', filter), 'rate({a="b"} | n="x" [1m])');
  assert.equal(withLabelFilter('{a="b"} | n!="x"', filter), '{a="b"} | n="x"');
  assert.equal(withLabelFilter('{a="b"} | n="x"', filter), '{a="b"} | n="x"');
});

const stageChanges: readonly (readonly [string, string])[] = [
  ['({a="b"})', '({a="b"} | n="x")'],
  ['( ({a="b"} | json) )', '( ({a="b"} | json | n="x") )'],
  ['{a="b"} | (c="1" or d="2")', '{a="b"} | (c="1" or d="2") | n="x"'],
  ['({a="b"} |= ip("10.0.0.1"))', '({a="b"} |= ip("10.0.0.1") | n="x")'],
  ['({a="b"} | (c="1" or d="2") | limit 3)', '({a="b"} | (c="1" or d="2") | n="x" | limit 3)'],
  ['{a="b"} # why', '{a="b"} | n="x" # why'],
  ['{a="b"} # why\n| json\n', '{a="b"} # why\n| json | n="x"'],
  ['rate({a="b"} # why\n[1m])', 'rate({a="b"} | n="x" # why\n[1m])'],
  ['(sum(rate({a="b"}[1m])) / 2)', '(sum(rate({a="b"} | n="x" [1m])) / 2)'],
];

for (const [text, expected] of stageChanges) {
  test(`a stage in ${JSON.stringify(text)} stays part of the query`, () => {
    const filter = { name: "n", operator: "=", value: "x" } as const;
    assert.equal(withLabelFilter(text, filter), expected);
  });
}

test("levels are chosen inside of parentheses and before a comment", () => {
  assert.equal(withLevels('({a="b"}) # c', ["info"]), '({a="b"} | detected_level=~"info") # c');
});

test("clicking values chooses one, several, and none again", () => {
  const one = withToggledValue('{a="b"}', "n", "x.y");
  assert.equal(one, '{a="b", n="x.y"}');
  const two = withToggledValue(one, "n", "z");
  assert.equal(two, '{a="b", n=~"x\\\\.y|z"}');
  assert.deepEqual(chosenValues(matchersIn(two), "n"), ["x.y", "z"]);
  assert.equal(withToggledValue(two, "n", "x.y"), '{a="b", n="z"}');
  assert.equal(withToggledValue('{n="x"}', "n", "x"), "{}");
  assert.equal(withToggledValue('{n=~"x.+"}', "n", "x"), '{n=~"x.+", n="x"}');
});

test("levels are chosen once, before stages on the whole answer", () => {
  const chosen = withLevels('{a="b"} | json | limit 3', ["error", "fatal"]);
  assert.equal(chosen, '{a="b"} | json | detected_level=~"error|fatal" | limit 3');
  assert.equal(
    withLevels('{a="b"} | detected_level=~"x|y"', ["", "info"]),
    '{a="b"} | detected_level=~"|info"',
  );
});

test("positions are read from the server's words", () => {
  assert.deepEqual(errorPosition("parse error at line 2, col 21: syntax error"), {
    line: 2,
    column: 21,
  });
  assert.equal(errorPosition("too many outstanding requests"), undefined);
});

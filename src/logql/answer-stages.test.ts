import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAnswerStage, limitStageMax, splitStages } from "./answer-stages.ts";
import type { AnswerStage, Stage } from "./ast.ts";
import { formatQuery } from "./format.ts";
import { parseQuery } from "./parse-query.ts";
import { printExpr } from "./print.ts";
import { shape } from "./testing-shape.ts";

const name = fc.constantFrom("a", "sort", "limit", "distinct", "asc", "timestamp", "sum", "ключ");
const span = { from: 0, to: 0 };
const stage: fc.Arbitrary<AnswerStage> = fc.oneof(
  fc.record({ by: name, descending: fc.boolean() }).map((it) => ({ kind: "sort", ...it, span })),
  fc.integer({ min: 1, max: limitStageMax }).map((count) => ({ kind: "limit", count, span })),
  fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => ({
    kind: "distinct",
    names,
    span,
  })),
) as fc.Arbitrary<AnswerStage>;

test("what is printed or formatted reads back as the same stages", () => {
  fc.assert(
    fc.property(fc.array(stage, { maxLength: 4 }), (stages) => {
      const expr = parseQuery('{a="b"} | json');
      assert(expr.kind === "log");
      const whole = { ...expr, stages: [...expr.stages, ...stages] };
      for (const text of [printExpr(whole), formatQuery(whole)]) {
        assert.deepEqual(shape(parseQuery(text)), shape(whole), text);
      }
    }),
    { seed: 20260113, numRuns: 200 },
  );
});

const labelFilters = [
  '| sort="x"',
  "| limit>5",
  '| distinct=~"x"',
  '| sort="x" limit="y" , distinct="z"',
  "| limit=5m",
  '| keep sort, limit="x", distinct',
  "| label_format sort=limit",
  "| json limit, distinct",
];
for (const text of labelFilters) {
  test(`${text} is still what it is in LogQL`, () => {
    const expr = parseQuery(`{sort="a",limit="b"} ${text}`);
    assert(expr.kind === "log");
    assert.equal(
      expr.stages.some((one: Stage) => isAnswerStage(one)),
      false,
    );
    parseQuery(`sum by (sort, limit, distinct) (rate({a="b"} ${text} [5m]))`);
  });
}

const kinds: readonly [text: string, kinds: string[]][] = [
  ["| sort by x", ["sort"]],
  ["| SORT BY timestamp DESC | limit 3", ["sort", "limit"]],
  ["| distinct by a,b | sort by a asc", ["distinct", "sort"]],
];
for (const [text, want] of kinds) {
  test(`${text} is ${want.join(", ")}`, () => {
    const expr = parseQuery(`{a="b"} |= "x" | json ${text}`);
    assert(expr.kind === "log");
    const { rows, answer } = splitStages(expr);
    assert.deepEqual(
      rows.stages.map(({ kind }) => kind),
      ["lineFilter", "json"],
    );
    assert.deepEqual(
      answer.map(({ kind }) => kind),
      want,
    );
  });
}

const refused: readonly [query: string, message: RegExp][] = [
  ['{a="b"} | limit 0', /^parse error at line 1, col 17: invalid limit 0: a whole number from 1/],
  ['{a="b"} | limit 1.5', /invalid limit 1.5/],
  ['{a="b"} | limit 1000000001', /invalid limit 1000000001/],
  ['{a="b"} | limit 3 | json', /stage '\| json' cannot follow '\| limit 3': sort, limit and/],
  ['{a="b"} | sort by x |= "y"', /cannot follow '\| sort by x'/],
  ['{a="b"} | sort by', /unexpected \$end, expecting IDENTIFIER/],
  ['{a="b"} | distinct by a,', /unexpected \$end, expecting IDENTIFIER/],
  ['rate({a="b"} | limit 3 [5m])', /stage '\| limit 3' is for log queries only/],
  ['sum(rate({a="b"} | distinct by x [5m]))', /count_distinct_over_time\(label, /],
  ['count_distinct_over_time({a="b"}[5m])', /unexpected {, expecting IDENTIFIER/],
  ['count_distinct_over_time(x, {a="b"} | unwrap y [5m])', /count_distinct_over_time with unwrap/],
];
for (const [query, message] of refused) {
  test(`${query} is refused`, () => {
    assert.throws(() => parseQuery(query), { name: "ParseError", status: 400, message });
  });
}

test("count_distinct_over_time reads back as it was printed", () => {
  const query = 'sum(count_distinct_over_time(user,{a="b"} | json[5m]) by (app))';
  const expr = parseQuery(query);
  assert.equal(printExpr(expr), query);
  assert.deepEqual(shape(parseQuery(formatQuery(expr))), shape(expr));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Expr, LabelFilter, LogExpr, MetricExpr, Stage } from "./ast.ts";
import { formatQuery } from "./format.ts";
import { makeMatcher } from "./make-matcher.ts";
import { parseQuery } from "./parse-query.ts";
import { printExpr } from "./print.ts";
import { rangeFunctions } from "./tokens.ts";

const span = { from: 0, to: 0 };
const name = fc.constantFrom("a", "B_1", "level", "ip", "sum", "duration", "ключ");
const names = fc.uniqueArray(name, { maxLength: 3 });
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("", 'say "hi"', "a\\b", "日本\n\t", "`", "x".repeat(40)),
);
const regexText = fc.constantFrom("a|b", "", ".+", "x{2}", "(?i)é", "\\d+\\.");
const matchOp = fc.constantFrom("=", "!=", "=~", "!~");
const matcher = fc
  .tuple(name, matchOp, text, regexText)
  .map(([key, op, plain, regex]) => makeMatcher(key, op, op.endsWith("~") ? regex : plain));
const compareOp = fc.constantFrom("==", "!=", ">", ">=", "<", "<=");
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(1e21, 1e-7, 0.5, 500),
);
const bytes = fc.oneof(fc.nat(), fc.constantFrom(1000, 1024, 20e6, 1.5e9, 42, 0));
const durationNs = fc.oneof(fc.integer(), fc.constantFrom(0, 90e9, 36e11, 1.5e6, -250e3, 86_400e9));
const ipPattern = fc.constantFrom("10.0.0.0/8", "::1", "1.2.3.4-1.2.3.9");

const leafFilter: fc.Arbitrary<LabelFilter> = fc.oneof(
  matcher.map((it): LabelFilter => ({ kind: "text", matcher: it })),
  fc
    .oneof(
      fc.record({ kind: fc.constant("number" as const), value: number }),
      fc.record({ kind: fc.constant("bytes" as const), value: bytes }),
      fc.record({ kind: fc.constant("duration" as const), value: durationNs }),
    )
    .chain((it) =>
      fc
        .record({ name, op: compareOp })
        .map((rest): LabelFilter => ({ ...it, ...rest, literal: "" })),
    ),
  fc
    .record({ name, op: fc.constantFrom("=", "!="), pattern: ipPattern })
    .map((it): LabelFilter => ({ kind: "ip", ...it })),
);

const labelFilter: fc.Arbitrary<LabelFilter> = fc.letrec<{ filter: LabelFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    leafFilter,
    fc.record({
      kind: fc.constantFrom("and", "or"),
      left: tie("filter"),
      right: tie("filter"),
    }),
  ),
})).filter;

const filterStage = labelFilter.map((filter) => ({ kind: "labelFilter", filter, span }) as const);
const parameters = fc.array(fc.record({ name, path: fc.constantFrom("a", "level") }), {
  maxLength: 2,
});
const choices = fc.array(
  fc.oneof(
    name.map((it) => ({ kind: "name", name: it }) as const),
    matcher.map((it) => ({ kind: "matcher", matcher: it }) as const),
  ),
  { minLength: 1, maxLength: 3 },
);
const lineFilter = fc
  .tuple(
    fc.constantFrom("|=", "!=", "|~", "!~", "|>", "!>"),
    fc.array(fc.tuple(text, regexText, ipPattern, fc.boolean()), { minLength: 1, maxLength: 3 }),
  )
  .map(
    ([op, items]): Stage => ({
      kind: "lineFilter",
      op,
      alternatives: items.map(([plain, regex, ip, isIp]) =>
        isIp && op.endsWith("=")
          ? { text: ip, isIp: true }
          : { text: op.endsWith("=") ? plain : op.endsWith("~") ? regex : "<_>x", isIp: false },
      ),
      span,
    }),
  );
const labelFormats = fc.uniqueArray(
  fc.oneof(
    fc.record({ kind: fc.constant("rename" as const), to: name, from: name }),
    fc.record({ kind: fc.constant("template" as const), to: name, template: text }),
  ),
  { selector: (it) => it.to, minLength: 1, maxLength: 3 },
);

const stage: fc.Arbitrary<Stage> = fc.oneof(
  lineFilter,
  filterStage,
  parameters.map((it): Stage => ({ kind: "json", parameters: it, span })),
  fc
    .record({ strict: fc.boolean(), keepEmpty: fc.boolean(), parameters })
    .map((it): Stage => ({ kind: "logfmt", ...it, span })),
  fc.constantFrom<Stage>(
    { kind: "unpack", span },
    { kind: "decolorize", span },
    { kind: "pattern", pattern: "<a> - <_>", span },
    { kind: "regexp", pattern: "(?P<x>\\d+)", span },
  ),
  text.map((template): Stage => ({ kind: "lineFormat", template, span })),
  labelFormats.map((formats): Stage => ({ kind: "labelFormat", formats, span })),
  choices.map((it): Stage => ({ kind: "drop", choices: it, span })),
  choices.map((it): Stage => ({ kind: "keep", choices: it, span })),
);

/** `| keep a` then `!= "x"` has no text of its own: it reads as `| keep a!="x"`. */
function isWritable(it: Stage, i: number, stages: readonly Stage[]): boolean {
  const before = stages[i - 1];
  const bareName =
    (before?.kind === "drop" || before?.kind === "keep") && before.choices.at(-1)?.kind === "name";
  return !(bareName && it.kind === "lineFilter" && (it.op === "!=" || it.op === "!~"));
}

const log: fc.Arbitrary<LogExpr> = fc
  .tuple(fc.array(matcher, { maxLength: 3 }), fc.array(stage, { maxLength: 4 }))
  .map(([matchers, stages]) => ({
    kind: "log",
    matchers: [...matchers, makeMatcher("job", "=", "x")],
    stages: stages.filter(isWritable),
    span,
  }));

const unwrap = fc.record({
  label: name,
  conversion: fc.constantFrom("number", "bytes", "duration", "duration_seconds"),
  filters: fc.array(filterStage, { maxLength: 2 }),
});
const grouping = fc.record({ without: fc.boolean(), names });
const windows = {
  rangeNs: fc.nat().map((ms) => BigInt(ms) * 1_000_000n),
  offsetNs: fc.oneof(fc.constant(0n), fc.integer().map(BigInt)),
};
const rangeAggregation: fc.Arbitrary<MetricExpr> = fc.oneof(
  fc.record({ fn: fc.constantFrom("count_over_time", "rate", "bytes_rate"), log, ...windows }).map(
    (it): MetricExpr => ({
      kind: "rangeAggregation",
      parameter: undefined,
      unwrap: undefined,
      grouping: undefined,
      ...it,
      span,
    }),
  ),
  fc
    .record({
      fn: fc.constantFrom("max_over_time", "quantile_over_time", "first_over_time"),
      log,
      unwrap,
      grouping: fc.option(grouping, { nil: undefined }),
      ...windows,
    })
    .map(
      (it): MetricExpr => ({
        kind: "rangeAggregation",
        parameter: it.fn === "quantile_over_time" ? 0.99 : undefined,
        ...it,
        span,
      }),
    ),
);

const metric: fc.Arbitrary<MetricExpr> = fc.letrec<{ metric: MetricExpr }>((tie) => ({
  metric: fc.oneof(
    { maxDepth: 4 },
    rangeAggregation,
    fc
      .oneof(fc.nat(), fc.constantFrom(0.5, 1e21, 1e-9))
      .map((value): MetricExpr => ({ kind: "vector", value, span })),
    fc
      .record({
        fn: fc.constantFrom("sum", "topk", "count"),
        input: tie("metric"),
        grouping: fc.option(grouping, { nil: undefined }),
      })
      .map(
        (it): MetricExpr => ({
          kind: "vectorAggregation",
          parameter: it.fn === "topk" ? 5 : undefined,
          ...it,
          grouping:
            it.grouping?.without === false && it.grouping.names.length === 0
              ? undefined
              : it.grouping,
          span,
        }),
      ),
    fc
      .record({
        op: fc.constantFrom("+", "-", "/", "^", "==", ">", "or", "and", "unless"),
        left: tie("metric"),
        right: tie("metric"),
        returnBool: fc.boolean(),
        matching: fc.option(
          fc.record({
            on: fc.constant(true),
            names,
            group: fc.constantFrom("left", "right", undefined),
            include: fc.constant([]),
          }),
          { nil: undefined },
        ),
      })
      .map((it): MetricExpr => ({ kind: "binary", ...it, span })),
    fc.tuple(number, tie("metric")).map(
      ([value, right]): MetricExpr => ({
        kind: "binary",
        op: "*",
        left: { kind: "number", value, span },
        right,
        returnBool: false,
        matching: undefined,
        span,
      }),
    ),
    fc
      .record({
        input: tie("metric"),
        target: name,
        replacement: text,
        source: name,
        regex: regexText,
      })
      .map((it): MetricExpr => ({ kind: "labelReplace", ...it, span })),
  ),
})).metric;

/** A tree without what printing does not keep: positions, compiled tests, literals as written. */
function essence(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) => {
      if (key === "span" || key === "test" || key === "literal") return undefined;
      if (typeof value === "bigint") return `${value}ns`;
      return Object.is(value, -0) ? "-0" : value;
    }),
  );
}

test("what is printed or formatted reads back as the same tree", () => {
  const query = fc.oneof(log, metric);
  const check = (expr: Expr) => {
    for (const print of [printExpr, formatQuery]) {
      const again = parseQuery(print(expr), { checkStages: false });
      assert.deepEqual(essence(again), essence(expr));
    }
  };
  fc.assert(fc.property(query, check), { seed: 11, numRuns: 1_000 });
});

test("every range function prints under its own name", () => {
  for (const fn of rangeFunctions.values()) {
    const unwraps = /^(sum|avg|min|max|std|quantile|first|last|rate_c)/.test(fn);
    const parameters: Record<string, string> = {
      quantile_over_time: "0.5,",
      count_distinct_over_time: "c,",
    };
    const parameter = parameters[fn] ?? "";
    const query = `${fn}(${parameter}{a="b"}${unwraps ? " | unwrap c" : ""}[5m])`;
    assert.equal(printExpr(parseQuery(query)), query);
  }
});

test("what no literal can say is printed as a sum that gives it", () => {
  assert.equal(printExpr(parseQuery("1 / 0")), "(0 / 0)");
  assert.equal(printExpr(parseQuery("-1e308 * 1e308")), "(-1e+308 * 10)");
});

const long = (label: string) => `{${label}="${"v".repeat(60)}"}`;

test("a long query is broken up", () => {
  const inner = `rate(${long("x")} |= "filter" | json | c>5 [5m] offset 1h)`;
  const query = `sum by (a,b) (topk(3, ${inner}))`;
  assert.equal(
    formatQuery(parseQuery(query)),
    [
      "sum by (a, b)(",
      "  topk(",
      "    3,",
      "    rate(",
      `      ${long("x")} |= "filter" | json | c>5 [5m] offset 1h0m0s`,
      "    )",
      "  )",
      ")",
    ].join("\n"),
  );
});

test("a broken-up operation keeps its parentheses where precedence needs them", () => {
  const [a, b, c] = ["x", "y", "z"].map((label) => `rate(${long(label)}[5m])`);
  const wants = ["  (", `      ${a}`, "    +", `      ${b}`, "  )", "*", `  ${c}`];
  assert.equal(formatQuery(parseQuery(`(${a} + ${b}) * ${c}`)), wants.join("\n"));
  const plain = [`    ${a}`, "  *", `    ${b}`, "+", `  ${c}`];
  assert.equal(formatQuery(parseQuery(`${a} * ${b} + ${c}`)), plain.join("\n"));
});

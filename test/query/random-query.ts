import fc from "fast-check";
import type { PlainEntry } from "../support/memory-log-store.ts";

/** Queries and data at random, for tests that ask many of them. */
export const second = 1_000_000_000n;

const lines = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map((n) => `n=${n} level=info d=${n}ms`),
  fc.integer({ min: 0, max: 9 }).map((n) => `{"n":${n},"user":{"id":"u${n % 3}"},"size":"${n}KB"}`),
  fc.constantFrom("", "{", "é ñ 日本", 'a="b', '{"__error__":"x"}', "GET /a/b 200 12.5", "\u0000"),
);

export const randomEntry: fc.Arbitrary<PlainEntry> = fc.record({
  tenant: fc.constantFrom("t", "t", "t", "u"),
  labels: fc.constantFrom<Record<string, string>[]>(
    { app: "a", x: "1" },
    { app: "a", x: "2" },
    { app: "b", x: "1", n: "7" },
  ),
  timeNs: fc.bigInt(0n, 90n).map((time) => time * second),
  line: lines,
  metadata: fc.constantFrom<Record<string, string>[]>({}, {}, { id: "1" }, { n: "3", x: "9" }),
});

const name = fc.constantFrom("app", "x", "n", "level", "user_id", "id", "d", "size", "missing");
const names = fc.uniqueArray(name, { maxLength: 2 }).map((list) => list.join(", "));
const selector = fc.constantFrom('{app="a"}', '{app=~".+"}', '{app=~"a|b",x!="2"}', '{app="z"}');
const value = fc.constantFrom('"a"', '"info"', '"u1"', '""', '"7"');

const rowStage = fc.oneof(
  fc.constantFrom(
    "| json",
    "| logfmt",
    "| json id=`user.id`",
    '| pattern "<method> <path> <status> <took>"',
    "| regexp `n=(?P<n>[0-9]+)`",
    "| unpack",
    "| decolorize",
    '|= "n"',
    '!= "9"',
    "|~ `u[0-2]|level`",
    "!~ `^$`",
    "|> `<_>=<_>`",
    "| line_format `{{.n}} {{ .level | upper }}`",
    "| label_format y=`{{ .n }}`, z=x",
    "| drop id",
    "| keep app, n",
    "| n > 5",
    "| d >= 5ms",
    "| size < 5KB",
    '| __error__=""',
  ),
  fc.tuple(name, fc.constantFrom("=", "!="), value).map((parts) => `| ${parts.join("")}`),
);
const stages = fc.array(rowStage, { maxLength: 4 }).map((list) => list.join(" "));

const answerStages = fc
  .array(
    fc.oneof(
      name.map((by) => `| sort by ${by}`),
      fc.constantFrom("| sort by timestamp desc", "| limit 3", "| limit 50"),
      name.map((one) => `| distinct by ${one}`),
    ),
    { maxLength: 2 },
  )
  .map((list) => list.join(" "));

export const randomLogQuery: fc.Arbitrary<string> = fc
  .tuple(selector, stages, answerStages)
  .map((parts) => parts.join(" "));

const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom("", " offset 7s", " offset -5s"))
  .map(([seconds, offset]) => `[${seconds}s]${offset}`);

const grouping = fc
  .tuple(fc.constantFrom("by", "without"), names)
  .map(([how, list]) => ` ${how} (${list})`);
const optionalGrouping = fc.oneof(fc.constant(""), grouping);

const counting = fc
  .tuple(
    fc.constantFrom("count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"),
    selector,
    stages,
    range,
  )
  .map(([fn, log, rest, window]) => `${fn}(${log} ${rest} ${window})`);

const unwrapping = fc
  .tuple(
    fc.constantFrom(
      "sum_over_time(",
      "avg_over_time(",
      "min_over_time(",
      "max_over_time(",
      "stddev_over_time(",
      "quantile_over_time(0.9, ",
      "first_over_time(",
      "last_over_time(",
      "rate_counter(",
      "rate(",
    ),
    selector,
    stages,
    fc.constantFrom("n", "duration(d)", "bytes(size)", "missing"),
    fc.constantFrom("", '| __error__=""'),
    range,
  )
  .map(
    ([fn, log, rest, label, filter, window]) =>
      `${fn}${log} ${rest} | unwrap ${label} ${filter} ${window})`,
  );

const distinct = fc
  .tuple(name, selector, stages, range, optionalGrouping)
  .map(
    ([label, log, rest, window, by]) =>
      `count_distinct_over_time(${label}, ${log} ${rest} ${window})${by}`,
  );

/** One range function, in which errors are filtered out so that most queries have an answer. */
export const randomRange: fc.Arbitrary<string> = fc.oneof(counting, unwrapping, distinct);

export const randomMetricQuery: fc.Arbitrary<string> = fc.letrec<{ metric: string }>((tie) => ({
  metric: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    randomRange,
    fc
      .tuple(
        fc.constantFrom("sum", "avg", "min", "max", "count", "stddev"),
        optionalGrouping,
        tie("metric"),
      )
      .map(([fn, by, inner]) => `${fn}${by} (${inner})`),
    fc
      .tuple(fc.constantFrom("topk(2,", "bottomk(1,", "sort(", "sort_desc("), tie("metric"))
      .map(([fn, inner]) => `${fn} ${inner})`),
    fc
      .tuple(
        tie("metric"),
        fc.constantFrom("+", "-", "*", "/", "%", "^", "> bool", "==", "and", "or", "unless"),
        fc.constantFrom("", " on (x)", " ignoring (x)"),
        tie("metric"),
      )
      .map(([left, op, matching, right]) => `(${left} ${op}${matching} ${right})`),
    tie("metric").map((inner) => `(${inner} * 2)`),
    tie("metric").map((inner) => `label_replace(${inner}, "y", "$1-", "x", "(.)")`),
  ),
})).metric;

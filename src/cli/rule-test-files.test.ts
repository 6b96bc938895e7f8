import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { SimulatedDisk } from "#world";
import { type CliRun, cli } from "./test-io.ts";

const rules = `
groups:
  - name: errors
    rules:
      - record: app:errors:rate5m
        expr: sum by (app) (rate({app=~".+"} |= "error" [5m]))
        labels: {kind: text}
      - alert: ManyErrors
        expr: sum by (app) (count_over_time({app=~".+"} |= "error" [5m])) > 2
        for: 2m
        labels: {severity: '{{ if gt $value 2.0 }}page{{ else }}mail{{ end }}'}
        annotations:
          summary: '{{ $labels.app }} in {{ $externalLabels.cluster }}: {{ $value }}'
          lines: '{{ lines 2 }}'
  - name: slow
    interval: 5m
    rules:
      - {alert: Slow, expr: 'sum(count_over_time({app="web"}[1m])) > 0'}
`;

const streams = `
    interval: 30s
    external_labels: {cluster: eu}
    input_streams:
      - labels: '{app="web"}'
        lines:
          - error one
          - fine
          - error two
          - {line: error more, times: 10, every: 20s}
          - {at: 10m, line: late, metadata: {trace: abc}}`;

async function run(tests: string, argv: readonly string[] = []): Promise<CliRun> {
  const disk = new SimulatedDisk();
  await disk.makeFolder("/home/tests");
  for (const [path, text] of [
    ["/home/rules.yaml", rules],
    ["/home/tests/t.yaml", tests],
  ] as const) {
    await using file = await disk.open(path, { create: true, exclusive: false });
    await file.write([Buffer.from(text)], 0);
  }
  return cli(["rules", "test", ...argv, "tests/t.yaml"], { files: disk });
}

const oneTest = (expectations: string, head = ""): string =>
  `rule_files: ['../rul*.yaml']\n${head}tests:\n  - name: first${streams}\n${expectations}`;

const alertAt = (time: string, more: string): string => `
    alert_rule_test:
      - eval_time: ${time}
        alertname: ManyErrors
${more}`;

const sampleOf = (expr: string, time: string, samples: string): string => `
    logql_expr_test:
      - expr: ${expr}
        eval_time: ${time}
        exp_samples: ${samples}
`;

const passing: readonly (readonly [claim: string, yaml: string])[] = [
  ["an alert that is pending is not expected", alertAt("2m59s", "        exp_alerts: []\n")],
  [
    "an alert fires after `for`, with labels, annotations and first lines",
    alertAt(
      "5m",
      `        exp_alerts:
          - exp_labels: {app: web, severity: page}
            exp_annotations:
              summary: 'web in eu: 11'
              lines: "error two\\nerror more"
`,
    ),
  ],
  ["an alert of the last evaluation before the moment", alertAt("20m30s", "")],
  [
    "recorded series carry the labels of their rule",
    `
    recording_rule_test:
      - record: app:errors:rate5m
        eval_time: 9m30s
        exp_samples: [{labels: '{app="web", kind="text"}', value: 0.006666666666666667}]
`,
  ],
  [
    "a group with an interval of its own is evaluated then",
    `
    alert_rule_test:
      - {eval_time: 9m, groupname: slow, alertname: Slow, exp_alerts: [{exp_labels: {}}]}
      - {eval_time: 10m, alertname: Slow, exp_alerts: [{}]}
      - {eval_time: 14m, alertname: Slow, exp_alerts: [{}]}
      - {eval_time: 15m, alertname: Slow}
`,
  ],
  ["no sample is no sample", sampleOf(`sum(rate({app="no"}[5m]))`, "5m", "[]")],
  [
    "what comes later is not seen, not by a negative offset either",
    sampleOf(`sum(count_over_time({app="web"}[1m] offset -1m))`, "1m", "[]"),
  ],
  ["a scalar has no labels", sampleOf("1 + 1", "0s", "[{labels: '{}', value: 2e0}]")],
  [
    "lines with their times and metadata",
    `
    logql_expr_test:
      - expr: '{app="web"} != "error"'
        eval_time: 10m
        exp_logs:
          - {labels: '{app="web"}', line: fine, timestamp: 30000000000}
          - {labels: '{trace="abc", app="web"}', line: late, timestamp: 10m}
`,
  ],
  [
    "labels that a server adds, when asked for",
    `    discover_labels: true
${sampleOf(
  `sum by (service_name, detected_level) (count_over_time({app="web"}[1m]))`,
  "1m",
  `[{labels: '{service_name="web", detected_level="error"}', value: 1},
          {labels: '{service_name="web", detected_level="unknown"}', value: 1}]`,
)}`,
  ],
];

for (const [claim, yaml] of passing) {
  test(claim, async () => {
    const { code, out, err } = await run(oneTest(yaml));
    assert.equal(code, 0, out + err);
    assert.equal(out, "ok   tests/t.yaml: first\nAll 1 tests passed.\n");
  });
}

test("what differs is shown line by line, and exits 1", async () => {
  const expected = alertAt(
    "5m",
    "        exp_alerts: [{exp_labels: {app: web, severity: mail}}]\n",
  );
  const { code, out } = await run(oneTest(expected));
  assert.equal(code, 1);
  assert.match(
    out,
    /^FAIL tests\/t\.yaml: first\n {2}tests\/t\.yaml:\d+: alert ManyErrors at 5m\n/,
  );
  assert.match(out, /\n {4}- \{alertname="ManyErrors", app="web", severity="mail"\}\n/);
  assert.match(out, /\n {4}\+ \{alertname="ManyErrors", app="web", severity="page"\}\n/);
  assert.match(out, /\n {4}\+ {5}summary: "web in eu: 11"\n/);
  assert.match(out, /1 of 1 tests failed\.\n$/);
});

test("fuzzy_compare forgives what rounding does, and nothing else", async () => {
  const near = sampleOf(
    `sum(rate({app="web"}|="error"[3m]))`,
    "3m",
    "[{value: 0.0333333333333333}]",
  );
  assert.equal((await run(oneTest(near))).code, 1);
  assert.equal((await run(oneTest(near, "fuzzy_compare: true\n"))).code, 0);
  const far = near.replace("0.0333333333333333", "0.0333");
  assert.equal((await run(oneTest(far, "fuzzy_compare: true\n"))).code, 1);
});

const faults: readonly (readonly [claim: string, yaml: string, said: RegExp])[] = [
  [
    "a rule that is not there",
    "    alert_rule_test: [{eval_time: 1m, alertname: Nope}]\n",
    /alert Nope at 1m: no rule of the rule_files has this name/,
  ],
  ["an expression", sampleOf(`sum(`, "1m", "[]"), /parse error/],
  ["lines where samples are expected", sampleOf(`'{app="web"}'`, "1m", "[]"), /exp_logs/],
  ["an unknown key", "    input_series: []\n", /unknown key "input_series"; known are name/],
  ["a moment", sampleOf("1", "soon", "[]"), /eval_time: "soon" is no duration/],
  ["labels", sampleOf("1", "1m", "[{labels: '{a=~\"b\"}', value: 1}]"), /parse error/],
];

for (const [claim, yaml, said] of faults) {
  test(`what is wrong is said: ${claim}`, async () => {
    const { code, out } = await run(oneTest(yaml));
    assert.match(out, said);
    assert.equal(code, 1);
  });
}

test("a rule that cannot be evaluated, and lines that are refused, fail a test", async () => {
  const long = `tests:
  - input_streams: [{labels: '{}', lines: [x]}]
    logql_expr_test: [{expr: '1', eval_time: 1m, exp_samples: [{value: 1}]}]
`;
  const { code, out } = await run(long);
  assert.equal(code, 1);
  assert.match(out, /test 1\n {2}tests\/t\.yaml: lines refused: .*label/);
});

test("--run chooses tests by name; none is a fault of the command line", async () => {
  const two = `${oneTest(sampleOf("1", "1m", "[{value: 1}]"))}  - name: second\n`;
  assert.match((await run(two, ["--run=sec"])).out, /^ok .*: second\nAll 1 tests passed\.\n$/);
  assert.equal((await run(two, ["--run=third"])).code, 2);
});

test("a test in another year and a file without rules", async () => {
  const yaml = `tests:
  - start_timestamp: 2026-01-10T00:00:00Z
    input_streams: [{labels: '{a="b"}', lines: [x, y]}]
    logql_expr_test:
      - {expr: 'sum(count_over_time({a="b"}[1h]))', eval_time: 1m, exp_samples: [{value: 2}]}
      - {expr: '{a="b"} |= "x"', eval_time: 1m,
         exp_logs: [{labels: '{a="b"}', line: x, timestamp: 1768003200000000000}]}
`;
  const { code, out } = await run(yaml);
  assert.equal(code, 0, out);
});

test("the example of the documentation passes", async () => {
  const page = await readFile(new URL("../../docs/using/rules.md", import.meta.url), "utf8");
  const [rulesText, tests] = ["# errors.yaml: one group\n", "rule_files: [errors.yaml]"].map(
    (start) => page.slice(page.indexOf(start), page.indexOf("\n```", page.indexOf(start))),
  );
  const group = rulesText!.replaceAll(/^/gm, "    ").replace("    name:", "  - name:");
  const disk = new SimulatedDisk();
  await disk.makeFolder("/home");
  const simple = `groups:\n${group}`
    .replace("> 10", "> 0.03")
    .replace("for: 5m", "for: 2m")
    .replace(/\n *lines: .*/, "")
    .replace("{{ humanize $value }} errors a second", "11 errors");
  for (const [name, text] of [
    ["errors.yaml", simple],
    ["t.yaml", tests!],
  ] as const) {
    await using file = await disk.open(`/home/${name}`, { create: true, exclusive: false });
    await file.write([Buffer.from(text)], 0);
  }
  const { code, out } = await cli(["rules", "test", "t.yaml"], { files: disk });
  assert.equal(code, 0, out);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import type { GroupEvaluator } from "./group-evaluator.ts";
import { RulerTestKit, sample, startMs } from "./ruler-test-kit.ts";

const { signal } = new AbortController();

function atMinute(group: GroupEvaluator, minute: number): Promise<void> {
  return group.evaluate(startMs + minute * 60_000, signal);
}

function states(group: GroupEvaluator): string[] {
  return group
    .reports()
    .flatMap(({ alerts }) => alerts.map(({ labels, state }) => `${labels.get("app")} ${state}`));
}

const alertGroup = `
name: g
rules:
  - alert: Bad
    expr: bad
    for: 2m
    labels: {severity: "{{ if gt $value 5.0 }}page{{ else }}warn{{ end }}"}
    annotations: {summary: "{{ $labels.app }}: {{ $value }}"}
`;

test("pending, firing, sent again, over, reported for a quarter of an hour", async () => {
  const kit = new RulerTestKit();
  const group = kit.group(alertGroup);
  kit.answers.set("bad", [sample({ app: "a", __name__: "x" }, 2)]);
  await atMinute(group, 0);
  assert.deepEqual(states(group), ["a pending"]);
  await atMinute(group, 1);
  assert.deepEqual([states(group), kit.takeAlerts()], [["a pending"], []]);
  await atMinute(group, 2);
  assert.deepEqual(states(group), ["a firing"]);
  const labels = "alertname=Bad app=a severity=warn";
  assert.deepEqual(kit.takeAlerts(), [`${labels} 2 6`], "valid for four evaluations");
  await atMinute(group, 3);
  assert.deepEqual(kit.takeAlerts(), [], "the resend delay is not over");
  await atMinute(group, 4);
  assert.deepEqual(kit.takeAlerts(), [`${labels} 2 8`]);
  kit.answers.set("bad", []);
  await atMinute(group, 5);
  assert.deepEqual([states(group), kit.takeAlerts()], [[], [`${labels} 2 5`]]);
  await atMinute(group, 7);
  assert.deepEqual(kit.takeAlerts(), [`${labels} 2 5`], "said again");
  await atMinute(group, 20);
  assert.deepEqual(kit.takeAlerts(), [`${labels} 2 5`]);
  await atMinute(group, 21);
  await atMinute(group, 30);
  assert.deepEqual(kit.takeAlerts(), [], "and then forgotten");
});

test("an alert that is back begins anew; one that never fired is forgotten at once", async () => {
  const kit = new RulerTestKit();
  const group = kit.group(alertGroup);
  kit.answers.set("bad", [sample({ app: "a" }, 9)]);
  await atMinute(group, 0);
  kit.answers.set("bad", []);
  await atMinute(group, 1);
  assert.deepEqual(states(group), []);
  kit.answers.set("bad", [sample({ app: "a" }, 9)]);
  for (const minute of [2, 3]) await atMinute(group, minute);
  assert.deepEqual([states(group), kit.takeAlerts()], [["a pending"], []]);
  await atMinute(group, 4);
  assert.deepEqual(kit.takeAlerts(), ["alertname=Bad app=a severity=page 4 8"]);
  kit.answers.set("bad", []);
  await atMinute(group, 5);
  kit.answers.set("bad", [sample({ app: "a" }, 9)]);
  await atMinute(group, 6);
  assert.deepEqual(states(group), ["a pending"]);
});

test("keep_firing_for bridges holes", async () => {
  const kit = new RulerTestKit();
  const rule = "{alert: A, expr: bad, keep_firing_for: 3m}";
  const group = kit.group(`{name: g, rules: [${rule}]}`);
  kit.answers.set("bad", [sample({ app: "a" }, 1)]);
  await atMinute(group, 0);
  kit.answers.set("bad", []);
  for (const minute of [1, 2, 3]) {
    await atMinute(group, minute);
    assert.deepEqual(states(group), ["a firing"], `minute ${minute}`);
  }
  kit.answers.set("bad", [sample({ app: "a" }, 1)]);
  await atMinute(group, 4);
  kit.answers.set("bad", []);
  for (const minute of [5, 6, 7]) await atMinute(group, minute);
  assert.deepEqual(states(group), ["a firing"], "counted from the last hole");
  await atMinute(group, 8);
  assert.deepEqual(states(group), []);
});

test("a restart changes nothing: pending goes on, firing is not new, what is over is said", async () => {
  const kit = new RulerTestKit();
  const rules = "{alert: A, expr: bad, for: 5m}";
  const yaml = `{name: g, rules: [${rules}]}`;
  kit.answers.set("bad", [sample({ app: "a" }, 1)]);
  const first = kit.group(yaml);
  for (const minute of [0, 1, 2]) await atMinute(first, minute);
  const second = kit.group(yaml);
  for (const minute of [4, 5]) await atMinute(second, minute);
  assert.deepEqual(states(second), ["a firing"], "five minutes since the first one");
  assert.deepEqual(kit.takeAlerts(), ["alertname=A app=a 5 9"]);
  const third = kit.group(yaml);
  kit.answers.set("bad", []);
  await atMinute(third, 6);
  assert.deepEqual(kit.takeAlerts(), ["alertname=A app=a 5 6"], "resolved after the restart");
  const fourth = kit.group(yaml);
  await atMinute(fourth, 8);
  assert.deepEqual(kit.takeAlerts(), ["alertname=A app=a 5 6"], "and again");
});

const outages: readonly {
  readonly name: string;
  readonly downUntil: number;
  readonly firesAt: number;
}[] = [
  { name: "the time down does not count", downUntil: 20, firesAt: 48 },
  { name: "too long: pending begins anew", downUntil: 90, firesAt: 120 },
];

for (const { name, downUntil, firesAt } of outages) {
  test(`an outage until minute ${downUntil}: ${name}`, async () => {
    const kit = new RulerTestKit();
    const yaml = "{name: g, rules: [{alert: A, expr: bad, for: 30m}]}";
    kit.answers.set("bad", [sample({ app: "a" }, 1)]);
    const before = kit.group(yaml);
    for (const minute of [0, 1, 2]) await atMinute(before, minute);
    const after = kit.group(yaml);
    for (let minute = downUntil; minute < firesAt; minute++) await atMinute(after, minute);
    assert.deepEqual(states(after), ["a pending"]);
    await atMinute(after, firesAt);
    assert.deepEqual(states(after), ["a firing"]);
  });
}

test("after an outage an alert does not fire within the grace period", async () => {
  const kit = new RulerTestKit();
  const yaml = "{name: g, rules: [{alert: A, expr: bad, for: 30m}]}";
  kit.answers.set("bad", [sample({ app: "a" }, 1)]);
  const before = kit.group(yaml);
  for (let minute = 0; minute < 29; minute++) await atMinute(before, minute);
  const after = kit.group(yaml);
  for (let minute = 40; minute < 50; minute++) await atMinute(after, minute);
  assert.deepEqual(states(after), ["a pending"]);
  await atMinute(after, 50);
  assert.deepEqual(states(after), ["a firing"]);
});

test("a changed group keeps the alerts of the rules that stayed and ends the series of others", async () => {
  const kit = new RulerTestKit();
  kit.answers.set("bad", [sample({ app: "a" }, 1)]);
  kit.answers.set("some", [sample({ app: "a" }, 7)]);
  const alert = "{alert: A, expr: bad, for: 2m}";
  const before = kit.group(`{name: g, rules: [${alert}, {record: r, expr: some}]}`);
  for (const minute of [0, 1]) await atMinute(before, minute);
  kit.takeSamples();
  const after = kit.group(`{name: g, rules: [{record: other, expr: some}, ${alert}]}`);
  after.inherit(before);
  await atMinute(after, 2);
  assert.deepEqual(states(after), ["a firing"]);
  const samples = kit.takeSamples();
  assert.equal(samples[0], '{__name__="r", app="a"} stale');
  assert.equal(samples[1], '{__name__="other", app="a"} 7');
});

test("recorded series have the rule's name and labels, and an end", async () => {
  const kit = new RulerTestKit();
  const rule = "{record: 'app:n', expr: n, labels: {team: web, gone: ''}}";
  const group = kit.group(`{name: g, query_offset: 30s, rules: [${rule}]}`);
  kit.answers.set("n", [sample({ app: "a", gone: "x" }, 1.5), sample({ app: "b" }, 2)]);
  await atMinute(group, 1);
  assert.deepEqual(kit.takeSamples(), [
    '{__name__="app:n", app="a", team="web"} 1.5',
    '{__name__="app:n", app="b", team="web"} 2',
  ]);
  assert.deepEqual(kit.asked, [{ text: "n", atMs: startMs + 30_000 }], "asked as of before");
  kit.answers.set("n", [sample({ app: "b" }, 3)]);
  await atMinute(group, 2);
  assert.deepEqual(kit.takeSamples(), [
    '{__name__="app:n", app="b", team="web"} 3',
    '{__name__="app:n", app="a", team="web"} stale',
  ]);
  kit.answers.set("n", new RequestError(500, "no answer"));
  await atMinute(group, 3);
  assert.deepEqual([kit.takeSamples(), kit.errors], [[], ["no answer"]], "unknown is not gone");
  assert.deepEqual(
    group.reports().map(({ health, lastError }) => [health, lastError]),
    [["err", "no answer"]],
  );
  await group.end(startMs + 4 * 60_000);
  assert.deepEqual(kit.takeSamples(), ['{__name__="app:n", app="b", team="web"} stale']);
});

const failures: readonly (readonly [rule: string, error: string])[] = [
  [
    "{record: r, expr: q, labels: {app: same}}",
    "vector contains metrics with the same labelset after applying rule labels",
  ],
  [
    "{alert: A, expr: q, labels: {app: same}}",
    "vector contains metrics with the same labelset after applying alert labels",
  ],
  ["{record: r, expr: q}", "exceeded limit of 1 with 2 series"],
  ["{alert: A, expr: q}", "exceeded limit of 1 with 2 alerts"],
];

for (const [rule, error] of failures) {
  test(`${rule} fails: ${error}`, async () => {
    const kit = new RulerTestKit();
    kit.answers.set("q", [sample({ app: "a" }, 1), sample({ app: "b" }, 1)]);
    const group = kit.group(`{name: g, limit: 1, rules: [${rule}]}`);
    await atMinute(group, 0);
    assert.deepEqual([kit.errors, kit.takeSamples(), kit.takeAlerts()], [[error], [], []]);
  });
}

test("alerts are written as Prometheus writes them", async () => {
  const kit = new RulerTestKit();
  kit.answers.set("q", [sample({ app: "a" }, 1)]);
  const group = kit.group("{name: g, rules: [{alert: A, expr: q, for: 1m}]}");
  await atMinute(group, 0);
  assert.deepEqual(kit.takeSamples(), [
    '{__name__="ALERTS", alertname="A", alertstate="pending", app="a"} 1',
    `{__name__="ALERTS_FOR_STATE", alertname="A", app="a"} ${startMs / 1000}`,
  ]);
  await atMinute(group, 1);
  assert.deepEqual(kit.takeSamples(), [
    '{__name__="ALERTS", alertname="A", alertstate="firing", app="a"} 1',
    `{__name__="ALERTS_FOR_STATE", alertname="A", app="a"} ${startMs / 1000}`,
    '{__name__="ALERTS", alertname="A", alertstate="pending", app="a"} stale',
  ]);
});

test("lines of an alert are those of its own labels in the time the rule looked at", async () => {
  const kit = new RulerTestKit();
  kit.lines = ["first", "second", "x".repeat(2000)];
  const expr = 'sum by (app) (rate({env="p"} |= "error" | logfmt [5m] offset 1m)) > 0';
  kit.answers.set(expr, [sample({ app: 'a"b' }, 1)]);
  const rule = { alert: "A", expr, annotations: { l: "{{ lines 2 }}", all: "{{ lines 99 }}" } };
  const group = kit.group(JSON.stringify({ name: "g", rules: [rule] }));
  await atMinute(group, 10);
  const [alert] = kit.alerts;
  assert.equal(alert?.annotations.get("l"), "first\nsecond");
  assert.equal(alert?.annotations.get("all")?.length, "first\nsecond\n".length + 1001);
  const text = '{env="p"} |= "error" | logfmt | app="a\\"b" [300000]';
  assert.deepEqual(kit.asked[1], { text, atMs: startMs + 9 * 60_000 + 1 });
});

test("a template that fails says so where it stands", async () => {
  const kit = new RulerTestKit();
  kit.answers.set("q", [sample({ app: "a" }, 1)]);
  kit.answers.set("other", new RequestError(400, "no such thing"));
  const annotations = { a: '{{ query "other" }}', b: "{{ humanize .Labels }}", c: "{{ .Value }}" };
  const rule = { alert: "A", expr: "q", annotations };
  const group = kit.group(JSON.stringify({ name: "g", rules: [rule] }));
  await atMinute(group, 0);
  const [alert] = kit.alerts;
  assert.match(alert?.annotations.get("a") ?? "", /^<error expanding template: .*no such thing>$/);
  assert.match(alert?.annotations.get("b") ?? "", /^<error expanding template: .*humanize/);
  assert.equal(alert?.annotations.get("c"), "1");
  assert.equal(kit.warnings.length, 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { parseRuleDuration, printRuleDuration } from "./rule-duration.ts";
import type { Rule, RuleGroup } from "./rule-group.ts";
import { decodeRuleGroup, encodeRuleGroup } from "./rule-proto.ts";
import {
  parseRuleFile,
  parseRuleGroup,
  parseRuleGroups,
  printRuleFile,
  printRuleGroup,
  printRuleGroups,
  RuleYamlError,
} from "./rule-yaml.ts";
import { yamlScalar } from "./yaml-text.ts";

const scalars: readonly (readonly [text: string, yaml: string])[] = [
  ["plain words", "plain words"],
  ["", '""'],
  ["true", '"true"'],
  ["yes", '"yes"'],
  ["null", '"null"'],
  ["12", '"12"'],
  ["1e3", '"1e3"'],
  ["0x1f", '"0x1f"'],
  ["1:30", '"1:30"'],
  ["2026-01-10", '"2026-01-10"'],
  ['{app="a"}', `'{app="a"}'`],
  ["it's", "it's"],
  ["'quoted'", `'''quoted'''`],
  ["a: b", "'a: b'"],
  ["a:b", "a:b"],
  ["ends with:", "'ends with:'"],
  ["a #b", "'a #b'"],
  ["a#b", "a#b"],
  ["- item", "'- item'"],
  ["-1x", "-1x"],
  [" blank", "' blank'"],
  ["tab\there", '"tab\\there"'],
  ["bell\x07", '"bell\\a"'],
  ["two\nlines", "|-\n  two\n  lines"],
  ["two\nlines\n", "|\n  two\n  lines"],
  ["ümlaut", "ümlaut"],
];

for (const [text, yaml] of scalars) {
  test(`${JSON.stringify(text)} is written ${JSON.stringify(yaml)}`, () => {
    assert.equal(yamlScalar(text, "  "), yaml);
    assert.equal(parse(`key: ${yamlScalar(text, "  ")}\n`, { version: "1.1" }).key, text);
  });
}

const durations: readonly (readonly [text: string, ms: number | undefined, printed?: string])[] = [
  ["0", 0, "0s"],
  ["1m", 60_000],
  ["90s", 90_000, "1m30s"],
  ["1h30m", 5_400_000],
  ["1d", 86_400_000],
  ["7d", 604_800_000, "1w"],
  ["365d", 365 * 86_400_000, "1y"],
  ["100ms", 100],
  ["", undefined],
  ["5", undefined],
  ["1.5h", undefined],
  ["-1m", undefined],
  ["300y", undefined],
];

for (const [text, ms, printed] of durations) {
  test(`the duration ${JSON.stringify(text)} is ${ms}`, () => {
    assert.equal(parseRuleDuration(text), ms);
    if (ms !== undefined) assert.equal(printRuleDuration(ms), printed ?? text);
  });
}

const refused: readonly string[] = [
  "name: [a]",
  "interval: bad",
  "interval: ''\nname: g",
  "limit: many",
  "rules: {a: b}",
  "rules: [text]",
  "rules: [{labels: [a]}]",
  "rules: [{for: 5}]",
  "[1, 2]",
  "text",
  "name: a\nname: b",
  "name: 'open",
];

for (const text of refused) {
  test(`no rule group: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseRuleGroup(text), RuleYamlError);
  });
}

test("what is not said is empty, what is unknown is passed over", () => {
  const nothing = { name: "", intervalMs: 0, queryOffsetMs: 0, limit: 0, rules: [] };
  assert.deepEqual(parseRuleGroup(""), nothing);
  assert.deepEqual(parseRuleGroup("name:\nunknown: {a: 1}\nrules:"), nothing);
  const [rule] = parseRuleGroup("rules: [{record: 5, expr: 1, labels: {a: 1.50}}]").rules;
  assert.deepEqual([rule?.record, rule?.expr, rule?.labels], ["5", "1", { a: "1.50" }]);
});

test("a group is printed as Loki prints it", () => {
  const group = parseRuleGroup(
    'rules: [{alert: A, expr: "{a=\\"b\\"}\\n|= `x`", for: 90s, keep_firing_for: 1h,' +
      " labels: {b2: x, b10: z, a: 'true'}}]\nname: g\nlimit: 3\ninterval: 60s\n",
  );
  const lines = [
    "name: g",
    "interval: 1m",
    "limit: 3",
    "rules:",
    "    - alert: A",
    "      expr: |-",
    '        {a="b"}',
    "        |= `x`",
    "      for: 1m30s",
    "      keep_firing_for: 1h",
    "      labels:",
    '        a: "true"',
    "        b2: x",
    "        b10: z",
    "",
  ];
  assert.equal(printRuleGroup(group), lines.join("\n"));
  const inNamespace = printRuleGroups([{ namespace: "ns", group }]).split("\n");
  assert.deepEqual(inNamespace.slice(0, 3), ["ns:", "    - name: g", "      interval: 1m"]);
});

const texts = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/),
  fc.string({ maxLength: 20 }),
);
const ruleArbitrary: fc.Arbitrary<Rule> = fc.record({
  record: fc.string({ maxLength: 8 }),
  alert: fc.string({ maxLength: 8 }),
  expr: fc.string({ maxLength: 30 }),
  forMs: fc.nat(10_000_000),
  keepFiringForMs: fc.nat(10_000_000),
  labels: texts,
  annotations: texts,
});
const groupArbitrary: fc.Arbitrary<RuleGroup> = fc.record({
  name: fc.string({ maxLength: 10 }),
  intervalMs: fc.nat(10_000_000),
  queryOffsetMs: fc.nat(10_000),
  limit: fc.nat(100),
  rules: fc.array(ruleArbitrary, { maxLength: 3 }),
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test("what is printed reads back the same, and so do bytes", () => {
  fc.assert(
    fc.property(groupArbitrary, (group) => {
      assert.deepEqual(plain(parseRuleGroup(printRuleGroup(group))), plain(group));
      const file = { namespace: "n", groups: [group] };
      assert.deepEqual(plain(parseRuleFile(printRuleFile(file))), plain(file));
      const placed = { namespace: "n", group };
      const bytes = encodeRuleGroup("tenant", placed);
      assert.deepEqual(plain(decodeRuleGroup(bytes, "key")), plain(placed));
    }),
    { seed: 8, numRuns: 300 },
  );
});

test("a group has the bytes of Loki's RuleGroupDesc", () => {
  const rule = { record: "r", alert: "", expr: "1", forMs: 0, keepFiringForMs: 0 };
  const group = {
    name: "g",
    intervalMs: 60_500,
    queryOffsetMs: 0,
    limit: 2,
    rules: [{ ...rule, labels: { a: "b" }, annotations: {} }],
  };
  const want = [
    "0a0167", // 1: name
    "12026e73", // 2: namespace
    "1a08083c1080cab5ee01", // 3: 60 s and 500,000,000 ns
    "2210", // 4: a rule
    "0a01311201722200", // 1: expr, 2: record, 4: for
    "2a060a01611201 62".replace(" ", ""), // 5: a label
    "320174", // 6: user
    "5002", // 10: limit
  ].join("");
  const bytes = encodeRuleGroup("t", { namespace: "ns", group });
  assert.equal(bytes.toString("hex"), want);
  assert.throws(() => decodeRuleGroup(bytes.subarray(0, -4), "k"), /rule group k: unexpected EOF/);
});

test("what is printed of several namespaces reads back as it was", () => {
  const group = parseRuleGroup("name: g\nrules: [{alert: A, expr: 'vector(1)', for: 1m}]\n");
  const placed = [
    { namespace: "a b", group },
    { namespace: "true", group: { ...group, name: "h" } },
  ];
  assert.deepEqual(parseRuleGroups(printRuleGroups(placed)), placed);
  assert.deepEqual(parseRuleGroups(""), []);
  assert.throws(() => parseRuleGroups("[]"), RuleYamlError);
});

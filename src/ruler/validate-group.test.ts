import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRuleFile, parseRuleGroup } from "./rule-yaml.ts";
import { validateGroups } from "./validate-group.ts";

const rules: readonly (readonly [rule: string, problem: string | undefined])[] = [
  ["{record: x, expr: vector(1)}", undefined],
  ["{record: 'a:b:c', expr: vector(1), labels: {a: b}}", undefined],
  [
    "{alert: with blanks, expr: vector(1) > 0, for: 1m, annotations: {a: '{{ $value }}'}}",
    undefined,
  ],
  ["{alert: x, expr: '{app=\"a\"}'}", undefined],
  ["{record: x, alert: y, expr: vector(1)}", "only one of 'record' and 'alert' must be set"],
  ["{expr: vector(1)}", "one of 'record' or 'alert' must be set"],
  ["{record: x}", "field 'expr' must be set in rule"],
  [
    "{record: x, expr: 'sum('}",
    "could not parse expression for record 'x' in group 'g': parse error at line 1, col 5: " +
      "syntax error: unexpected $end",
  ],
  [
    "{alert: x, expr: '{a=}'}",
    "could not parse expression for alert 'x' in group 'g': parse error at line 1, col 4: " +
      "syntax error: unexpected }, expecting STRING",
  ],
  [
    "{record: x, expr: vector(1), annotations: {a: b}}",
    "invalid field 'annotations' in recording rule",
  ],
  ["{record: x, expr: vector(1), for: 1m}", "invalid field 'for' in recording rule"],
  ["{record: a-b, expr: vector(1)}", "invalid recording rule name: a-b"],
  ["{alert: x, expr: vector(1), labels: {a-b: c}}", "invalid label name: a-b"],
  ["{alert: x, expr: vector(1), labels: {__name__: c}}", "invalid label name: __name__"],
  ["{alert: x, expr: vector(1), annotations: {a-b: c}}", "invalid annotation name: a-b"],
  [
    "{alert: x, expr: vector(1), labels: {a: '{{ nosuch }}'}}",
    'label "a": template: __alert_x:1: function "nosuch" not defined',
  ],
  [
    "{alert: x, expr: vector(1), annotations: {a: '{{ $y }}'}}",
    'annotation "a": template: __alert_x:1: undefined variable "$y"',
  ],
];

for (const [rule, problem] of rules) {
  test(`${rule}: ${problem ?? "good"}`, () => {
    const group = parseRuleGroup(`name: g\nrules: [${rule}]`);
    assert.deepEqual(validateGroups([group]), problem === undefined ? [] : [problem]);
  });
}

test("groups of a file have names of their own, and every rule is judged", () => {
  const { groups } = parseRuleFile(
    "groups: [{name: a}, {name: a, rules: [{expr: '1'}, {record: x}]}, {rules: []}]",
  );
  assert.deepEqual(validateGroups(groups), [
    'groupname: "a" is repeated in the same file',
    "one of 'record' or 'alert' must be set",
    "field 'expr' must be set in rule",
    "group 2: Groupname must not be empty",
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRuleFile, parseRuleGroup, RuleYamlError } from "./rule-yaml.ts";

for (const level of ["<<: ", "- ", "[", "{a: "]) {
  test(`rules of 8,000 levels of ${JSON.stringify(level)} are refused, not an overflow`, () => {
    const text = level.repeat(8_000);
    assert.throws(() => parseRuleFile(text), RuleYamlError);
    assert.throws(() => parseRuleGroup(text), RuleYamlError);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { completionContext } from "./completion-context.ts";

/** `‸` marks the place. */
function at(marked: string) {
  const position = marked.indexOf("‸");
  const { kind, from, name, selector, pipeline } = completionContext(
    marked.replace("‸", ""),
    position,
  );
  return { kind, name, selector, pipeline, typed: marked.slice(from, position) };
}

const kinds: readonly (readonly [string, string, string?])[] = [
  ["‸", "start"],
  ["co‸", "start", "co"],
  ["sum(‸", "start"],
  ["sum(ra‸", "start", "ra"],
  ["{‸", "label name"],
  ["{ap‸}", "label name", "ap"],
  ['{app="x", ‸', "label name"],
  ["{app‸", "label name", "app"],
  ["{app ‸", "matcher operator"],
  ["{app=‸", "label value"],
  ['{app="‸', "label value", '"'],
  ['{app="sh‸"}', "label value", '"sh'],
  ['{app=~"sh‸', "label value", '"sh'],
  ['{app="x"} ‸', "after stage"],
  ['{app="x"} | ‸', "stage"],
  ['{app="x"} | lo‸', "stage", "lo"],
  ['{app="x"} |= "‸', "nothing"],
  ['{app="x"} | json | unwrap ‸', "field"],
  ['{app="x"} | json | keep a, ‸', "field"],
  ['{app="x"} | json | status="‸', "field value", '"'],
  ['rate({app="x"}[‸', "range"],
  ['rate({app="x"}[5‸', "range", "5"],
  ["sum by (‸", "grouping"],
  ['sum by (app, na‸) (rate({app="x"}[5m]))', "grouping", "na"],
  ["# by (‸", "nothing"],
];

for (const [marked, kind, typed = ""] of kinds) {
  test(`${marked} wants ${kind}`, () => {
    const found = at(marked);
    assert.equal(found.kind, kind);
    if (kind !== "nothing") assert.equal(found.typed, typed);
  });
}

test("values are asked for the other matchers, before and after the place", () => {
  const found = at('{a="1", app="‸", b!="2"} | json');
  assert.equal(found.name, "app");
  assert.equal(found.selector, '{a="1", b!="2"}');
});

test("fields are asked for the pipeline before the stage", () => {
  assert.equal(at('sum(rate({a="1"} |= "x" | json | ‸').pipeline, '{a="1"} |= "x" | json');
  const value = at('{a="1"} | json | status="‸');
  assert.deepEqual([value.name, value.pipeline], ["status", '{a="1"} | json']);
});

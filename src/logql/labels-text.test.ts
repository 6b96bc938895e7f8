import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import { Labels } from "#model";
import { parseLabelPairs, parseLabels } from "./labels-text.ts";

test("labels may stand in any order and with any space", () => {
  const cases: readonly (readonly [text: string, record: Record<string, string>])[] = [
    ['{b="2", a="1"}', { a: "1", b: "2" }],
    ['{a="1",b="2"}', { a: "1", b: "2" }],
    [' { a = "1" ,\n\tb="2", } ', { a: "1", b: "2" }],
    ['{a="say \\"hi\\"\\n\\u00e9"}', { a: 'say "hi"\né' }],
    ["{a=`\\n`,b='x'}", { a: "\\n", b: "x" }],
    ['{by="1"}', { by: "1" }],
    ["{}", {}],
    ["", {}],
    ['up{a="1"}', { __name__: "up", a: "1" }],
  ];
  for (const [text, record] of cases) assert.deepEqual(parseLabels(text).toRecord(), record);
});

test("a repeated name is kept in the pairs and the last one counts in the labels", () => {
  const text = '{b="x", a="1", a="2"}';
  assert.deepEqual(parseLabelPairs(text), [
    ["a", "1"],
    ["a", "2"],
    ["b", "x"],
  ]);
  assert.equal(parseLabels(text).toString(), '{a="2", b="x"}');
});

const faults: readonly (readonly [text: string, fault: string])[] = [
  ['{a="1"', "1:7: parse error: unexpected end of input inside braces"],
  ['{a="1"\n', "2:1: parse error: unexpected end of input inside braces"],
  ['a="1"', '1:2: parse error: unexpected "="'],
  ['{a="1"} b', '1:9: parse error: unexpected identifier "b"'],
  ['{a!="1"}', '1:3: parse error: unexpected <op:!=> in label set, expected "="'],
  ['{a b="1"}', '1:4: parse error: unexpected identifier "b" in label set, expected "="'],
  ['{="1"}', '1:2: parse error: unexpected "=" in label set, expected identifier or "}"'],
  ["{a=b}", '1:4: parse error: unexpected identifier "b" in label set, expected string'],
  [
    '{a="1" b="2"}',
    '1:8: parse error: unexpected identifier "b" in label set, expected "," or "}"',
  ],
  ['{a="é",é="1"}', "1:9: parse error: unexpected character inside braces: 'é'"],
  ['{a="1', "1:4: parse error: unterminated quoted string"],
];

for (const [text, fault] of faults) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    const error = new RequestError(400, `couldn't parse labels: ${fault}`);
    assert.throws(() => parseLabels(text), error);
  });
}

test("the text of labels reads back as the same labels", () => {
  const pair = fc.tuple(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,5}$/), fc.string());
  const check = (pairs: [string, string][]) => {
    const labels = Labels.of(pairs);
    assert.deepEqual(parseLabels(labels.toString()).pairs, labels.pairs);
  };
  fc.assert(fc.property(fc.array(pair), check), { seed: 3, numRuns: 300 });
});

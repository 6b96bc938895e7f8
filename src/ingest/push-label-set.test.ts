import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { type LabelPair, Labels } from "#model";
import fc from "fast-check";
import { parseLabelSet } from "./push-label-set.ts";

const read: readonly (readonly [text: string, pairs: readonly LabelPair[]])[] = [
  ["", []],
  ["{}", []],
  [
    "{ b = \"2\" , app='a' }",
    [
      ["b", "2"],
      ["app", "a"],
    ],
  ],
  ['{app="a",}', [["app", "a"]]],
  ["{app=`a\\n`}", [["app", "a\\n"]]],
  ['{app="a\\"q\\\\\\n\\x41\\101\\u00e9\\U0001f600"}', [["app", 'a"q\\\nAAé😀']]],
  [
    '{a="1",a="2"}',
    [
      ["a", "1"],
      ["a", "2"],
    ],
  ],
  [
    'up{a="1"}',
    [
      ["__name__", "up"],
      ["a", "1"],
    ],
  ],
];
for (const [text, pairs] of read) {
  test(`${text} is read`, () => assert.deepEqual(parseLabelSet(text), pairs));
}

const refused: readonly (readonly [text: string, message: string])[] = [
  ['{app="a", b-c="x"}', "1:12: parse error: unexpected character inside braces: '-'"],
  ['{app="a", ключ="x"}', "1:11: parse error: unexpected character inside braces: 'к'"],
  ['{app="é", b-c="x"}', "1:13: parse error: unexpected character inside braces: '-'"],
  ['{="x"}', '1:2: parse error: unexpected "=" in label set, expected identifier or "}"'],
  ['{b c="x"}', '1:4: parse error: unexpected identifier "c" in label set, expected "="'],
  ['{app="a"', "1:9: parse error: unexpected end of input inside braces"],
  ['app="a"', '1:4: parse error: unexpected "="'],
  ['{app!="a"}', '1:5: parse error: unexpected <op:!=> in label set, expected "="'],
  ["{app=a}", '1:6: parse error: unexpected identifier "a" in label set, expected string'],
  [
    '{a="1" abcdefghijkl="2"}',
    '1:8: parse error: unexpected identifier "abcdefghij"... in label set, expected "," or "}"',
  ],
  ['{a="1', "1:4: parse error: unterminated quoted string"],
  ["{a=`1", "1:4: parse error: unterminated raw string"],
  ['{a="\\q"}', "1:4: parse error: unknown escape sequence U+0071 'q'"],
  ['{a="1"} x', '1:9: parse error: unexpected identifier "x"'],
  ['{\na="1",-}', "2:7: parse error: unexpected character inside braces: '-'"],
];
for (const [text, message] of refused) {
  test(`${JSON.stringify(text)} is refused: ${message}`, () => {
    assert.throws(
      () => parseLabelSet(text),
      (error) =>
        error instanceof RequestError &&
        error.status === 400 &&
        error.message === `couldn't parse labels: ${message}`,
    );
  });
}

test("labels as Skald prints them are read back", () => {
  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/);
  const value = fc.string({ unit: "grapheme", maxLength: 12 });
  const property = fc.property(fc.dictionary(name, value, { maxKeys: 5 }), (record) => {
    const labels = Labels.from(record);
    assert.deepEqual(parseLabelSet(labels.toString()), labels.pairs);
  });
  fc.assert(property, { seed: 6, numRuns: 300 });
});

test("whatever text comes, nothing but a RequestError goes out", () => {
  const piece = fc.constantFrom("{", "}", "a", "=", '"', "`", ",", "\\", "!", "~", " ", "é", "\n");
  const property = fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    try {
      parseLabelSet(pieces.join(""));
    } catch (error) {
      assert.ok(error instanceof RequestError);
    }
  });
  fc.assert(property, { seed: 7, numRuns: 2000 });
});

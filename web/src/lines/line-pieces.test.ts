import assert from "node:assert/strict";
import { test } from "node:test";
import { markersOf } from "./highlight.ts";
import { linePieces, prettyJson, shownCharsMax } from "./line-pieces.ts";

const look = { markers: [], isPretty: false, isWhole: false };

test("a mark goes through terminal colours", () => {
  const markers = markersOf('{a="b"} |= "order 1"');
  const pieces = linePieces("an \u001b[31mord\u001b[0mer 12", { ...look, markers });
  const shown = pieces.map(({ text, isMarked }) => (isMarked ? `[${text}]` : text));
  assert.deepEqual(shown, ["an ", "[ord]", "[er 1]", "2"]);
});

const pretty: readonly (readonly [string, string | undefined])[] = [
  ['{"a":1}', '{\n  "a": 1\n}'],
  [
    '{"a":[1,{"b":"x, {y}"}],"c":{}}',
    '{\n  "a": [\n    1,\n    {\n      "b": "x, {y}"\n    }\n  ],\n  "c": {}\n}',
  ],
  ['{"id":12345678901234567890}', '{\n  "id": 12345678901234567890\n}'],
  ['{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}'],
  ["[]", "[]"],
  ["level=info", undefined],
  ['{"a":', undefined],
  ["{a}", undefined],
];

for (const [line, expected] of pretty) {
  test(`JSON of ${line}`, () => assert.equal(prettyJson(line), expected));
}

test("parts of JSON are told apart", () => {
  const pieces = linePieces('{"k":"v","n":-1.5e3,"t":null}', { ...look, isPretty: true });
  const parts = pieces.flatMap(({ text, part }) => (part === undefined ? [] : [[text, part]]));
  assert.deepEqual(parts, [
    ['"k":', "key"],
    ['"v"', "string"],
    ['"n":', "key"],
    ["-1.5e3", "number"],
    ['"t":', "key"],
    ["null", "word"],
  ]);
});

test("a very long line is cut, unless the whole is wanted", () => {
  const line = "x".repeat(shownCharsMax + 1);
  assert.equal(linePieces(line, look)[0]!.text.length, shownCharsMax + 2);
  assert.equal(linePieces(line, { ...look, isWhole: true })[0]!.text.length, line.length);
});

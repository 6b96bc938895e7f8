import assert from "node:assert/strict";
import { test } from "node:test";
import { ansiPieces, withoutAnsi } from "./ansi.ts";

const e = "\u001b";
const rows: readonly (readonly [string, string, readonly (readonly [string, object])[]])[] = [
  ["plain text is one piece", "a b", [["a b", {}]]],
  [
    "a colour up to its reset",
    `${e}[31mred${e}[0m on`,
    [
      ["red", { color: "red" }],
      ["on", {}],
    ],
  ],
  [
    "an empty sequence resets",
    `${e}[1;92mok${e}[m`,
    [["ok", { color: "bright-green", isBold: true }]],
  ],
  ["256 colours", `${e}[38;5;196mx`, [["x", { color: "#ff0000" }]]],
  ["greys", `${e}[48;5;232mx`, [["x", { background: "#080808" }]]],
  ["true colour", `${e}[38;2;1;2;300mx`, [["x", { color: "#0102ff" }]]],
  ["movement and titles are left out", `${e}[2K${e}]0;title\u0007x`, [["x", {}]]],
  ["an unfinished sequence is left out", `x${e}[31`, [["x", {}]]],
  ["markup stays text", `${e}[31m<script>`, [["<script>", { color: "red" }]]],
];

for (const [claim, text, expected] of rows) {
  test(claim, () => {
    const pieces = ansiPieces(text).map(({ text: part, style }) => [part.trim(), style]);
    assert.deepEqual(pieces, expected);
  });
}

test("pieces joined are the text without sequences", () => {
  const text = `a${e}[31mb${e}[0;1mc${e}[39md${e}(B`;
  assert.equal(
    ansiPieces(text)
      .map((piece) => piece.text)
      .join(""),
    withoutAnsi(text),
  );
});

test("nonsense in colours never gets into a style", () => {
  for (const code of ["38;2;;;", "38;2;a", "38;5;999", "38;5", "38", "48;9;1"]) {
    for (const { style } of ansiPieces(`${e}[${code.replace("a", "1")}mx`)) {
      for (const color of [style.color, style.background]) {
        if (color !== undefined) assert.match(color, /^#[0-9a-f]{6}$|^[a-z-]+$/);
      }
    }
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { shortenText } from "./shorten-text.ts";

test("a text at the limit stays, one past it loses its middle", () => {
  const lengthMax = 40;
  assert.equal(shortenText("a".repeat(40), { lengthMax }), "a".repeat(40));
  const short = shortenText(`begin${"-".repeat(90)}end`, { lengthMax });
  assert.match(short, /^begin-+ … 98 characters … -+end$/);
  assert.equal(short.length, lengthMax);
});

test("no character is cut in half", () => {
  for (let lengthMax = 30; lengthMax < 60; lengthMax++) {
    const short = shortenText("💧".repeat(100), { lengthMax });
    assert.ok(short.isWellFormed() && short.length <= lengthMax, short);
  }
});

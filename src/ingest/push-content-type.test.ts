import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { parseMediaType } from "./push-content-type.ts";

const read: readonly (readonly [header: string, media: string])[] = [
  ["application/json", "application/json"],
  ["Application/JSON; charset=utf-8", "application/json"],
  ['application/json;a="b;c" ; d=e;', "application/json"],
  ["text", "text"],
];
for (const [header, media] of read) {
  test(`${header} is ${media}`, () => assert.equal(parseMediaType(header), media));
}

const refused: readonly (readonly [header: string | undefined, message: string])[] = [
  [undefined, "mime: no media type"],
  ["", "mime: no media type"],
  ["; a=b", "mime: no media type"],
  ["text json", "mime: expected slash after first token"],
  ["text/", "mime: expected token after slash"],
  ["bad/type/x", "mime: unexpected content after media subtype"],
  ["text/json; =x", "mime: invalid media parameter"],
  ["text/json; a=b; a=c", "mime: duplicate parameter name"],
];
for (const [header, message] of refused) {
  test(`${String(header)} is refused: ${message}`, () => {
    assert.throws(() => parseMediaType(header), new RequestError(400, message));
  });
}

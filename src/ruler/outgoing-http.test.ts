import assert from "node:assert/strict";
import { test } from "node:test";
import { splitUserInfo } from "./outgoing-http.ts";

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

const cases: readonly (readonly [text: string, url: string, authorization: string | undefined])[] =
  [
    ["http://h:9093/x", "http://h:9093/x", undefined],
    ["http://u:p%40ss@h/x", "http://h/x", basic("u:p@ss")],
    ["http://u@h/x", "http://h/x", basic("u:")],
    ["http://u:100%er@h/x", "http://h/x", basic("u:100%er")],
    ["http://%ff:p@h/x", "http://h/x", basic("%ff:p")],
    ["no address", "no address", undefined],
  ];

for (const [text, url, authorization] of cases) {
  test(`user and password of ${text} go into a header`, () => {
    const split = splitUserInfo(text);
    assert.equal(split.url, url);
    assert.equal(split.headers["Authorization"], authorization);
  });
}

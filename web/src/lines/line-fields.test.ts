import assert from "node:assert/strict";
import { test } from "node:test";
import { lineFields } from "./line-fields.ts";

test("the first names of JSON, nested ones joined", () => {
  const line = '{"msg":"hi","http":{"status-code":200},"tags":["a"],"ok":true,"none":null,"1st":1}';
  assert.deepEqual(lineFields(line), {
    kind: "json",
    fields: [
      ["msg", "hi"],
      ["http_status_code", "200"],
      ["ok", "true"],
      ["_1st", "1"],
    ],
  });
});

test("pairs of logfmt, quoted ones with escapes", () => {
  assert.deepEqual(lineFields('level=info msg="say \\"hi\\"" took=3ms'), {
    kind: "logfmt",
    fields: [
      ["level", "info"],
      ["msg", 'say "hi"'],
      ["took", "3ms"],
    ],
  });
});

for (const line of ["plain text", "a=b only", "{broken", "[1]", ""]) {
  test(`no fields in ${JSON.stringify(line)}`, () => assert.equal(lineFields(line), undefined));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { snippetsFor } from "./snippets.ts";

test("every snippet names the server, and the tenant when there is one", () => {
  for (const { title, text } of snippetsFor({ url: "https://logs.example/x", tenant: "team-a" })) {
    assert.match(text, /logs\.example/, title);
    assert.match(text, /\/x/, title);
    assert.match(text, /team-a/, title);
  }
  for (const { title, text } of snippetsFor({ url: "http://127.0.0.1:3100", tenant: "" })) {
    assert.match(text, /127\.0\.0\.1/, title);
    assert.match(text, /3100/, title);
    assert.doesNotMatch(text, /tenant|OrgID/i, title);
  }
});

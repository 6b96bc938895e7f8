import assert from "node:assert/strict";
import { test } from "node:test";
import { snippetsFor } from "./snippets.ts";

test("every snippet names the server, the tenant and the place of the token when they are needed", () => {
  for (const { title, text } of snippetsFor({
    url: "https://logs.example/x",
    tenant: "team-a",
    needsToken: true,
  })) {
    assert.match(text, /logs\.example/, title);
    assert.match(text, /\/x/, title);
    assert.match(text, /team-a/, title);
    assert.match(text, /YOUR_TOKEN/, title);
  }
  for (const { title, text } of snippetsFor({
    url: "http://127.0.0.1:3100",
    tenant: "",
    needsToken: false,
  })) {
    assert.match(text, /127\.0\.0\.1/, title);
    assert.match(text, /3100/, title);
    assert.doesNotMatch(text, /tenant|OrgID|token|authorization/i, title);
  }
});

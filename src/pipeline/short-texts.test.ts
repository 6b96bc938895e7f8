import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asciiText } from "./short-texts.ts";

test("whatever came before, the text is that of the bytes", () => {
  const text = fc.oneof(
    fc.constantFrom("", "info", "INFO", "infp", "GET", "503"),
    fc.string({ unit: "grapheme-ascii", maxLength: 30 }),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), (texts) => {
      const bytes = Buffer.from(texts.join(""));
      let at = 0;
      for (const one of texts) {
        assert.equal(asciiText(bytes, at, at + one.length), one);
        at += one.length;
      }
    }),
    { seed: 444, numRuns: 200 },
  );
});

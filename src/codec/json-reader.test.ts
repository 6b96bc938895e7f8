import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import fc from "fast-check";
import { JsonReader } from "./json-reader.ts";

/** Reads any value through the reader, to compare with JSON.parse. */
function read(reader: JsonReader): unknown {
  switch (reader.peek()) {
    case 0x22:
      return reader.text();
    case 0x7b: {
      reader.expect(0x7b);
      const entries: [string, unknown][] = [];
      for (let first = true; reader.more(0x7d, first); first = false) {
        const key = reader.keyText();
        entries.push([key, read(reader)]);
      }
      return Object.fromEntries(entries);
    }
    case 0x5b: {
      reader.expect(0x5b);
      const items: unknown[] = [];
      for (let first = true; reader.more(0x5d, first); first = false) items.push(read(reader));
      return items;
    }
    default:
      return JSON.parse(reader.scalar());
  }
}

test("it reads what JSON.parse reads", () => {
  const property = fc.property(fc.json(), fc.nat(2), (json, indent) => {
    const text = JSON.stringify(JSON.parse(json), null, indent);
    assert.deepEqual(read(new JsonReader(Buffer.from(text))), JSON.parse(text));
    const skipped = new JsonReader(Buffer.from(`${text} rest`));
    skipped.skip();
    assert.equal(skipped.bytes.toString("utf8", skipped.from, skipped.to), text);
  });
  fc.assert(property, { seed: 2, numRuns: 300 });
});

test("strings are unescaped in place", () => {
  const property = fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (value) => {
    const escaped = JSON.stringify(value).replace(
      /[^\x20-\x7e]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    assert.equal(new JsonReader(Buffer.from(escaped)).text(), value);
  });
  fc.assert(property, { seed: 3, numRuns: 300 });
});

const strings: readonly (readonly [json: string, value: string])[] = [
  ['"\\u00e9\\uD83D\\ude00\\/"', "é😀/"],
  ['"\\ud800x"', "\ufffdx"],
  ['"\\udc00"', "\ufffd"],
  ['"\\ud800\\u0041"', "\ufffdA"],
  ['"a\\\\b\\"c"', 'a\\b"c'],
  ['"raw\nnewline"', "raw\nnewline"],
];
for (const [json, value] of strings) {
  test(`${json} is ${JSON.stringify(value)}`, () => {
    assert.equal(new JsonReader(Buffer.from(json)).text(), value);
  });
}

const broken = [
  "",
  " ",
  '"',
  '"\\',
  '"\\q"',
  '"\\u12"',
  "[1",
  "[1,]",
  "{",
  '{"a"',
  '{"a":}',
  "tru",
  "+1",
  "-x",
];
for (const json of broken) {
  test(`${JSON.stringify(json)} is refused`, () => {
    const refused = (error: unknown): boolean =>
      error instanceof RequestError && error.status === 400;
    assert.throws(() => read(new JsonReader(Buffer.from(json))), refused);
  });
}

test("nesting is bounded when values are passed over", () => {
  const nested = (depth: number): Buffer => Buffer.from("[".repeat(depth) + "]".repeat(depth));
  new JsonReader(nested(JsonReader.depthMax)).skip();
  assert.throws(() => new JsonReader(nested(JsonReader.depthMax + 1)).skip(), RequestError);
});

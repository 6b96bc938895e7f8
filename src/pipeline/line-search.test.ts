import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeMatcher } from "#logql";
import { blockOf, runStages } from "./testing-block.ts";

const runs = { numRuns: 150, seed: 20260110 };

/** Pieces that make hits, near misses, borders and many bytes a character likely. */
const piece = fc.constantFrom(
  "ab",
  "abc",
  "b",
  "x",
  " ",
  "é",
  "日本",
  "\n",
  "503",
  "",
  "\u0000",
  "AB",
);
const line = fc.oneof(
  { weight: 9, arbitrary: fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")) },
  { weight: 1, arbitrary: fc.constant(`${"x".repeat(20_000)}abc`) },
);
const asciiLine = line.map((text) => text.replace(/[^ -~]/g, ""));
const block = fc.oneof(
  fc.array(line, { maxLength: 40 }),
  fc.array(asciiLine, { minLength: 1, maxLength: 60 }),
);

/** Each filter with what it means for one line. */
const filters: [stage: string, test: (line: string) => boolean][] = [
  [`|= "abc"`, (text) => text.includes("abc")],
  [`!= "ab"`, (text) => !text.includes("ab")],
  [`|= "b\\nx"`, (text) => text.includes("b\nx")],
  [`|= "\\n"`, (text) => text.includes("\n")],
  [`|= "日本" or "503"`, (text) => text.includes("日本") || text.includes("503")],
  [`!= "x" or "b"`, (text) => !text.includes("x") && !text.includes("b")],
  [`|~ "^ab"`, (text) => text.startsWith("ab")],
  [`|~ "c$"`, (text) => text.endsWith("c")],
  [`|~ "^$"`, (text) => text === ""],
  [`|~ "(?i)ABC"`, (text) => text.toLowerCase().includes("abc")],
  [`|~ "a.c|é"`, (text) => /a[^\n]c|é/u.test(text)],
  [`|~ "ab.*503"`, (text) => /ab[^\n]*503/u.test(text)],
  [`!~ "b+x"`, (text) => !/b+x/u.test(text)],
  [`|~ "x*"`, () => true],
  [`|= ""`, () => true],
];

test("searching the block finds what looking at each line finds", () => {
  const chosen = fc.array(fc.constantFrom(...filters), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(block, chosen, (lines, stages) => {
      const entries = lines.map((text) => ({ line: text }));
      const query = stages.map(([stage]) => stage).join(" ");
      const found = runStages(query, blockOf(entries), (row) => row.index);
      const want = [...lines.keys()].filter((i) => stages.every(([, holds]) => holds(lines[i]!)));
      assert.deepEqual(found, want);
    }),
    runs,
  );
});

test("filters behind a stage find the same as filters in front", () => {
  fc.assert(
    fc.property(block, fc.constantFrom(...filters), (lines, [stage]) => {
      const entries = blockOf(lines.map((text) => ({ line: text })));
      const take = (row: { index: number }): number => row.index;
      assert.deepEqual(
        runStages(`| app="shop" ${stage}`, entries, take),
        runStages(stage, entries, take),
      );
    }),
    runs,
  );
});

test("a label filter that implies a line filter drops nothing it should keep", () => {
  const value = fc.constantFrom("503", "abc", "x.y", "5\u0030" + "3", "50", "a503b");
  const escaped = fc.tuple(value, fc.boolean()).map(([text, escapes]) => {
    if (!escapes) return JSON.stringify(text);
    const first = text.charCodeAt(0).toString(16).padStart(4, "0");
    return `"\\u${first}${text.slice(1)}"`;
  });
  const entry = fc.record({ a: escaped, noise: value });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), value, (entries, wanted) => {
      const lines = entries.map(({ a, noise }) => `{"n":"${noise}","a":${a}}`);
      const found = runStages(
        `| json | a="${wanted}"`,
        blockOf(lines.map((text) => ({ line: text }))),
        (row) => row.index,
      );
      const holds = makeMatcher("a", "=", wanted).test;
      const want = [...lines.keys()].filter((i) => holds(JSON.parse(lines[i]!).a));
      assert.deepEqual(found, want);
    }),
    runs,
  );
});

test("metadata of the name switches an implied line filter off", () => {
  const entries = [{ line: "{}", metadata: { a: "503" } }, { line: `{"a":"503"}` }];
  const found = runStages(`| json | a="503"`, blockOf(entries), (row) => row.index);
  assert.deepEqual(found, [0, 1]);
});

test("rows come in the order asked for and stop when the sink says so", () => {
  const entries = ["x1", "y", "x2", "x3"].map((text) => ({ line: text }));
  const seen: number[] = [];
  runStages(`|= "x"`, blockOf(entries), (row) => seen.push(row.index));
  assert.deepEqual(seen, [0, 2, 3]);
});

test("a long hostile line costs a block no more than linear time", () => {
  const lines = ["x", "a".repeat(256 * 1024), "aab"];
  for (const source of ["[ab]a*b$", "a*a*c", "(?:a|b)*a[ab]*c", "^a*a*c"]) {
    const start = performance.now();
    const block = blockOf(lines.map((line) => ({ line })));
    const passing = runStages(`|~ "${source}|zz"`, block, (row) => row.index);
    assert.ok(passing.length <= 2, source);
    assert.ok(performance.now() - start < 1500, `${source}: ${performance.now() - start} ms`);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePipeline } from "./compile.ts";
import { blockOf, labelWords, logOf, runStages } from "./testing-block.ts";

const claims: [unwrap: string, line: string, want: (number | string)[][]][] = [
  ["unwrap v", "v=1.5 a=x", [[1.5, "a=x", ""]]],
  ["unwrap v", "a=x", []],
  ["unwrap duration(v)", "v=1m0.5s", [[60.5, "", ""]]],
  ["unwrap duration_seconds(v)", "v=250ms", [[0.25, "", ""]]],
  ["unwrap bytes(v)", `v="2 KB"`, [[2000, "", ""]]],
  ["unwrap v | v > 2", "v=1", []],
  [`unwrap v | __error__=""`, "v=x", []],
];

for (const [unwrap, line, want] of claims) {
  test(`| logfmt | ${unwrap} over ${line}`, () => {
    const query = `sum_over_time({app="shop"} | logfmt | ${unwrap} [1m])`;
    const rows = runStages(query, blockOf([{ line }]), (row) => [
      row.value,
      labelWords(row),
      row.error,
    ]);
    assert.deepEqual(rows, want);
  });
}

test("a value that does not convert is a fatal error", () => {
  const query = `sum_over_time({app="shop"} | logfmt | unwrap v [1m])`;
  const rows = runStages(query, blockOf([{ line: "v=x" }]), (row) => [row.error, row.isErrorFatal]);
  assert.deepEqual(rows, [["SampleExtractionErr", true]]);
});

test("a parser's error is not fatal where the query compares __error__", () => {
  const take = (row: { isErrorFatal: boolean }): boolean => row.isErrorFatal;
  const block = blockOf([{ line: "x" }]);
  const wanted = { labelsWanted: ["a"] };
  assert.deepEqual(runStages("| json", block, take, wanted), [true]);
  assert.deepEqual(runStages(`| json | __error__!=""`, block, take, wanted), [false]);
});

test("a parser nobody reads from does not run", () => {
  const take = (row: { error: string }): string => row.error;
  const options = { labelsWanted: [], lineWanted: "no" as const };
  assert.deepEqual(runStages("| json", blockOf([{ line: "x" }]), take, options), [""]);
});

test("columns are asked for only when somebody reads them", () => {
  const needs = (query: string, labelsWanted: string[], lineWanted: "no" | "length" | "bytes") => {
    const { log, unwrap } = logOf(query);
    return compilePipeline(log, { labelsWanted, lineWanted, unwrap, nowNs: () => 0n }).needs;
  };
  const errors = ["__error__", "__error_details__"];
  const none = { lines: false, lengths: false, metadata: errors };
  assert.deepEqual(needs(`{app="shop"}`, [], "no"), none);
  assert.deepEqual(needs(`{app="shop"}`, [], "length"), { ...none, lengths: true });
  assert.deepEqual(needs(`{app="shop"} | line_format "x"`, [], "no"), none);
  const search = { filters: '|= "x"', keepsLines: false };
  assert.deepEqual(needs(`{app="shop"} |= "x"`, [], "no"), { ...none, lines: true, search });
  assert.equal(needs(`{app="shop"} |= "x" | json`, ["a"], "no").search?.keepsLines, true);
  assert.deepEqual(needs(`{app="shop"} | m="x"`, [], "no"), {
    ...none,
    metadata: [...errors, "m"],
  });
  assert.equal(needs(`{app="shop"} | decolorize`, [], "length").lines, true);
});

const skipClaims: [stages: string, terms: string[][]][] = [
  [`|= "needle"`, [["needle"]]],
  [`|= "a1" or "b2"`, [["a1", "b2"]]],
  [`!= "needle"`, []],
  [`|= "" |= "x"`, [["x"]]],
  [`|> "<_>one<_>two"`, [["one"], ["two"]]],
  [`|= "x" or ip("10.0.0.1")`, []],
  [`| json |= "late"`, []],
];

for (const [stages, terms] of skipClaims) {
  test(`${stages} lets stores skip by ${JSON.stringify(terms)}`, () => {
    const { log } = logOf(`{app="shop"} ${stages}`);
    const options = { labelsWanted: "all" as const, unwrap: undefined, nowNs: () => 0n };
    const { lineTerms } = compilePipeline(log, options).skip;
    assert.deepEqual(
      lineTerms.map((term) => term.map((bytes) => bytes.toString())),
      terms,
    );
  });
}

test("the unwrapped label leaves the entry unless somebody names it", () => {
  const block = blockOf([{ line: "v=5" }]);
  const query = `sum_over_time({app="shop"} | logfmt | unwrap v [1m])`;
  const label = (labelsWanted: "all" | string[]): (string | undefined)[] =>
    runStages(query, block, (row) => row.label("v"), { labelsWanted });
  assert.deepEqual(label("all"), [undefined]);
  assert.deepEqual(label(["v"]), ["5"]);
});

test("a query that groups by __error__ keeps parser errors, not spoofed ones", () => {
  const block = blockOf([{ line: "{" }, { line: `{"__error__":"spoof"}` }]);
  const fatal = runStages("| json", block, (row) => row.isErrorFatal, {
    labelsWanted: ["__error__"],
  });
  assert.deepEqual(fatal, [false, true]);
});

const labelClaims: [stages: string, terms: string[]][] = [
  [`| json | trace_id="abc"`, ["trace_id=abc by abc or \\u00"]],
  [`|= "x" | logfmt | a="abc" and b="def" | c="ghi"`, ["a=abc", "b=def", "c=ghi"]],
  [`| trace_id="x y"`, ["trace_id=x y by nothing"]],
  [`| a="no parser yet" | json | b="abc"`, ["a=no parser yet by nothing", "b=abc"]],
  [`| json | a="abc" or b="abc"`, []],
  [`| json | a!="abc"`, []],
  [`| json | a=~"abc"`, []],
  [`| json | a=""`, []],
  [`| json | a="x y"`, []],
  [`| json | a="ab"`, []],
  [`| json | a_extracted="abc"`, []],
  [`| json | __error__="abc"`, []],
  [`| json | label_format a=b | a="abc"`, []],
  [`| line_format "x" | json | a="abc"`, []],
  [`| json | drop b | a="abc"`, ["a=abc"]],
];
for (const [stages, terms] of labelClaims) {
  test(`${stages} lets stores skip by labels ${JSON.stringify(terms)}`, () => {
    const { log } = logOf(`{app="shop"} ${stages}`);
    const options = { labelsWanted: "all" as const, unwrap: undefined, nowNs: () => 0n };
    const found = (compilePipeline(log, options).skip.labelTerms ?? []).map(
      ({ name, value, lines }) => `${name}=${value} by ${lines?.join(" or ") ?? "nothing"}`,
    );
    assert.equal(found.length, terms.length, found.join());
    for (const [i, term] of terms.entries()) assert.equal(found[i]?.startsWith(term), true, term);
  });
}

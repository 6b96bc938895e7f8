/** Expressions made to ruin a backtracking engine, on texts long enough to show it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex, RegexSyntaxError } from "./regex.ts";

/**
 * A linear run takes some 10 ms on a text of 50,000; a quadratic one seconds, an exponential one
 * for ever.
 */
const durationMaxMs = 2000;
const n = 50_000;

const cases: readonly (readonly [source: string, text: string])[] = [
  ["(a+)+$", `${"a".repeat(n)}b`],
  ["a+$", `${"a".repeat(n)}b`],
  ["(a|aa)*c", "a".repeat(n)],
  ["(.*)(.*)(.*)(.*)(.*)x", "a".repeat(n)],
  ["(|a)*$x", "a".repeat(n)],
  ["(?:(a)|b)*c", "ab".repeat(n / 2)],
  ["(?m)(a+)+$x", `\n${"a".repeat(n)}`],
  ["(a*)*b", "a".repeat(n)],
  ["(?i)(é+)+k$", "é".repeat(n)],
  ["(\\w+\\s?)+$", `${"word ".repeat(n / 5)}!`],
  ["(x+x+)+y", "x".repeat(n)],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(n)],
  ["foo.*bar.*baz", "foobar".repeat(n / 6)],
  ["(?:a?){20}a{20}b", "a".repeat(2000)],
  ["(a{0,100})*b", "a".repeat(2000)],
  ["(x+x+)+y", "x".repeat(30)],
  [`(a|b)*?${"\\bq?".repeat(40)}\\bq.`, "a".repeat(2000)],
  [`(?:(?:a|b)*?${"\\bq?".repeat(5)}){9}z`, "a".repeat(2000)],
];

for (const [source, text] of cases) {
  test(`${source} on ${text.length} characters`, () => {
    const regex = compileRegex(source, { anchored: false });
    const start = performance.now();
    assert.equal(regex.test(text), false);
    assert.equal(regex.find(text), undefined);
    const block = regex.blockEngines?.linear;
    if (block !== undefined && !text.includes("é")) {
      block.lastIndex = 0;
      assert.equal(block.test(`${text}\n`), false);
    }
    const durationMs = performance.now() - start;
    assert.ok(durationMs < durationMaxMs, `took ${durationMs} ms`);
  });
}

test("a line of the greatest fast length takes bounded time in a block", () => {
  for (const source of ["^a*a*b", "[ab]a*b", "^(?:a|b)?a*[ab]*c"]) {
    const block = compileRegex(source, { anchored: false }).blockEngines;
    assert.ok(block !== undefined, source);
    const start = performance.now();
    block.fast.lastIndex = 0;
    assert.equal(block.fast.test(`${"a".repeat(block.fastLengthMax)}\n`), false);
    assert.ok(performance.now() - start < durationMaxMs, source);
  }
});

test("a text larger than the fast engine's stack is matched all the same", () => {
  const regex = compileRegex("(?:ab|cd){2}[a-d]*(?:ab|cd)$", { anchored: false });
  assert.equal(regex.test("abcd".repeat(500_000)), true);
});

/** As long as a whole query may be. */
const sourceLength = 131_072;
const compileCpuMsMax = 1_000;
const long: readonly (readonly [what: string, source: string])[] = [
  ["one literal", `x${"- ".repeat(sourceLength / 2)}.*`],
  ["a literal behind a choice", `(a|b|c)${"xyz".repeat(sourceLength / 3)}.`],
  ["literals between dots", "ab.".repeat(sourceLength / 3)],
  ["choices", "[ab]".repeat(sourceLength / 4)],
];

for (const [what, source] of long) {
  test(`${sourceLength} characters of ${what} compile in time, or are refused`, () => {
    const before = process.threadCpuUsage();
    try {
      compileRegex(source, { anchored: true });
    } catch (error) {
      assert.ok(error instanceof RegexSyntaxError, String(error));
    }
    const { user, system } = process.threadCpuUsage(before);
    const cpuMs = (user + system) / 1000;
    assert.ok(cpuMs < compileCpuMsMax, `${Math.round(cpuMs)} ms`);
  });
}

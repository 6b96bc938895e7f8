/**
 * The translation, the own matcher and an independent RE2 (re2js) must agree on random expressions
 * and texts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { type Regex, RegexSyntaxError, compileRegex } from "./regex.ts";
import { compilePike } from "./pike.ts";
import { compileEngines } from "./linear-engine.ts";
import { parse } from "./parse.ts";
import { translate } from "./translate.ts";

const seed = 20_260_110;
const open = { anchored: false };

const atom = fc.constantFrom(
  ..."a b c k s S é 😀 . \\d \\w \\s \\S \\W \\D \\b \\B ^ $ \\A \\z \\n".split(" "),
  ..."[ab] [^a] [a-c] [^\\n]".split(" "),
  ..."[[:alpha:]] [^\\w] \\pL \\x{1F600} \\PL [😀-😂b] foo bar 1 - _ (?i) (?-i)".split(" "),
  ..."(?s) (?m) (?U) \\Qa.\\E \\x62 [^[:^digit:]] \\.".split(" "),
  " ",
);
const operator = fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}?", "{2,}");

const { expression } = fc.letrec<{ expression: string; item: string; row: string }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    { weight: 6, arbitrary: atom },
    { weight: 2, arbitrary: tie("expression").map((body) => `(?:${body})`) },
    { weight: 2, arbitrary: tie("expression").map((body) => `(${body})`) },
    { weight: 1, arbitrary: tie("expression").map((body) => `(?i:${body})`) },
    { weight: 1, arbitrary: tie("expression").map((body) => `(?P<n>${body})`) },
    { weight: 3, arbitrary: fc.tuple(tie("item"), operator).map((two) => two.join("")) },
  ),
  row: fc.array(tie("item"), { maxLength: 4 }).map((items) => items.join("")),
  expression: fc.array(tie("row"), { minLength: 1, maxLength: 3 }).map((rows) => rows.join("|")),
}));

const text = fc
  .array(
    fc.constantFrom(
      ..."a b c k K s S é É 😀 😁 1 _ - . \n \r foo bar \u2028 \u212a ſ".split(" "),
      " ",
    ),
    {
      maxLength: 9,
    },
  )
  .map((parts) => parts.join(""));

/** Broken text: any characters that mean something. */
const noise = fc
  .array(
    fc.constantFrom(..."a 1 ( ) [ ] { } , * + ? | \\ ^ $ . - : < > P p i x Q E = !".split(" ")),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(""));

const errorOf = (compile: () => unknown): string | undefined => {
  try {
    compile();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/**
 * Where re2js is not Go: it takes look-behind, refuses two groups of one name, and knows property
 * names only in their proper case (Go since 1.25 in any).
 */
const deviates = (source: string): boolean =>
  /\(\?<[=!]|\\[pP][a-z]/.test(source) || source.split("(?P<n>").length > 2;

function assertSameAsReference(source: string, on: string): void {
  if (deviates(source)) return;
  const matcher = RE2JS.compile(source).matcher(on);
  const regex = compileRegex(source, open);
  const isMatch = matcher.find();
  assert.equal(regex.test(on), isMatch, "test");
  const match = regex.find(on);
  assert.equal(match !== undefined, isMatch, "find");
  if (match === undefined) return;
  const groups = match.groups.map((_, i) => matcher.group(i) ?? undefined);
  assert.deepEqual(
    { from: match.from, to: match.to, groups: match.groups },
    { from: matcher.start(), to: matcher.end(), groups },
  );
}

test("same matches and groups as re2js", () => {
  fc.assert(fc.property(expression, text, assertSameAsReferenceUnlessRefused), {
    seed,
    numRuns: 500,
  });
});

function assertSameAsReferenceUnlessRefused(source: string, on: string): void {
  if (errorOf(() => compileRegex(source, open)) === undefined) assertSameAsReference(source, on);
}

test("same acceptance as re2js", () => {
  const either = fc.oneof(noise, expression);
  fc.assert(
    fc.property(either, (source) => {
      if (deviates(source)) return;
      const ours = errorOf(() => compileRegex(source, open));
      const theirs = errorOf(() => RE2JS.compile(source));
      assert.equal(ours === undefined, theirs === undefined, `${ours} / ${theirs}`);
    }),
    { seed, numRuns: 2000 },
  );
});

const compiled = (source: string): Regex | undefined => {
  try {
    return compileRegex(source, open);
  } catch (error) {
    if (error instanceof RegexSyntaxError) return undefined;
    throw error;
  }
};

test("the own matcher finds what the engine finds", () => {
  fc.assert(
    fc.property(expression, text, (source, on) => {
      const regex = compiled(source);
      if (regex === undefined) return;
      const { root, groupNames } = parse(source, { isDotAll: false });
      const ends = compilePike(root, groupNames.length).match(on, 0);
      const match = regex.find(on);
      assert.deepEqual(ends && [ends[0], ends[1]], match && [match.from, match.to]);
    }),
    { seed: seed + 1, numRuns: 500 },
  );
});

test("the linear engine finds what the fast one finds", () => {
  fc.assert(
    fc.property(expression, text, fc.boolean(), (source, on, hasGroups) => {
      if (compiled(source) === undefined) return;
      const { root } = parse(source, { isDotAll: false });
      const translation = translate(root, { target: "text", hasGroups });
      const engines = translation === undefined ? undefined : compileEngines(translation, root);
      if (engines === undefined) return;
      engines.fast.lastIndex = 0;
      engines.linear.lastIndex = 0;
      const match = engines.fast.exec(on);
      assert.deepEqual(engines.linear.exec(on), match);
    }),
    { seed: seed + 5, numRuns: 1000 },
  );
});

test("a text without the required literals does not match; literals decide alone", () => {
  fc.assert(
    fc.property(expression, text, (source, on) => {
      const regex = compiled(source);
      if (regex === undefined) return;
      const isMatch = regex.find(on) !== undefined;
      for (const term of regex.requiredLiterals) {
        if (!term.some((literal) => on.includes(literal))) assert.equal(isMatch, false);
      }
      if (regex.literals === undefined) return;
      assert.equal(
        regex.literals.some((literal) => on.includes(literal)),
        isMatch,
      );
      const anchored = compileRegex(source, { anchored: true });
      const { root, groupNames } = parse(`^(?s:${source})$`, { isDotAll: true });
      const isWhole = compilePike(root, groupNames.length).match(on, 0) !== undefined;
      assert.equal(anchored.test(on), isWhole);
    }),
    { seed: seed + 2, numRuns: 500 },
  );
});

test("the anchored form matches what ^(?s:…)$ does", () => {
  fc.assert(
    fc.property(expression, text, (source, on) => {
      if (compiled(source) === undefined) return;
      const { root, groupNames } = parse(`^(?s:${source})$`, { isDotAll: true });
      const isWhole = compilePike(root, groupNames.length).match(on, 0) !== undefined;
      assert.equal(compileRegex(source, { anchored: true }).test(on), isWhole);
    }),
    { seed: seed + 3, numRuns: 500 },
  );
});

/** The lines of the block that match, by the loop that `blockRegExp` is made for. */
function matchingLines(block: string, pattern: RegExp): number[] {
  const starts: number[] = [];
  for (let at = 0; at < block.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(block);
    if (match === null) break;
    const end = block.indexOf("\n", match.index);
    assert.ok(end >= 0 && match.index + match[0].length <= end + 1, "a match stays in its line");
    starts.push(block.lastIndexOf("\n", match.index - 1) + 1);
    if (match.index === 0) starts[starts.length - 1] = 0;
    at = end + 1;
  }
  return starts;
}

test("a block search finds the lines that match one by one", () => {
  const line = text.map((on) => on.replace(/[^\x20-\x7e\r]/gu, "x"));
  let blocks = 0;
  fc.assert(
    fc.property(expression, fc.array(line, { maxLength: 6 }), (source, lines) => {
      const regex = compiled(source);
      if (regex?.blockRegExp === undefined) return;
      blocks++;
      const starts: number[] = [];
      let start = 0;
      for (const on of lines) {
        if (regex.test(on)) starts.push(start);
        start += on.length + 1;
      }
      const block = lines.map((on) => `${on}\n`).join("");
      assert.deepEqual(matchingLines(block, regex.blockRegExp), starts);
    }),
    { seed: seed + 4, numRuns: 500 },
  );
  assert.ok(blocks > 200, `only ${blocks} expressions could be searched for in blocks`);
});

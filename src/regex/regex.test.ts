import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Regex, RegexSyntaxError, compileRegex } from "./regex.ts";

const open = { anchored: false };

const refused: readonly (readonly [source: string, problem: string])[] = [
  ["(a", "missing closing ): `(a`"],
  ["(?P<a>x", "missing closing ): `(?P<a>x`"],
  ["(?i", "invalid or unsupported Perl syntax: `(?i`"],
  ["a)", "unexpected ): `a)`"],
  ["[", "missing closing ]: `[`"],
  ["x[a-z", "missing closing ]: `[a-z`"],
  ["[]a", "missing closing ]: `[]a`"],
  ["[z-a]", "invalid character class range: `z-a`"],
  ["[[:foo:]]", "invalid character class range: `[:foo:]`"],
  ["[a-\\d]", "invalid escape sequence: `\\d`"],
  ["\\p{Foo}", "invalid character class range: `\\p{Foo}`"],
  ["\\p{L", "invalid character class range: `\\p{L`"],
  ["*", "missing argument to repetition operator: `*`"],
  ["+?", "missing argument to repetition operator: `+?`"],
  ["(*a)", "missing argument to repetition operator: `*`"],
  ["a|*", "missing argument to repetition operator: `*`"],
  ["(?i)*", "missing argument to repetition operator: `*`"],
  ["\\Q\\E*", "missing argument to repetition operator: `*`"],
  ["a**", "invalid nested repetition operator: `**`"],
  ["a*+", "invalid nested repetition operator: `*+`"],
  ["a??{2}?", "invalid nested repetition operator: `??{2}?`"],
  ["x{1001}", "invalid repeat count: `{1001}`"],
  ["x{2,1}", "invalid repeat count: `{2,1}`"],
  ["x{1,9876543210}", "invalid repeat count: `{1,9876543210}`"],
  ["(x{100}){11}", "invalid repeat count: `{11}`"],
  ["(?<!a)b", "invalid named capture: `(?<!a)b`"],
  ["(?P<x", "invalid named capture: `(?P<x`"],
  ["(?P<a-b>x)", "invalid named capture: `(?P<a-b>`"],
  ["(?<>x)", "invalid named capture: `(?<>`"],
  ["(?=a)", "invalid or unsupported Perl syntax: `(?=`"],
  ["(?!a)", "invalid or unsupported Perl syntax: `(?!`"],
  ["(?<=a>)", "invalid named capture: `(?<=a>`"],
  ["(?P=n)", "invalid or unsupported Perl syntax: `(?P`"],
  ["(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"],
  ["(?a)", "invalid or unsupported Perl syntax: `(?a`"],
  ["(?>a)", "invalid or unsupported Perl syntax: `(?>`"],
  ["a\\", "trailing backslash at end of expression: ``"],
  ["[\\", "trailing backslash at end of expression: ``"],
  ["\\1", "invalid escape sequence: `\\1`"],
  ["\\8", "invalid escape sequence: `\\8`"],
  ["\\C", "invalid escape sequence: `\\C`"],
  ["\\Z", "invalid escape sequence: `\\Z`"],
  ["\\q", "invalid escape sequence: `\\q`"],
  ["\\x", "invalid escape sequence: `\\x`"],
  ["\\xg1", "invalid escape sequence: `\\xg1`"],
  ["\\x{110000}", "invalid escape sequence: `\\x{110000`"],
  ["\\x{}", "invalid escape sequence: `\\x{}`"],
  ["a\ud800b", "invalid UTF-8: `\ud800b`"],
  [
    `${"(".repeat(1000)}a${")".repeat(1000)}`,
    `expression nests too deeply: \`${"(".repeat(1000)}a${")".repeat(1000)}\``,
  ],
];

describe("expressions RE2 refuses, in Go's words", () => {
  for (const [source, problem] of refused) {
    it(source.slice(0, 40), () => {
      const wanted = `error parsing regexp: ${problem}`;
      assert.throws(
        () => compileRegex(source, open),
        (error) => error instanceof RegexSyntaxError && error.message === wanted,
      );
    });
  }
});

/** Expression, text, and the first match as "from-to" followed by the groups; "-" for none. */
const found: readonly (readonly [source: string, text: string, match: string])[] = [
  ["a|ab", "xab", "1-2"],
  ["(a+)(b+)", "aabbb", "0-5 aa bbb"],
  ["(a+?)(b*)", "aab", "0-1 a "],
  ["(?U)a+(b+?)", "aabbb", "0-5 bbb"],
  ["^b", "a\nb", "-"],
  ["(?m)^b$", "a\nb\nc", "2-3"],
  ["(?m)^b$", "b", "0-1"],
  ["a$", "a\n", "-"],
  ["a\\z", "ba", "1-2"],
  ["\\Ab", "ab", "-"],
  [".", "\n", "-"],
  ["(?s).", "\n", "0-1"],
  [".", "\r", "0-1"],
  [".", "\u2028", "0-1"],
  ["(?m)^a", "\ra", "-"],
  ["[^a]", "a\n", "1-2"],
  ["\\s", "\v", "-"],
  ["\\s", "\u00a0", "-"],
  ["\\d+", "٣4", "1-2"],
  ["\\w+", "é_1", "1-3"],
  ["\\bb", "éb", "1-2"],
  [".", "😀", "0-2"],
  ["(?s)^.{2}$", "😀😀", "0-4"],
  ["[^a]+", "a😀b", "1-4"],
  ["[😀-😂]", "x😁", "1-3"],
  ["\\x{1F600}", "😀", "0-2"],
  ["\\B", "a😀b", "-"],
  ["(?i)K", "\u212a", "0-1"],
  ["(?i)strasse", "ſTRAſſe", "0-7"],
  ["(?i)[^k]", "\u212aK", "-"],
  ["(?i)É", "é", "0-1"],
  ["(?i)ς", "Σ", "0-1"],
  ["(?i)ı", "I", "-"],
  ["(?i:a)b", "AB", "-"],
  ["(?i)a(?-i)b", "Ab", "0-2"],
  ["((?i)a)b", "AB", "-"],
  ["\\pL+", "1éß", "1-3"],
  ["\\p{Greek}", "aλ", "1-2"],
  ["\\p{^Greek}", "λa", "1-2"],
  ["\\PN", "1a", "1-2"],
  ["(?i)\\p{Lu}", "a", "0-1"],
  ["[[:alpha:]]+", "1aB2", "1-3"],
  ["[[:^alpha:]]", "a1", "1-2"],
  ["[[:word:]-]+", "a-_", "0-3"],
  ["\\Qa.b\\E+", "a.bb", "0-4"],
  ["\\Qa.b", "a.b", "0-3"],
  ["\\101\\x42\\07", "AB\x07", "0-3"],
  ["a{,2}", "a{,2}", "0-5"],
  ["a{01}", "a{01}", "0-5"],
  ["a{2,3}?", "aaaa", "0-2"],
  ["x{0}y", "xy", "1-2"],
  ["[]a]+", "]a", "0-2"],
  ["[a-]+", "-a", "0-2"],
  ["(?P<x>a)(?<y>b)", "ab", "0-2 a b"],
  ["(|a)*", "aa", "0-0 "],
  ["(|a)+", "aa", "0-0 "],
  ["(a|b)*", "ab", "0-2 b"],
  ["(?:(a)|b)*", "ab", "0-2 a"],
  ["(a*)*", "b", "0-0 "],
  ["(?:(a)|(b))+", "ab", "0-2 a b"],
  ["(a){3}", "aaaa", "0-3 a"],
  ["^*a", "ba", "1-2"],
  ["", "abc", "0-0"],
];

const describeMatch = (regex: Regex, text: string): string => {
  const match = regex.find(text);
  if (match === undefined) return "-";
  const groups = match.groups.slice(1).map((group) => ` ${group ?? "unset"}`);
  return `${match.from}-${match.to}${groups.join("")}`;
};

describe("first match: leftmost, first alternative, code points, Go's folding", () => {
  for (const [source, text, match] of found) {
    it(`${source} in ${JSON.stringify(text)}`, () => {
      const regex = compileRegex(source, open);
      assert.equal(describeMatch(regex, text), match);
      assert.equal(regex.test(text), match !== "-");
    });
  }
});

describe("anchored: the whole text, and the dot takes newlines", () => {
  const cases: readonly (readonly [source: string, text: string, isMatch: boolean])[] = [
    ["a|b", "ab", false],
    ["a|b", "b", true],
    ["a.b", "a\nb", true],
    [".*", "", true],
    [".+", "", false],
    [".*b.*", "a\nb\n", true],
    ["b.*", "ab", false],
    ["", "", true],
    ["", "a", false],
    ["(?i)A", "a", true],
    ["a(?m)$", "a\n", false],
    ["foo(bar|baz)", "foobaz", true],
    ["foo(bar|baz)", "foobazx", false],
  ];
  for (const [source, text, isMatch] of cases) {
    it(`${source} on ${JSON.stringify(text)}`, () => {
      assert.equal(compileRegex(source, { anchored: true }).test(text), isMatch);
    });
  }
});

describe("replacement by Go's template, and counting", () => {
  const cases: readonly (readonly [string, string, string, string, number])[] = [
    ["(a)(b)", "abxab", "$2$1", "baxba", 2],
    ["(?P<n>a)", "a", "[${n}|$n|$nx|${0}|$$]", "[a|a||a|$]", 1],
    ["(a)", "a", "$1x-${1}x-$9-$ -${a-b}", "-ax--$ -${a-b}", 1],
    ["a*", "baac", "x", "xbxcx", 3],
    ["", "a😀", "-", "-a-😀-", 3],
    ["\\b", "ab c", "|", "|ab| |c|", 4],
    ["(?m)^", "a\nb", "> ", "> a\n> b", 2],
    ["(?m)$", "a\nb", ";", "a;\nb;", 2],
  ];
  for (const [source, text, template, wanted, count] of cases) {
    it(`${source} by ${template} in ${JSON.stringify(text)}`, () => {
      const regex = compileRegex(source, open);
      assert.equal(regex.replaceAll(text, template, { literal: false }), wanted);
      assert.equal(regex.count(text), count);
    });
  }
  it("the literal replacement is not a template", () => {
    const regex = compileRegex("a", open);
    assert.equal(regex.replaceAll("aa", "$0", { literal: true }), "$0$0");
  });
});

describe("what a match must contain", () => {
  const cases: readonly (readonly [string, readonly string[] | undefined, unknown])[] = [
    ["error", ["error"], [["error"]]],
    ["foo|bar|bazz", ["foo", "bar", "bazz"], [["foo", "bar", "bazz"]]],
    ["a[bc]", ["ab", "ac"], [["ab", "ac"]]],
    ["user=(\\d+) ok", undefined, [["user="], [" ok"]]],
    ["(?:foo.*|bar)x", undefined, [["foo", "bar"]]],
    ["(foo)?bar", ["foobar", "bar"], [["foobar", "bar"]]],
    ["(foo)*bar", undefined, [["bar"]]],
    ["(foo)+bar", undefined, [["foo"], ["bar"]]],
    ["^foo$", undefined, [["foo"]]],
    ["foo\ufffdbar", undefined, [["foo"], ["bar"]]],
    ["(?i)ab", ["AB", "Ab", "aB", "ab"], [["AB", "Ab", "aB", "ab"]]],
    [".*", undefined, []],
  ];
  for (const [source, literals, required] of cases) {
    it(source, () => {
      const regex = compileRegex(source, open);
      assert.deepEqual(regex.literals, literals);
      assert.deepEqual(regex.requiredLiterals, required);
    });
  }
});

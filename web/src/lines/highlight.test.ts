import assert from "node:assert/strict";
import { test } from "node:test";
import { markersOf, marksIn } from "./highlight.ts";

function marked(query: string, line: string): string[] {
  return marksIn(line, markersOf(query)).map(({ from, to }) => line.slice(from, to));
}

const rows: readonly (readonly [string, string, string, readonly string[]])[] = [
  ["every occurrence of a text", '{a="b"} |= "err"', "err, err", ["err", "err"]],
  ["texts are not expressions", '{a="b"} |= "a.c"', "abc a.c", ["a.c"]],
  ["alternatives", '{a="b"} |= "x" or "y"', "x-y-z", ["x", "y"]],
  ["expressions", '{a="b"} |~ `took=\\d+`', "took=12 took=x", ["took=12"]],
  ["RE2's flags", '{a="b"} |~ "(?i)error"', "ERROR Error", ["ERROR", "Error"]],
  ["named groups as RE2 writes them", '{a="b"} |~ "(?P<n>o+)"', "foo", ["oo"]],
  ["what overlaps becomes one mark", '{a="b"} |= "abc" |= "bcd"', "abcd", ["abcd"]],
  ["filters that exclude mark nothing", '{a="b"} != "x" !~ "y"', "x y", []],
  ["patterns mark their texts", '{a="b"} |> "<_> paid <n>"', "order 1 paid 2", [" paid "]],
  ["a filter inside a string is none", '{a="b"} |= "|= \\"x\\""', "x", []],
  ["metric queries mark nothing", 'rate({a="b"} |= "x" [1m])', "x", []],
  ["an expression that could run away marks nothing", '{a="b"} |~ "(a+)+$"', "aaaa!", []],
  ["an expression JavaScript lacks marks nothing", '{a="b"} |~ "\\\\pN\\\\Q"', "1", []],
  ["an empty filter marks nothing", '{a="b"} |= ""', "abc", []],
];

for (const [claim, query, line, expected] of rows) {
  test(claim, () => assert.deepEqual(marked(query, line), expected));
}

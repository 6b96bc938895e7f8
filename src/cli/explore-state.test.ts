import assert from "node:assert/strict";
import { test } from "node:test";
import { utcZone } from "#gofmt";
import { Labels } from "#model";
import type { CategorizedEntry } from "./categorized-entries.ts";
import { keysOf } from "./explore-keys.ts";
import { screenLines } from "./explore-screen.ts";
import {
  detailRows,
  entriesMax,
  type ExploreState,
  filtered,
  initialState,
  press,
  withOlder,
  withTail,
} from "./explore-state.ts";
import { fitCells, plainText } from "./text-cells.ts";

const entry = (n: number, line = `level=info n=${n}`): CategorizedEntry => ({
  timeNs: 1_714_557_600_000_000_000n + BigInt(n) * 1_000_000_000n,
  line,
  stream: Labels.of([["app", "a"]]),
  metadata: Labels.of([["detected_level", n === 1 ? "error" : "info"]]),
  parsed: Labels.empty,
});

const loaded = (...lines: readonly CategorizedEntry[]): ExploreState => ({
  ...initialState('{app="a"}', "1h"),
  entries: lines,
  selected: lines.length - 1,
});

function typed(state: ExploreState, text: string): ReturnType<typeof press> {
  let step: ReturnType<typeof press> = { state };
  for (const key of keysOf(text)) step = press(step.state, key, 10);
  return step;
}

test("bytes of a terminal are keys", () => {
  const keys = ["a", "up", "ü", "enter", "escape", "pagedown", "interrupt"];
  assert.deepEqual(keysOf("a\u001b[Aü\r\u001b\u001b[6~\u0003"), keys);
  assert.deepEqual(keysOf("\u001b[200~\u0000"), [], "what is unknown is nothing");
});

test("moving stays inside, and up on the first line asks for older ones", () => {
  const state = loaded(entry(0), entry(1), entry(2));
  assert.equal(typed(state, "kkkkkk").wish, "older");
  assert.equal(typed(state, "g").state.selected, 0);
  assert.equal(typed(state, "gjjjjj").state.selected, 2);
});

test("a query is typed, run and remembered", () => {
  const step = typed(loaded(entry(0)), 'e\u0015{b="c"}\r');
  assert.equal(step.wish, "load");
  assert.equal(step.state.query, '{b="c"}');
  assert.equal(typed(step.state, "e\u0015\u001b[A").state.input, '{b="c"}');
});

test("search goes round, and capitals count when there are some", () => {
  const state = loaded(entry(0, "an Error"), entry(1, "fine"), entry(2, "error again"));
  assert.equal(typed(state, "/error\r").state.selected, 0);
  assert.equal(typed(state, "/error\rN").state.selected, 2);
  assert.equal(typed(state, "/Error\rN").state.selected, 0);
  assert.match(typed(state, "/none\r").state.message, /no line here has "none"/);
});

const filters: readonly (readonly [name: string, isOut: boolean, want: string])[] = [
  ["app", false, '{app="a", app="a"}'],
  ["app", true, '{app="a", app!="a"}'],
  ["detected_level", true, '{app="a"} | detected_level!="info"'],
  ["n", false, '{app="a"} | logfmt | n="7"'],
];

for (const [name, isOut, want] of filters) {
  test(`${isOut ? "-" : "+"} on ${name} changes the query`, () => {
    const state = loaded(entry(7));
    const row = detailRows(state).find((one) => one.name === name)!;
    const query = filtered(state.query, row, { isOut, line: entry(7).line });
    assert.equal(query, want.replace('{app="a", app="a"}', '{app="a"}'));
  });
}

test("a parser that is there is not added again, and members of JSON are fields", () => {
  const line = '{"status":500,"deep":{"a":1}}';
  const rows = detailRows(loaded(entry(0, line))).filter(({ category }) => category === "field");
  assert.deepEqual(rows, [{ category: "field", name: "status", value: "500" }]);
  const query = filtered('{app="a"} | json', rows[0]!, { isOut: false, line });
  assert.equal(query, '{app="a"} | json | status="500"');
});

test("a tail is followed at the end only, and memory is bounded", () => {
  const state = loaded(entry(0), entry(1));
  assert.equal(withTail(state, [entry(2)]).selected, 2);
  assert.equal(withTail({ ...state, selected: 0 }, [entry(2)]).selected, 0);
  const many = Array.from({ length: entriesMax + 5 }, (_, i) => entry(i));
  assert.equal(withTail(state, many).entries.length, entriesMax);
});

test("older lines come in front, without those that are there", () => {
  const state = { ...loaded(entry(2), entry(3)), selected: 0 };
  const next = withOlder(state, [entry(0), entry(1), entry(2)]);
  assert.deepEqual(
    next.entries.map(({ line }) => line.at(-1)),
    ["0", "1", "2", "3"],
  );
  assert.match(withOlder(state, [entry(2)]).message, /no older lines/);
});

test("escape leaves the context for what was before", () => {
  const before = loaded(entry(0));
  const inContext = { ...loaded(entry(1), entry(2)), before };
  assert.equal(typed(inContext, "\u001b").state, before);
});

for (const [columns, rows] of [
  [80, 24],
  [20, 5],
  [200, 60],
  [1, 2],
] as const) {
  test(`every mode fills exactly ${columns} × ${rows}`, () => {
    const levels = new Map([["error", [1, 2]]]);
    const histogram = { fromNs: 0n, toNs: 60_000_000_000n, levels };
    const state = { ...loaded(entry(0, "wide 漢字 \u001b[31mred\u0007"), entry(1)), histogram };
    for (const mode of ["lines", "detail", "help", "query", "search", "range"] as const) {
      const screen = { columns, rows, zone: utcZone, hasColour: false };
      assert.equal(screenLines({ ...state, mode }, screen).length, Math.max(2, rows), mode);
    }
  });
}

test("text is cut by cells, and cannot move the cursor", () => {
  assert.equal(fitCells("漢字", 3), "漢 ");
  assert.equal(fitCells("abc", 5), "abc  ");
  assert.equal(plainText("a\u001b[31mb\u001b[2J\tc\r"), "ab·[2J    c·");
});

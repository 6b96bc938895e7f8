import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GoParseError, parseGoDuration, parseGoFloat } from "#gofmt";
import { plainDurationNs, plainNumber } from "./plain-number.ts";
import { blockOf, runStages } from "./testing-block.ts";

const runs = { numRuns: 200, seed: 20260111 };

const key = fc.constantFrom("a", "b", "c_d", "e.f", "1x", "é", "", "app", "a_b");
const scalar = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("503", "tab\t", 'q"', "back\\", "日本", "\u0001"),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("any"), { maxLength: 2 }),
    fc.dictionary(key, tie("any"), { maxKeys: 4 }),
  ),
})).any;
const object = fc.dictionary(key, value, { maxKeys: 5 });

/** `| json` as its rules read. */
function flatten(tree: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (node: Readonly<Record<string, unknown>>, prefix: string): void => {
    for (const [name, child] of Object.entries(node)) {
      const clean = name.trim().replace(/[^a-zA-Z0-9_]/gu, "_");
      let full = prefix;
      if (prefix === "") full = /^[0-9]/.test(clean) ? `_${clean}` : clean;
      else if (clean !== "") full = `${prefix}_${clean}`;
      if (child === null || Array.isArray(child)) continue;
      if (typeof child === "object") walk(child as Record<string, unknown>, full);
      else add(full, `${child as string | number | boolean}`);
    }
  };
  const add = (name: string, text: string): void => {
    const label = name === "app" ? "app_extracted" : name;
    if (name !== "" && !found.has(label)) found.set(label, text.replaceAll("\ufffd", " "));
  };
  walk(tree, "");
  return found;
}

test("json gives what a plain reading of its rules gives", () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 8 }), (trees) => {
      const entries = trees.map((tree) => ({ line: JSON.stringify(tree) }));
      const found = runStages("| json", blockOf(entries), (row) =>
        Object.fromEntries(row.parsedLabels()),
      );
      const want = trees.map((tree) =>
        Object.fromEntries(flatten(JSON.parse(JSON.stringify(tree)))),
      );
      assert.deepEqual(found, want);
    }),
    runs,
  );
});

test("extracting few labels gives the same values as extracting all", () => {
  const names = ["a", "b", "c_d", "a_b", "a_a"];
  fc.assert(
    fc.property(fc.array(object, { maxLength: 8 }), fc.subarray(names), (trees, wanted) => {
      const block = blockOf(trees.map((tree) => ({ line: JSON.stringify(tree) })));
      const take = (row: { label(name: string): string | undefined }) =>
        wanted.map((name) => row.label(name));
      assert.deepEqual(
        runStages("| json", block, take, { labelsWanted: wanted, lineWanted: "no" }),
        runStages("| json", block, take),
      );
    }),
    runs,
  );
});

test("no bytes make a parser throw or hang", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
    fc
      .array(fc.constantFrom("{", "}", '"', ":", ",", "a", "\\", "=", " ", "[", "]", "1"), {
        maxLength: 40,
      })
      .map((parts) => Buffer.from(parts.join(""))),
  );
  const stages = fc.constantFrom(
    "| json",
    `| json a="a[0].b"`,
    "| logfmt --strict",
    "| logfmt a",
    "| unpack",
    `| pattern "<a>=<b>"`,
    "| decolorize",
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 10 }), stages, (lines, stage) => {
      const block = blockOf(lines.map((line) => ({ line })));
      const seen = runStages(stage, block, (row) => row.labels().size + row.lineByteLength());
      assert.equal(seen.length, lines.length);
    }),
    runs,
  );
});

test("deep nesting is an error, not a stack overflow", () => {
  const line = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  assert.deepEqual(
    runStages("| json", blockOf([{ line }]), (row) => row.error),
    ["JSONParserErr"],
  );
});

test("everyday numbers and durations read as the full rules read them", () => {
  const digits = fc.stringMatching(/^[0-9]{0,7}(\.[0-9]{0,8})?$/);
  const unit = fc.constantFrom("", "s", "ms", "us", "ns", "m", "h", "d", "e3");
  fc.assert(
    fc.property(digits, unit, (number, suffix) => {
      const text = number + suffix;
      const bytes = Buffer.from(`<${text}>`);
      agrees(plainNumber(bytes, 1, bytes.length - 1), () => parseGoFloat(text));
      agrees(plainDurationNs(bytes, 1, bytes.length - 1), () => Number(parseGoDuration(text)));
    }),
    { ...runs, numRuns: 2000 },
  );
});

function agrees(quick: number, slow: () => number): void {
  if (Number.isNaN(quick)) return;
  try {
    assert.equal(quick, slow());
  } catch (error) {
    assert.ok(!(error instanceof GoParseError), `read ${quick} from what does not parse`);
    throw error;
  }
}

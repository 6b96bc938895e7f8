import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { ConfigError, loadConfig } from "#config";
import type { Shape } from "./key-shapes.ts";
import { keyTree } from "./key-tree.ts";
import type { ValueTypeName } from "./value-types.ts";

async function loads(yaml: string): Promise<string | undefined> {
  try {
    const result = await loadConfig({
      argv: ["-config.file=/l.yaml", "-config.expand-env"],
      env: {},
      cwd: "/",
      readFile: async (path) => {
        if (path === "/l.yaml") return yaml;
        throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      },
    });
    return "loaded" in result ? result.loaded.yaml : undefined;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(error.messages.length > 0);
    return undefined;
  }
}

const scalar = fc.constantFrom(
  null,
  "",
  "x",
  "1h",
  "4MB",
  "true",
  "a,b",
  "[",
  "{a}",
  0,
  1,
  -1,
  2.5,
);
const anything = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(scalar.map(String), scalar),
);

const fittingTexts: Readonly<Record<ValueTypeName, readonly [unknown, ...unknown[]]>> = {
  bool: [true, "yes", false],
  bytes: [0, 1024, "1KB", "1.5MB"],
  csv: ["", "all", "read,write"],
  days: ["0", "1d", "36h", "-1ns"],
  duration: ["1h", "1m30s", "250ms"],
  float: [0, 0.5, 1e6],
  int: [1, 200, 404],
  list: ["a,b", ["a"], []],
  map: [{ a: "b" }],
  path: ["", "/x", "y"],
  secret: ["hidden"],
  string: ["", "2024-01-01", "x: y", "#", "007", "no"],
  time: ["0", "2026-01-31", "2026-01-31T00:00:00.5Z"],
  url: ["", "http://u:p@h/"],
};

/** Values of the right shape mostly, now and then of another. */
function valueOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "any":
      return anything;
    case "value": {
      const { name, choices } = shape.type;
      const fitting = fc.constantFrom(...(choices.length > 0 ? choices : fittingTexts[name]));
      return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: anything });
    }
    case "list":
      return fc.oneof(fc.array(valueOf(shape.item), { maxLength: 2 }), anything);
    case "map":
      return fc.oneof(fc.dictionary(fc.constantFrom("s1", "s2"), valueOf(shape.item)), anything);
    case "section": {
      const names = [...shape.children.keys()];
      const some = fc.subarray(names, { maxLength: Math.min(3, names.length) });
      const filled = some.chain((chosen) => {
        const parts = chosen.map((name) => [
          name,
          valueOf(shape.children.get(name)?.shape ?? shape),
        ]);
        return fc.record(Object.fromEntries(parts) as Record<string, fc.Arbitrary<unknown>>);
      });
      return fc.oneof({ weight: 8, arbitrary: filled }, { weight: 1, arbitrary: anything });
    }
    default:
      return shape satisfies never;
  }
}

test("any text loads or is refused with what is wrong", async () => {
  const alphabet = fc.constantFrom(...Array.from(" \n:-[]{}&*<!|>'\"#%@`,?~$x1"));
  const text = fc.string({ unit: alphabet, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, async (yaml) => void (await loads(yaml))),
    { seed: 1, numRuns: 1500 },
  );
});

test("any values at Loki's keys load or are refused, and what loads prints what loads alike", async () => {
  let loadedCount = 0;
  const property = fc.asyncProperty(valueOf(keyTree), async (tree) => {
    const printed = await loads(stringify(tree));
    if (printed === undefined) return;
    loadedCount++;
    assert.equal(await loads(printed), printed);
  });
  await fc.assert(property, { seed: 2, numRuns: 400 });
  assert.ok(loadedCount > 40, `only ${loadedCount} loaded`);
});

test("thousands of levels, and names as long as a file, are mistakes like others", async () => {
  for (const level of ["<<: ", "- ", "["])
    assert.equal(await loads(level.repeat(8_000)), undefined);
  assert.equal(await loads(`server: {http_listen_port${" a".repeat(16_000)}: 1}`), undefined);
});

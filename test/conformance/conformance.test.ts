import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startSkald } from "../support/skald-process.ts";
import { compareCase } from "./compare.ts";
import { conformanceConfig } from "./config.ts";
import { loadCorpus, readCases, runCase } from "./play.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** Ids of cases that are known to fail. The list only shrinks. */
const expectedFailures = new Set(
  readFileSync(join(here, "expected-failures.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#")),
);

test("recorded conversations with the reference get the same answers", async (context) => {
  await using skald = await startSkald({ config: conformanceConfig, env: { CONF: here } });
  await loadCorpus(skald.url);
  const cases = readCases();
  assert.ok(cases.length > 1000, `found ${cases.length} cases`);
  const topics = Map.groupBy(cases, (item) => item.topic);
  for (const [topic, items] of topics) {
    await context.test(`${topic}: ${items.length} cases`, async () => {
      const problems: string[] = [];
      for (const item of items) {
        const problem = await runCase(skald.url, item).then(
          (answer) => compareCase(item, answer),
          (error: unknown) => `error: ${String(error)}`,
        );
        const isExpected = expectedFailures.has(item.id);
        if (problem !== undefined && !isExpected) problems.push(`${item.id} ${problem}`);
        if (problem === undefined && isExpected) problems.push(`${item.id} passes: strike it off`);
      }
      assert.deepEqual(problems, []);
    });
  }
});

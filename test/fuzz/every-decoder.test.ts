/**
 * A function that reads what others wrote is fuzzed: the kept inputs of some target run it. By name,
 * as all of them are called what they do.
 */
import "./coverage.ts";
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { takeFunctions } from "./coverage.ts";
import { playCorpus } from "./fuzzer.ts";
import { targets } from "./targets.ts";

const src = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "src");
const reading =
  /^export (?:async )?function\*? ((?:decode|decompress|gunzip|inspect|parse|read|unpack|verify)\w*)/gm;

/** Not fuzzed themselves, and why. */
const others: ReadonlyMap<string, string> = new Map([
  ["app/build-info.ts readBuildInfo", "our own package.json"],
  ["bucket/verify-segment.ts verifySegment", "asks inspectSegment and SegmentStore"],
  ["cli/inspect-command.ts inspectCommand", "the command: its readers are fuzzed"],
  ["cli/rule-files.ts readTextFile", "the text of a file"],
  ["cli/rule-server.ts readServerRules", "asks parseRuleGroups"],
  ["compaction/run-merge.ts verifySegment", "compares a segment with its source by the store"],
  ["objectstore/s3-body.ts readBody", "the bytes of an answer as they come"],
]);

function readers(): string[] {
  const found: string[] = [];
  for (const path of globSync("**/*.ts", { cwd: src }).sort()) {
    if (/test|-kit/.test(path)) continue;
    for (const [, name] of readFileSync(join(src, path), "utf8").matchAll(reading)) {
      found.push(`${path} ${name}`);
    }
  }
  return found;
}

test("every function that decodes, parses or reads is run by a target", async () => {
  for (const target of targets) await playCorpus(target);
  const ran = takeFunctions();
  const all = readers();
  assert.ok(all.length > 150, `${all.length} functions`);
  const missed = all.filter((one) => {
    const [path = "", name = ""] = one.split(" ");
    return ran.get(path)?.has(name) !== true;
  });
  const hint = "give them a target in test/fuzz, or say in `others` why not";
  assert.deepEqual(missed, [...others.keys()].sort(), hint);
});

after(async () => {
  for (const { close } of targets) await close?.();
});

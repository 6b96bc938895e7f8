import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "#config";
import fc from "fast-check";
import { LevelDetector } from "./level.ts";
import { levelNames } from "./level-names.ts";

const detector = new LevelDetector({ fields: defaultLimits.logLevelFields, jsonDepthMax: 2 });

function levelOf(line: string, padding = ""): string {
  const bytes = Buffer.from(`${padding}${line}${padding}`);
  const from = Buffer.byteLength(padding);
  return levelNames[detector.detect(bytes, from, bytes.length - from)]!;
}

const claims: Record<string, readonly string[]> = {
  info: [
    "level=info msg=x",
    "level=Information",
    "level = info",
    "lvl=inf",
    '{"level":"info","severity":"error"}',
    "2026-01-10 00:00:00 INFO x",
    "level=info level=error",
    "Info Error Warn",
  ],
  warn: [
    "lvl=warning",
    'level="warn"',
    '{"log":{"level":"warn"}}',
    '{"level":"warn"',
    "[warn] disk",
    "warn then error",
    "log.level=warn",
    'msg="level=error happened" level=warn',
  ],
  error: [
    "severity=ERROR",
    "loglevel=error",
    '{"a" : { "level" : "error" } , "severity" : "info"}',
    '{"msg":"this is an error"}',
    '[{"level":"error"}]',
    "ERROR: boom",
    "an error",
    "err=nil",
    '{"a":[{"level":"info"}],"level":"error"}',
    '{"a\\"level":"info","level":"err"}',
  ],
  critical: ["level=critical", '{"severity":"CRITICAL"}'],
  fatal: ["fatal: y", '{"severity_text":"fatal"}'],
  debug: ["LEVEL=debug", "level=dbg", "DEBUG x"],
  trace: ["level=trc", "trace me"],
  unknown: [
    "",
    "plain text",
    "level=crit",
    "level=notice",
    "level=",
    "level= info",
    "level=10",
    '{"level":3}',
    '{"level":""}',
    "<error>",
    "errors=0",
    "debugging",
    "no errors found",
    "E0110 00:00:00 glog",
    "in",
    "{}",
  ],
};

for (const [level, lines] of Object.entries(claims)) {
  for (const line of lines) {
    test(`${JSON.stringify(line)} is ${level}`, () => {
      assert.equal(levelOf(line), level);
      assert.equal(levelOf(line, "level=fatal "), level);
    });
  }
}

test("how deep objects are looked into is a setting", () => {
  const line = Buffer.from('{"a":{"b":{"level":"erro"}},"c":{"lvl":"info"}}');
  const levelAt = (jsonDepthMax: number): string => {
    const deep = new LevelDetector({ fields: ["level", "lvl"], jsonDepthMax });
    return levelNames[deep.detect(line, 0, line.length)]!;
  };
  assert.equal(levelAt(2), "info");
  assert.equal(levelAt(3), "unknown");
  assert.equal(levelAt(0), "unknown");
});

test("any bytes have a level, and what stands around the line does not count", () => {
  const piece = fc.constantFrom(
    "level",
    "=",
    '"',
    "{",
    "}",
    "error",
    "warn",
    ":",
    " ",
    "\\",
    "é",
    ",",
  );
  const property = fc.property(fc.array(piece, { maxLength: 15 }), (pieces) => {
    const line = pieces.join("");
    assert.equal(levelOf(line), levelOf(line, 'x="error" '));
  });
  fc.assert(property, { seed: 5, numRuns: 1000 });
});

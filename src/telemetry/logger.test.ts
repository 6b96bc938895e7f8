import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, type LogFormat } from "./logger.ts";

function linesOf(format: LogFormat): { log: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  return { log: createLogger({ level: "info", format, write: (line) => lines.push(line) }), lines };
}

test("an event is one line, whatever its fields hold", () => {
  for (const format of ["logfmt", "json"] as const) {
    const { log, lines } = linesOf(format);
    log.info("a line\nbroken", { tenant: 'x"\r\ny', count: 3, size: 5n, missing: undefined });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.split(/[\r\n]/).filter((part) => part !== "").length, 1);
    assert.match(lines[0]!, /count"?[=:]3/);
    assert.match(lines[0]!, /size"?[=:]"?5/);
    assert.doesNotMatch(lines[0]!, /missing/);
  }
});

test("logfmt quotes what needs it and nothing else", () => {
  const { log, lines } = linesOf("logfmt");
  log.warn("journal damaged", { file: "/data/00001.journal", reason: "bad crc" });
  assert.match(
    lines[0]!,
    /^ts=\S+ level=warn msg="journal damaged" file=\/data\/00001\.journal reason="bad crc"\n$/,
  );
});

test("the level can be changed while running", () => {
  const { log, lines } = linesOf("json");
  log.debug("unheard");
  log.level = "debug";
  log.debug("heard");
  assert.equal(lines.length, 1);
});

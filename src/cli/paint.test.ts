import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { type CliIo, TextSink } from "./cli-io.ts";
import { paintFor, paintPatch } from "./paint.ts";

const sink = (isTTY: boolean): TextSink => new TextSink(Object.assign(new Writable(), { isTTY }));
const io = (env: CliIo["env"]): CliIo => ({ env }) as CliIo;

const cases: readonly (readonly [what: string, isTty: boolean, env: CliIo["env"], on: boolean])[] =
  [
    ["a terminal has colours", true, {}, true],
    ["a pipe has none", false, {}, false],
    ["NO_COLOR switches them off", true, { NO_COLOR: "1" }, false],
  ];

for (const [what, isTty, env, isOn] of cases) {
  test(what, () => {
    const paint = paintFor(sink(isTty), io(env));
    const plain = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z";
    const painted = paintPatch(plain, paint);
    assert.equal(painted.includes("\u001b[31m-x\u001b[0m\n\u001b[32m+y\u001b[0m\n z"), isOn);
    assert.equal(painted === plain, !isOn);
    assert.equal(paintFor(sink(isTty), io(env), { isOff: true })("red", "x"), "x");
  });
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startSkald } from "../support/skald-process.ts";
import { type Conversation, playStep } from "./conversation.ts";

/** Every client's conversation, step by step, against the real process. */
const folder = join(dirname(fileURLToPath(import.meta.url)), "conversations");
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
/** Bodies that are recorded as bytes have the times they were recorded at. */
const shared = await startSkald({ args: ["-validation.reject-old-samples=false"] });
after(() => shared[Symbol.asyncDispose]());
const nowMs = Date.now();

test("there are conversations", () => {
  assert.ok(files.length >= 10, `found ${files.length}`);
});

for (const file of files.sort()) {
  const { client, flags, steps } = JSON.parse(
    readFileSync(join(folder, file), "utf8"),
  ) as Conversation;
  test(client, async (t) => {
    const own = flags === undefined ? undefined : await startSkald({ args: flags });
    t.after(() => own?.[Symbol.asyncDispose]());
    const url = own?.url ?? shared.url;
    for (const step of steps) {
      await t.test(step.name, async () => {
        await playStep(step, url, nowMs);
      });
    }
  });
}

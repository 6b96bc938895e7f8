/** SKALD_SIXTY_DAYS_SEEDS=20 runs more seeds. Stores over the network: test/lifecycle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, RequestError } from "#base";
import { liveThrough, Simulation } from "./sixty-days-kit.ts";

const seedCount = Number(process.env["SKALD_SIXTY_DAYS_SEEDS"] ?? 1);

for (const kind of ["filesystem", "memory", "faulty"] as const) {
  test(`sixty days on a ${kind} store: nothing gone too early, nothing kept too long`, async () => {
    for (let seed = 1; seed <= seedCount; seed++) {
      const { requests, sizeDrops, name } = await liveThrough({ kind, seed });
      assert.ok(requests.length > 10, `${name}: ${requests.length} deletes`);
      assert.ok(sizeDrops.length > 10, `${name}: ${sizeDrops.length} segments dropped by size`);
    }
  });
}

test("a request that cannot be taken is refused, not half taken", async () => {
  const simulation = new Simulation({ kind: "memory", seed: 1 });
  await simulation.open();
  const nowMs = simulation.clock.nowMs();
  const times = { startMs: nowMs - hour, endMs: nowMs + hour };
  const refused = simulation.life.delete("aged", '{app="web"}', times);
  await assert.rejects(refused, (error) => error instanceof RequestError && error.status === 400);
  assert.deepEqual(await simulation.life.book.list("aged"), []);
  await simulation.life.journal.close();
});

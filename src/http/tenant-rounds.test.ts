import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB } from "#base";
import fc from "fast-check";
import { quantumBytes, TenantRounds } from "./tenant-rounds.ts";

/** Takes `count` out, each for what it costs. */
function take(rounds: TenantRounds<number>, count: number): string {
  let order = "";
  for (let i = 0; i < count; i++) {
    const next = rounds.next();
    if (next === undefined) break;
    rounds.charge(next.tenant, next.item);
    order += next.tenant;
  }
  return order;
}

function fill(text: string, costs: Readonly<Record<string, number>>): TenantRounds<number> {
  const rounds = new TenantRounds<number>();
  for (const tenant of text) rounds.add(tenant, costs[tenant] ?? 1, costs[tenant] ?? 1);
  return rounds;
}

const q = quantumBytes;
const orders = [
  ["tenants with equal items take turns", "aaaabbcc", { a: q, b: q, c: q }, "abcabcaa"],
  ["one with items of half the size has two a turn", "aaaabb", { a: q / 2, b: q }, "aabaab"],
  ["one with large items is passed over meanwhile", "aabbbb", { a: 3 * q, b: q }, "abbbab"],
  ["alone nobody is passed over for long", "aaa", { a: 10 * q }, "aaa"],
] as const;
for (const [claim, items, costs, expected] of orders) {
  test(claim, () => assert.equal(take(fill(items, costs), items.length), expected));
}

test("who comes in the middle of a flood waits for one item of each other tenant", () => {
  const rounds = fill("a".repeat(500) + "b".repeat(500), { a: q, b: q });
  take(rounds, 5);
  rounds.add("quiet", 1, 1);
  const order = Array.from({ length: 3 }, () => take(rounds, 1));
  assert.ok(order.includes("quiet"), order.join());
});

test("a debt is not forgotten by having nothing for a moment", () => {
  const rounds = fill("abbbbb", { a: 4 * q, b: q });
  assert.equal(take(rounds, 2), "ab");
  rounds.add("a", 4 * q, 4 * q);
  assert.equal(take(rounds, 4), "bbba");
});

test("what a single item cost delays a tenant for so many rounds at most", () => {
  const rounds = fill(`aa${"b".repeat(100)}`, { a: 1024 * MiB, b: q });
  const order = take(rounds, 102);
  assert.equal(order.indexOf("a", 1), 66);
});

test("what comes before one more: all, or as much of each tenant as of its own", () => {
  const rounds = fill(`a${"b".repeat(100)}`, { a: 10 * KiB, b: MiB });
  const nothing = { own: 0, all: 0 };
  assert.equal(rounds.bytesBefore("b", nothing), 100 * MiB + 10 * KiB);
  assert.equal(rounds.bytesBefore("a", nothing), 20 * KiB + q);
  assert.equal(rounds.bytesBefore("c", nothing), 2 * q);
  assert.equal(rounds.bytesBefore("c", { own: MiB, all: MiB }), 3 * MiB + 2 * q);
});

test("everything comes out once, in order within its tenant", () => {
  const action = fc.oneof(
    fc.record({ tenant: fc.constantFrom("a", "b", "c", "d"), bytes: fc.nat({ max: 4 * MiB }) }),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const rounds = new TenantRounds<number>();
      const model = new Map<string, number[]>();
      const check = (): void => {
        const next = rounds.next();
        const waiting = [...model.values()].flat().length;
        if (next === undefined) return assert.equal(waiting, 0);
        assert.equal(next.item, model.get(next.tenant)?.shift());
        rounds.charge(next.tenant, next.item);
        assert.equal(rounds.count, waiting - 1);
      };
      for (const one of actions) {
        if (one === undefined) check();
        else {
          rounds.add(one.tenant, one.bytes, one.bytes);
          model.set(one.tenant, [...(model.get(one.tenant) ?? []), one.bytes]);
        }
      }
      while (rounds.count > 0) check();
      assert.equal(rounds.bytes, 0);
    }),
    { seed: 421, numRuns: 200 },
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits, type Limits } from "#config";
import { momentAfter } from "./group-loop.ts";
import { ObjectRuleStore } from "./object-rule-store.ts";
import { parseRuleGroup } from "./rule-yaml.ts";
import { Ruler, type RulerSettings } from "./ruler.ts";
import { RulerTestKit, sample } from "./ruler-test-kit.ts";

const settings: RulerSettings = {
  evaluationIntervalMs: 60_000,
  pollIntervalMs: 60_000,
  jitterMaxMs: 0,
  enabledTenants: [],
  disabledTenants: [],
};

class Fixture {
  readonly kit = new RulerTestKit();
  readonly store = new ObjectRuleStore(this.kit.objects);
  readonly controller = new AbortController();
  limits: Limits = defaultLimits;
  readonly ruler: Ruler;
  readonly ended: Promise<void>;

  constructor(changes: Partial<RulerSettings> = {}) {
    const { kit, store } = this;
    this.ruler = new Ruler({
      store,
      states: kit.states,
      context: kit.context,
      outlets: kit.outlets,
      limits: { for: () => this.limits },
      settings: { ...settings, ...changes },
      clock: kit.clock,
      log: kit.log,
      metrics: kit.metrics,
    });
    this.ended = this.ruler.run(this.controller.signal);
  }

  put(tenant: string, yaml: string): Promise<void> {
    return this.ruler.put(tenant, { namespace: "ns", group: parseRuleGroup(yaml) });
  }

  async pass(ms: number): Promise<void> {
    // Steps of a second, so that promises of one evaluation have run when the next is due.
    for (let left = ms; left > 0; left -= 1000) await this.kit.clock.advanceAndSettle(1000);
  }

  async end(): Promise<void> {
    this.controller.abort();
    await this.ended;
  }
}

test("moments are whole intervals apart and stay the same over restarts", () => {
  const options = { intervalMs: 60_000, seed: 123_456_789 };
  const first = momentAfter(1_000_000, options);
  assert.ok(first > 1_000_000 && first <= 1_060_000);
  assert.equal(momentAfter(first, options), first + 60_000);
  assert.equal(momentAfter(first - 1, options), first);
  assert.equal((first - (options.seed % 60_000)) % 60_000, 0);
});

test("written rules run at once, at their own moments; removed ones stop and end their series", async () => {
  const fixture = new Fixture();
  const { kit, ruler } = fixture;
  kit.answers.set("vector(1)", [sample({}, 1)]);
  await fixture.pass(1000);
  await fixture.put("t", "{name: g, interval: 10s, rules: [{record: r, expr: vector(1)}]}");
  assert.equal(ruler.reports("t").length, 1);
  assert.deepEqual(ruler.reports("other"), []);
  await fixture.pass(60_000);
  assert.equal(kit.asked.length, 6);
  const moments = kit.asked.map(({ atMs }) => atMs);
  assert.ok(moments.every((atMs, at) => at === 0 || atMs - (moments[at - 1] ?? 0) === 10_000));
  kit.takeSamples();
  await ruler.removeGroup("t", "ns", "g");
  assert.deepEqual(kit.takeSamples(), ['{__name__="r"} stale']);
  await fixture.pass(60_000);
  assert.deepEqual([kit.asked.length, ruler.reports("t")], [6, []]);
  assert.doesNotMatch(await kit.metrics.text(), /rule_group="ns;g"/);
  await fixture.end();
});

test("what the board shows: groups, the last moment and the next", async () => {
  const fixture = new Fixture();
  const { kit, ruler } = fixture;
  const idle = { groups: 0, waiting: 0, startedMs: undefined, lastMs: undefined };
  assert.deepEqual(ruler.status(), { ...idle, nextMs: undefined, missedIterations: 0 });
  kit.answers.set("vector(1)", [sample({}, 1)]);
  await fixture.pass(1000);
  await fixture.put("t", "{name: g, interval: 10s, rules: [{record: r, expr: vector(1)}]}");
  await fixture.pass(20_000);
  const { groups, waiting, startedMs, lastMs = 0, nextMs } = ruler.status();
  assert.deepEqual([groups, waiting, startedMs], [1, 0, undefined]);
  assert.equal(lastMs, kit.asked.at(-1)?.atMs);
  assert.equal(nextMs, lastMs + 10_000);
  await fixture.end();
});

test("rules that others stored are found at the next poll; a change keeps what did not change", async () => {
  const fixture = new Fixture();
  const { kit, ruler } = fixture;
  kit.answers.set("vector(1)", [sample({ app: "a" }, 1)]);
  const rule = "{alert: A, expr: vector(1), for: 1h}";
  const group = parseRuleGroup(`{name: g, interval: 10s, rules: [${rule}]}`);
  await fixture.pass(1000);
  await fixture.store.put("t", { namespace: "ns", group });
  assert.deepEqual(ruler.reports("t"), []);
  await fixture.pass(80_000);
  const [before] = ruler.reports("t");
  const activeAtMs = before?.rules[0]?.alerts[0]?.activeAtMs;
  assert.ok(activeAtMs !== undefined);
  await fixture.put(
    "t",
    `{name: g, interval: 20s, rules: [{record: r, expr: vector(1)}, ${rule}]}`,
  );
  await fixture.pass(40_000);
  const [after] = ruler.reports("t");
  assert.equal(after?.intervalMs, 20_000);
  assert.equal(after?.rules[1]?.alerts[0]?.activeAtMs, activeAtMs);
  await fixture.end();
});

test("evaluations that could not be begun in time are counted and left out", async () => {
  const fixture = new Fixture();
  const { kit } = fixture;
  let release: (() => void) | undefined;
  kit.beforeAnswer = async () => {
    if (kit.asked.length === 1) await new Promise<void>((resolve) => (release = resolve));
  };
  await fixture.pass(1000);
  await fixture.put("t", "{name: g, interval: 10s, rules: [{record: r, expr: vector(1)}]}");
  await fixture.pass(45_000);
  release?.();
  await fixture.pass(10_000);
  assert.match(
    await kit.metrics.text(),
    /group_iterations_missed_total\{user="t",rule_group="ns;g"\} 2/,
  );
  await fixture.end();
});

test("limits and mistakes refuse a group before anything is stored", async () => {
  const fixture = new Fixture();
  fixture.limits = {
    ...defaultLimits,
    rulerMaxRulesPerRuleGroup: 1,
    rulerMaxRuleGroupsPerTenant: 1,
  };
  const rule = "{record: x, expr: vector(1)}";
  await assert.rejects(fixture.put("t", `{name: g, rules: [${rule}, ${rule}]}`), {
    status: 400,
    message: "per-user rules per rule group limit (limit: 1 actual: 2) exceeded",
  });
  await assert.rejects(fixture.put("t", "{name: g, rules: [{record: x}]}"), {
    status: 400,
    message: "field 'expr' must be set in rule",
  });
  assert.deepEqual(await fixture.ruler.groups("t"), []);
  await fixture.put("t", `{name: g, rules: [${rule}]}`);
  await assert.rejects(fixture.put("t", `{name: h, rules: [${rule}]}`), {
    message: "per-user rule groups limit (limit: 1 actual: 2) exceeded",
  });
  await assert.rejects(fixture.ruler.removeNamespace("t", "none"), { status: 404 });
  await fixture.ruler.removeNamespace("t", "ns");
  assert.deepEqual(await fixture.ruler.groups("t"), []);
  await fixture.end();
});

test("rules of tenants that are switched off do not run", async () => {
  const fixture = new Fixture({ disabledTenants: ["off"] });
  await fixture.pass(1000);
  for (const tenant of ["on", "off"]) {
    await fixture.put(tenant, "{name: g, interval: 10s, rules: [{record: r, expr: vector(1)}]}");
  }
  assert.equal(fixture.ruler.reports("on").length, 1);
  assert.equal(fixture.ruler.reports("off").length, 0);
  await fixture.end();
});

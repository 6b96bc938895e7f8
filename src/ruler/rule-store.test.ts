import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryObjectStore } from "#objectstore";
import { SimulatedDisk } from "#world";
import { CombinedRuleStore, FileRuleStore } from "./file-rule-store.ts";
import { ObjectRuleStore } from "./object-rule-store.ts";
import { encodeRuleGroup } from "./rule-proto.ts";
import type { RuleStore } from "./rule-store.ts";
import { parseRuleGroup } from "./rule-yaml.ts";

const group = parseRuleGroup("{name: g?, rules: [{record: x, expr: vector(1)}]}");

async function names(store: RuleStore, tenant: string, problems: string[] = []) {
  const report = ({ where, reason }: { where: string; reason: string }): void => {
    problems.push(`${where}: ${reason}`);
  };
  const placed = await store.list(tenant, report);
  return placed.map((one) => `${one.namespace}/${one.group.name}:${one.group.rules.length}`);
}

class Counting extends MemoryObjectStore {
  gets = 0;

  override get(...args: Parameters<MemoryObjectStore["get"]>): Promise<Buffer> {
    this.gets++;
    return super.get(...args);
  }
}

test("groups lie where Loki has them, and are fetched when they changed", async () => {
  let nowMs = 0;
  const objects = new Counting({ nowMs: () => nowMs++ });
  const store = new ObjectRuleStore(objects);
  assert.deepEqual(await store.tenants(), []);
  await store.put("team-a", { namespace: "ns/1", group });
  const keys: string[] = [];
  for await (const { key } of objects.list("")) keys.push(key);
  assert.deepEqual(keys, ["rules/team-a/bnMvMQ==/Zz8="]);
  assert.deepEqual(await store.tenants(), ["team-a"]);
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await names(store, "team-a"), ["ns/1/g?:1"]);
  }
  assert.equal(objects.gets, 1);
  await store.put("team-a", { namespace: "ns/1", group: { ...group, rules: [] } });
  assert.deepEqual(await names(store, "team-a"), ["ns/1/g?:0"]);
  assert.deepEqual(await names(store, "team-b"), []);
  await store.remove("team-a", "ns/1", "g?");
  await store.remove("team-a", "ns/1", "never was");
  assert.deepEqual(await names(store, "team-a"), []);
});

test("an object that is no rule group is left out and said once; the others stay", async () => {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  const store = new ObjectRuleStore(objects);
  const bytes = encodeRuleGroup("t", { namespace: "a", group });
  await objects.put("rules/t/YQ==/Zz8=", bytes);
  await objects.put("rules/t/YQ==/Yg==", bytes.subarray(0, -1));
  const problems: string[] = [];
  assert.deepEqual(await names(store, "t", problems), ["a/g?:1"]);
  assert.deepEqual(await names(store, "t", problems), ["a/g?:1"]);
  assert.deepEqual(problems, ["rules/t/YQ==/Yg==: rule group rules/t/YQ==/Yg==: unexpected EOF"]);
});

for (const namespace of ["", "n".repeat(200)]) {
  test(`a namespace of ${namespace.length} characters is refused`, async () => {
    const store = new ObjectRuleStore(new MemoryObjectStore({ nowMs: () => 0 }));
    await assert.rejects(store.put("t", { namespace, group }), { status: 400 });
  });
}

async function write(disk: SimulatedDisk, path: string, text: string): Promise<void> {
  await disk.makeFolder(path.slice(0, path.lastIndexOf("/")));
  await using file = await disk.open(path, { create: true, exclusive: false });
  await file.truncate(0);
  await file.write([Buffer.from(text)], 0);
}

test("files of people: the name is the namespace, a mistake leaves the file out", async () => {
  let nowMs = 0;
  const disk = new SimulatedDisk({ nowMs: () => nowMs++ });
  const store = new FileRuleStore({ files: disk, folder: "/rules", except: ["rules"] });
  assert.deepEqual([await store.tenants(), await names(store, "t")], [[], []]);
  const text = "groups: [{name: one, rules: [{record: x, expr: vector(1)}]}, {name: two}]";
  await write(disk, "/rules/t/good.yaml", text);
  await write(disk, "/rules/t/bad.yaml", "groups: [{name: b, rules: [{alert: A}]}]");
  await write(disk, "/rules/t/worse.yaml", "groups: {");
  await write(disk, "/rules/t/.hidden", text);
  await write(disk, "/rules/rules/t/x", "an object");
  assert.deepEqual(await store.tenants(), ["t"]);
  const problems: string[] = [];
  const good = ["good.yaml/one:1", "good.yaml/two:0"];
  assert.deepEqual(await names(store, "t", problems), good);
  assert.match(problems[0] ?? "", /bad\.yaml: field 'expr' must be set in rule/);
  assert.match(problems[1] ?? "", /worse\.yaml: /);
  assert.deepEqual(await names(store, "t", problems), good);
  assert.equal(problems.length, 2, "said again only when the file changes");
  await write(disk, "/rules/t/bad.yaml", "groups: [{name: better}]");
  assert.deepEqual(await names(store, "t", problems), ["bad.yaml/better:0", ...good]);
  await assert.rejects(store.put(), { status: 400 });
});

test("files and objects side by side", async () => {
  const disk = new SimulatedDisk();
  const objects = new ObjectRuleStore(new MemoryObjectStore({ nowMs: () => 0 }));
  const files = new FileRuleStore({ files: disk, folder: "/rules" });
  const store = new CombinedRuleStore({ written: objects, files });
  await write(disk, "/rules/t/f", "groups: [{name: a}, {name: b}]");
  await store.put("t", { namespace: "f", group: { ...group, name: "a" } });
  await store.put("other", { namespace: "n", group });
  assert.deepEqual(await store.tenants(), ["other", "t"]);
  assert.deepEqual(await names(store, "t"), ["f/a:1", "f/b:0"], "the written one wins");
  await assert.rejects(store.remove("t", "f", "b"), /in files that only people change/);
  await store.remove("other", "n", "g?");
  assert.deepEqual(await names(store, "other"), []);
});

import assert from "node:assert/strict";
import { type KeyNode, nodeAt, parseKeys, type Section } from "./key-shapes.ts";
import { lokiKeys } from "./loki-keys.ts";
import { allSettings, type Setting } from "./settings.ts";

/** All keys of the configuration file: Loki's, and those Skald reads marked as such. */
export const keyTree: Section = buildTree();

/** The keys below limits_config, which may also be given per tenant. */
export const limitsSection: Section = sectionAt("limits_config");

function buildTree(): Section {
  const root = parseKeys(lokiKeys);
  for (const setting of allSettings) addSetting(root, setting);
  return root;
}

function addSetting(root: Section, setting: Setting): void {
  let section = root;
  const names = setting.path.split(".");
  const last = names.pop() ?? "";
  for (const name of names) {
    let node = section.children.get(name);
    if (node === undefined) {
      node = { shape: { kind: "section", children: new Map() }, state: "supported" };
      section.children.set(name, node);
    }
    assert.ok(node.shape.kind === "section", `${setting.path} goes through a value`);
    section = node.shape;
  }
  const state = setting.isLater ? "later" : "supported";
  const { type } = setting;
  const known = section.children.get(last);
  const shape = type === undefined ? known?.shape : { kind: "value" as const, type };
  assert.ok(shape !== undefined, `${setting.path} has no shape in the table of keys`);
  section.children.set(last, { shape, state });
}

function sectionAt(path: string): Section {
  const node = nodeAt(keyTree, path);
  assert.ok(node?.shape.kind === "section");
  return node.shape;
}

/** Where else a key of this name exists: for "did you mean". Depth first, so the shortest wins. */
export function pathOfKeyNamed(name: string): string | undefined {
  let level: { path: string; node: KeyNode }[] = [
    { path: "", node: { shape: keyTree, state: "supported" } },
  ];
  while (level.length > 0) {
    const next: { path: string; node: KeyNode }[] = [];
    for (const { path, node } of level) {
      if (node.shape.kind !== "section") continue;
      for (const [childName, child] of node.shape.children) {
        const childPath = path === "" ? childName : `${path}.${childName}`;
        if (childName === name) return childPath;
        next.push({ path: childPath, node: child });
      }
    }
    level = next;
  }
  return undefined;
}

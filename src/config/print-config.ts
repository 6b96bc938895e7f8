import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { nodeAt, type Shape } from "./key-shapes.ts";
import { keyTree } from "./key-tree.ts";
import { allSettings, type SettingValues } from "./settings.ts";
import { printValue, type Value } from "./value-types.ts";

const redacted = "<redacted>";

/** Keys whose values nobody is to see. */
const secretName =
  /(passw(or)?d|secret|token$|credentials?$|(api|access|account|private)_key|(^|_)sas(_|$))/;
/** The user information of a URL; a secret in it may have slashes that should have been escaped. */
const urlCredentials = /([a-z][a-z0-9+.-]*:\/\/)[^@\s,]+@/gi;

type Tree = { [name: string]: unknown };

/**
 * The settings as YAML in Loki's keys, secrets redacted; reading it again gives the same settings.
 * With `unlike`, only what differs from those.
 */
export function printConfig(values: SettingValues, unlike?: SettingValues): string {
  return printTree(configTree(values, unlike));
}

/** As YAML that version 1.1 reads alike, as Loki's parser is one. */
export function printTree(tree: Tree): string {
  return stringify(tree, { lineWidth: 0, version: "1.1" });
}

/** The same as a tree of plain values. */
export function configTree(values: SettingValues, unlike?: SettingValues): Tree {
  const root: Tree = {};
  for (const { path } of allSettings) {
    const value = values.get(path);
    if (value === undefined) continue;
    if (unlike !== undefined && isDeepStrictEqual(value, unlike.get(path))) continue;
    const shape = nodeAt(keyTree, path)?.shape;
    if (shape !== undefined) put(root, path, printShape(shape, value, path));
  }
  return root;
}

function put(root: Tree, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  let tree = root;
  for (const name of names) {
    tree[name] ??= {};
    tree = tree[name] as Tree;
  }
  tree[last] = value;
}

function printShape(shape: Shape, value: Value, name: string): unknown {
  switch (shape.kind) {
    case "value":
      return hideSecrets(name, printValue(shape.type, value), shape.type.name === "secret");
    case "list":
      return (value as readonly Value[]).map((item) => printShape(shape.item, item, name));
    case "map":
      return printEntries(value, () => shape.item);
    case "section":
      return printEntries(value, (key) => shape.children.get(key)?.shape);
    case "any":
      return value;
    default:
      return shape satisfies never;
  }
}

function printEntries(value: Value, shapeFor: (key: string) => Shape | undefined): Tree {
  const printed: Tree = {};
  for (const [key, inner] of Object.entries((value ?? {}) as Record<string, Value>)) {
    const shape = shapeFor(key);
    if (shape !== undefined && inner !== undefined) printed[key] = printShape(shape, inner, key);
  }
  return printed;
}

function hideSecrets(path: string, value: unknown, isSecret: boolean): unknown {
  if (typeof value === "string") {
    const name = path.slice(path.lastIndexOf(".") + 1);
    if (value !== "" && (isSecret || secretName.test(name))) return redacted;
    return value.replace(urlCredentials, `$1${redacted}@`);
  }
  if (Array.isArray(value)) return value.map((item) => hideSecrets(path, item, isSecret));
  // Headers carry credentials under any name.
  if (!path.endsWith("headers") || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).map((name) => [name, redacted]));
}

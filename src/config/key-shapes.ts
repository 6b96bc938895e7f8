import assert from "node:assert/strict";
import type { ValueType, ValueTypeName } from "./value-types.ts";

/**
 * The tree of all keys a configuration file may have, built from a terse notation (words separated
 * by white space):
 *
 * - `name:t` a value; t is one of the letters of `typeOfLetter`
 * - `name{ … }` a section, `name[]{ … }` a list of sections, `name<>{ … }` a map of sections
 * - `name@block` a section with the keys of `@block{ … }`, defined before; `@block` alone puts the
 *   keys of the block right here
 * - a `-` before a name: Skald needs no such thing, it is accepted in silence, with all below it
 * - a `!` before a name: newer Lokis have no such thing either; anything may be below it
 */
export type KeyState = "supported" | "later" | "unneeded" | "gone";

export type Shape =
  | { readonly kind: "value"; readonly type: ValueType }
  | { readonly kind: "section"; readonly children: Map<string, KeyNode> }
  | { readonly kind: "list"; readonly item: Shape }
  | { readonly kind: "map"; readonly item: Shape }
  | { readonly kind: "any" };

export interface KeyNode {
  readonly shape: Shape;
  readonly state: KeyState;
}

export type Section = Extract<Shape, { kind: "section" }>;

const typeOfLetter: Readonly<Record<string, ValueTypeName>> = {
  b: "bool",
  d: "duration",
  f: "float",
  i: "bytes",
  l: "list",
  m: "map",
  s: "string",
  t: "time",
  u: "url",
  x: "secret",
};

const keyWord = /^([-!]?)([A-Za-z0-9_]+)(?::(\S)|(\[\]|<>)?\{|@(\w+))?$/;

type Blocks = ReadonlyMap<string, readonly string[]>;

export function parseKeys(text: string): Section {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const blocks = new Map<string, readonly string[]>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const name = /^@(\w+)\{$/.exec(words[at] ?? "")?.[1];
    if (name === undefined) {
      rest.push(words[at] ?? "");
      continue;
    }
    const end = closingBrace(words, at + 1);
    blocks.set(name, words.slice(at + 1, end));
    at = end;
  }
  return sectionOf(rest, "later", blocks);
}

/** The place of the brace that closes what was opened just before `from`. */
function closingBrace(words: readonly string[], from: number): number {
  let depth = 1;
  for (let at = from; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word.endsWith("{")) depth++;
    if (word === "}") depth--;
    if (depth === 0) return at;
  }
  assert.fail("the table of keys has an open brace");
}

function sectionOf(words: readonly string[], state: KeyState, blocks: Blocks): Section {
  const children = new Map<string, KeyNode>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word.startsWith("@")) {
      const shared = sectionOf(blockNamed(word.slice(1), blocks), state, blocks);
      for (const [name, node] of shared.children) addChild(children, name, node);
      continue;
    }
    const found = keyWord.exec(word);
    assert.ok(found !== null, `the table of keys cannot hold ${word}`);
    const [, mark = "", name = "", letter, many, block] = found;
    const own = mark === "-" ? "unneeded" : mark === "!" ? "gone" : state;
    if (word.endsWith("{")) {
      const end = closingBrace(words, at + 1);
      const inner = sectionOf(words.slice(at + 1, end), own, blocks);
      addChild(children, name, { shape: manyOf(inner, many), state: own });
      at = end;
    } else if (block !== undefined) {
      const shape = sectionOf(blockNamed(block, blocks), own, blocks);
      children.set(name, { shape, state: own });
    } else {
      children.set(name, { shape: valueShape(letter), state: own });
    }
  }
  return { kind: "section", children };
}

/** A section may be given in parts, in several places. */
function addChild(children: Map<string, KeyNode>, name: string, node: KeyNode): void {
  const known = children.get(name);
  if (known?.shape.kind === "section" && node.shape.kind === "section") {
    for (const [key, child] of node.shape.children) addChild(known.shape.children, key, child);
  } else {
    children.set(name, node);
  }
}

function manyOf(inner: Section, many: string | undefined): Shape {
  if (many === "[]") return { kind: "list", item: inner };
  if (many === "<>") return { kind: "map", item: inner };
  return inner;
}

function blockNamed(name: string, blocks: Blocks): readonly string[] {
  const words = blocks.get(name);
  assert.ok(words !== undefined, `the table of keys has no block ${name}`);
  return words;
}

function valueShape(letter: string | undefined): Shape {
  if (letter === undefined || letter === "*") return { kind: "any" };
  const name = typeOfLetter[letter];
  assert.ok(name !== undefined, `the table of keys has no type ${letter}`);
  return { kind: "value", type: { name, choices: [] } };
}

/** The node at a path such as `server.http_listen_port`; sections only on the way. */
export function nodeAt(root: Section, path: string): KeyNode | undefined {
  let section = root;
  const names = path.split(".");
  for (const [at, name] of names.entries()) {
    const node = section.children.get(name);
    if (node === undefined || at === names.length - 1) return node;
    if (node.shape.kind !== "section") return undefined;
    section = node.shape;
  }
  return undefined;
}

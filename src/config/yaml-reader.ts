import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";
import type { ConfigProblem } from "./config-error.ts";
import type { KeyNode, Section, Shape } from "./key-shapes.ts";
import { nearestName } from "./nearest.ts";
import { expectationOf, parseText, type Value } from "./value-types.ts";

/** YAML nests deeper than this only by mistake, or through an anchor inside itself. */
const depthMax = 64;

/** A file of more aliases than this wants to blow up, not to configure. */
const aliasCountMax = 1000;

export interface ReaderOptions {
  /** How the file is called in messages. */
  readonly source: string;
  readonly text: string;
  /** A better hint than the nearest sibling: where else this key exists. */
  readonly hintFor?: (name: string, parentPath: string) => string | undefined;
  /** Called for every key that nothing acts on. */
  readonly onIdleKey?: (path: string, node: KeyNode, line: number) => void;
}

/**
 * One YAML file, read against a tree of keys. Collects all problems instead of stopping at the
 * first. A key with no value (`key:`) is as if it were not there, as in Loki.
 */
export class YamlReader {
  readonly problems: ConfigProblem[] = [];
  /** Where each value that was read stands, by its path. */
  readonly places: Map<string, { readonly line: number; readonly column: number }> = new Map();
  readonly #options: ReaderOptions;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter = new LineCounter();
  #aliasCount = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#document = this.#parse(options.text);
    for (const error of this.#document.errors) {
      this.#problemAt(error.pos[0], "", error.message);
    }
  }

  get root(): Node | null {
    return this.#document.contents;
  }

  #parse(text: string): Document.Parsed {
    const options = {
      lineCounter: this.#lines,
      // All scalars stay text: the type comes from the tree of keys, not from how it looks.
      schema: "failsafe",
      prettyErrors: false,
      logLevel: "error",
    } as const;
    try {
      return parseDocument(text, options);
    } catch (error) {
      // The parser calls itself for each level, until the stack ends.
      if (!(error instanceof RangeError)) throw error;
      this.#problemAt(0, "", "nested too deeply");
      return parseDocument("", options);
    }
  }

  /** Reads a section; each value with its full path goes to `into`. */
  readSection(node: Node | null, section: Section, path: string, into: Map<string, Value>): void {
    for (const { name, child, childPath, value } of this.#children(node, section, path, 0)) {
      if (child.shape.kind === "section") {
        this.#reportIdleSection(child, childPath, value);
        this.readSection(value, child.shape, childPath, into);
        continue;
      }
      const read = this.#readShape(value, child.shape, childPath, 0);
      if (read === undefined) continue;
      // To switch off what Skald does not have asks for nothing.
      const isEmpty = read === false || read === "";
      const asksForNothing = isEmpty && child.state === "later";
      if (child.state !== "supported" && !asksForNothing) this.#reportIdle(child, childPath, name);
      this.#keepPlace(childPath, name);
      into.set(childPath, read);
    }
  }

  /** Only says which keys of a map are not in the section. */
  checkNames(node: Node | null, section: Section): void {
    for (const { key } of this.#pairs(node, "", 0)) {
      const name = textOf(key) ?? "";
      if (!section.children.has(name)) this.#unknownKey(key, name, name, section, "");
    }
  }

  /** The pairs of a map with texts for keys: for maps whose keys are free, such as tenants. */
  entries(node: Node | null, path: string): [key: string, value: Node | null][] {
    const found: [string, Node | null][] = [];
    for (const { key, value } of this.#pairs(node, path, 0)) found.push([textOf(key) ?? "", value]);
    return found;
  }

  #keepPlace(path: string, key: Node): void {
    const { line, col } = this.#lines.linePos(key.range?.[0] ?? 0);
    this.places.set(path, { line, column: col });
  }

  #reportIdle(child: KeyNode, path: string, key: Node): void {
    this.#options.onIdleKey?.(path, child, this.#lines.linePos(key.range?.[0] ?? 0).line);
  }

  #reportIdleSection(child: KeyNode, path: string, value: Node | null): void {
    if (child.state === "gone" && value !== null) this.#reportIdle(child, path, value);
  }

  *#children(
    node: Node | null,
    section: Section,
    path: string,
    depth: number,
  ): Generator<{ name: Node; child: KeyNode; childPath: string; value: Node | null }> {
    for (const { key, value } of this.#pairs(node, path, depth)) {
      const name = textOf(key) ?? "";
      const childPath = path === "" ? name : `${path}.${name}`;
      const child = section.children.get(name);
      if (child !== undefined) yield { name: key, child, childPath, value };
      else this.#unknownKey(key, name, childPath, section, path);
    }
  }

  #unknownKey(key: Node, name: string, path: string, section: Section, parent: string): void {
    const nearest = nearestName(name, section.children.keys());
    const hint = nearest ?? this.#options.hintFor?.(name, parent);
    const question = hint === undefined ? "" : `; did you mean ${hint}?`;
    this.#problem(key, path, `no such key${question}`);
  }

  /** The pairs of a map, merged maps (`<<`) first so that own keys win. */
  #pairs(node: Node | null, path: string, depth: number): { key: Node; value: Node | null }[] {
    const map = this.#resolve(node);
    if (map === null || isEmptyScalar(map)) return [];
    if (!isMap(map)) {
      this.#problem(map, path, `expected a section of keys, found ${describe(map)}`);
      return [];
    }
    const byName = new Map<string, { key: Node; value: Node | null }>();
    for (const pair of (map as YAMLMap).items) {
      if (textOf(pair.key as Node) !== "<<") continue;
      for (const merged of this.#mergedPairs(pair, path, depth)) {
        byName.set(textOf(merged.key) ?? "", merged);
      }
    }
    for (const pair of (map as YAMLMap).items) {
      const name = textOf(pair.key as Node);
      if (name === undefined) this.#problem(pair.key as Node, path, "a key must be a plain word");
      else if (name !== "<<") {
        byName.set(name, { key: pair.key as Node, value: pair.value as Node | null });
      }
    }
    return [...byName.values()];
  }

  #mergedPairs(pair: Pair, path: string, depth: number): { key: Node; value: Node | null }[] {
    const merged = this.#resolve(pair.value as Node | null);
    if (depth >= depthMax) return [];
    const parts = isSeq(merged) ? (merged.items as Node[]).toReversed() : [merged];
    return parts.flatMap((part) => this.#pairs(part, path, depth + 1));
  }

  #resolve(node: Node | null): Node | null {
    if (!isAlias(node)) return node;
    this.#aliasCount++;
    const target = this.#aliasCount > aliasCountMax ? undefined : node.resolve(this.#document);
    if (target !== undefined) return target as Node;
    this.#problem(node, "", `the alias *${node.source} leads nowhere`);
    return null;
  }

  #readShape(node: Node | null, shape: Shape, path: string, depth: number): Value {
    const resolved = this.#resolve(node);
    if (resolved === null || isEmptyScalar(resolved)) return undefined;
    if (depth > depthMax) {
      this.#problem(resolved, path, `nested more than ${depthMax} deep`);
      return undefined;
    }
    switch (shape.kind) {
      case "any":
        return true;
      case "value":
        return this.#readValue(resolved, shape, path);
      case "list":
        return this.#readList(resolved, shape, path, depth);
      case "map":
        return Object.fromEntries(
          this.entries(resolved, path).map(([name, value]) => [
            name,
            this.#readShape(value, shape.item, `${path}.${name}`, depth + 1),
          ]),
        );
      case "section":
        return this.#readRecord(resolved, shape, path, depth);
      default:
        return shape satisfies never;
    }
  }

  #readList(
    node: Node,
    shape: Extract<Shape, { kind: "list" }>,
    path: string,
    depth: number,
  ): Value {
    if (!isSeq(node)) {
      this.#problem(node, path, `expected a list, found ${describe(node)}`);
      return undefined;
    }
    return (node.items as Node[])
      .map((item, at) => this.#readShape(item, shape.item, `${path}[${at}]`, depth + 1))
      .filter((item) => item !== undefined);
  }

  #readRecord(node: Node, section: Section, path: string, depth: number): Value {
    const record: Record<string, Value> = {};
    for (const { name, child, childPath, value } of this.#children(node, section, path, depth)) {
      const read = this.#readShape(value, child.shape, childPath, depth + 1);
      if (read === undefined) continue;
      this.#keepPlace(childPath, name);
      record[textOf(name) ?? ""] = read;
    }
    return record;
  }

  #readValue(node: Node, shape: Extract<Shape, { kind: "value" }>, path: string): Value {
    const { type } = shape;
    if (isSeq(node) && (type.name === "list" || type.name === "csv")) {
      return (node.items as Node[]).map((item) => {
        const text = textOf(this.#resolve(item));
        if (text === undefined) this.#mismatch(item, path, "a string");
        return text ?? "";
      });
    }
    if (isMap(node) && type.name === "map") {
      const texts = this.entries(node, path).map(([key, value]) => [key, textOf(value) ?? ""]);
      return Object.fromEntries(texts) as Value;
    }
    const text = textOf(node);
    const parsed = text === undefined ? undefined : parseText(type, text);
    if (parsed !== undefined && "value" in parsed) return parsed.value;
    this.#mismatch(node, path, parsed?.expected ?? expectationOf(type), type.name === "secret");
    return undefined;
  }

  #mismatch(node: Node, path: string, expected: string, isSecret = false): void {
    const found = isSecret ? "something else" : describe(node);
    this.#problem(node, path, `expected ${expected}, found ${found}`);
  }

  #problem(node: Node, path: string, message: string): void {
    this.#problemAt(node.range?.[0] ?? 0, path, message);
  }

  #problemAt(offset: number, key: string, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ source: this.#options.source, line, column: col, key, message });
  }
}

function textOf(node: Node | null): string | undefined {
  return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
}

/** `key:`, `key: ~` and `key: null`, but not `key: ""`. */
function isEmptyScalar(node: Node): boolean {
  if (!isScalar(node) || node.type !== "PLAIN") return false;
  return node.value === null || /^(~|null|)$/i.test(textOf(node) ?? "?");
}

/** Longer texts are cut in messages. */
const shownLengthMax = 60;

function describe(node: Node): string {
  if (isMap(node)) return "a section of keys";
  if (isSeq(node)) return "a list";
  const text = textOf(node) ?? "";
  const shown = text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
  return JSON.stringify(shown);
}

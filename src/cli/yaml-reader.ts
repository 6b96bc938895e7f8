/**
 * A YAML file as a tree of texts, read with a complaint for everything that is not as it should be,
 * each with the place in the file. Readers give undefined for what is missing or wrong.
 */
import { isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { messageOf } from "#base";
import { parseRuleDuration } from "#ruler";

export type YamlPath = readonly (string | number)[];
export type YamlMap = Readonly<Record<string, unknown>>;

/** Line and column count from 1. */
export interface FilePosition {
  readonly line: number;
  readonly column: number;
}

export interface FileFault extends FilePosition {
  readonly file: string;
  readonly level: "error" | "warning";
  readonly message: string;
  /** Lines to show below: the text at fault and a mark. */
  readonly excerpt: readonly string[];
}

/** More aliases would only be a way to make a small text large. */
const aliasesMax = 100;

export class YamlReader {
  readonly file: string;
  readonly faults: FileFault[] = [];
  /** Scalars are the texts they are written as; undefined when the file is no YAML. */
  readonly root: unknown;
  readonly source: string;
  readonly #lines = new LineCounter();
  readonly #nodeAt: (path: YamlPath) => Node | undefined;

  constructor({ file, text }: { readonly file: string; readonly text: string }) {
    this.file = file;
    this.source = text;
    const document = this.#parse(text);
    this.#nodeAt = (path) => {
      const node = path.length === 0 ? document.contents : document.getIn(path, true);
      return node === null || node === undefined ? undefined : (node as Node);
    };
    for (const error of document.errors) {
      this.#add(this.#positionOf(error.pos[0]), error.message, "error");
    }
    if (document.errors.length > 0) return;
    try {
      this.root = document.toJS({ maxAliasCount: aliasesMax }) as unknown;
    } catch (error) {
      this.#add({ line: 1, column: 1 }, messageOf(error), "error");
    }
  }

  #parse(text: string): ReturnType<typeof parseDocument> {
    const options = {
      schema: "failsafe",
      merge: true,
      strict: true,
      prettyErrors: false,
      lineCounter: this.#lines,
    } as const;
    try {
      return parseDocument(text, options);
    } catch (error) {
      // The parser calls itself for each level, until the stack ends.
      if (!(error instanceof RangeError)) throw error;
      this.#add({ line: 1, column: 1 }, "nested too deeply", "error");
      return parseDocument("", options);
    }
  }

  get hasErrors(): boolean {
    return this.faults.some(({ level }) => level === "error");
  }

  /** Where the value is; for what is not written down, the nearest that contains it. */
  position(path: YamlPath): FilePosition {
    for (let length = path.length; length >= 0; length--) {
      const range = this.#nodeAt(path.slice(0, length))?.range;
      if (range !== undefined && range !== null) return this.#positionOf(range[0]);
    }
    return { line: 1, column: 1 };
  }

  complain(path: YamlPath, message: string, level: FileFault["level"] = "error"): void {
    this.#add(this.position(path), message, level);
  }

  /** Of something at a line and column (in characters, from 1) inside the text at `path`. */
  complainInside(path: YamlPath, at: FilePosition, message: string): void {
    this.#add(this.#inside(path, at), message, "error");
  }

  /** With other keys than these each is a fault. */
  map(value: unknown, path: YamlPath, keys: readonly string[]): YamlMap | undefined {
    const tree = this.#mapOf(value, path);
    for (const key of Object.keys(tree ?? {})) {
      if (keys.includes(key)) continue;
      const near = keys.find((one) => one.replaceAll("_", "") === key.replaceAll(/[_-]/g, ""));
      const hint = near === undefined ? `known are ${keys.join(", ")}` : `is it ${near}?`;
      this.complain([...path, key], `unknown key ${JSON.stringify(key)}; ${hint}`);
    }
    return tree;
  }

  list(value: unknown, path: YamlPath): readonly unknown[] {
    if (value === undefined || value === null || value === "") return [];
    if (Array.isArray(value)) return value;
    this.complain(path, `${nameOf(path)} must be a list`);
    return [];
  }

  text(value: unknown, path: YamlPath): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string") return value;
    this.complain(path, `${nameOf(path)} must be a text`);
    return undefined;
  }

  /** Milliseconds. */
  duration(value: unknown, path: YamlPath): number | undefined {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    const durationMs = parseRuleDuration(text);
    if (durationMs !== undefined) return durationMs;
    const shown = JSON.stringify(text);
    this.complain(path, `${nameOf(path)}: ${shown} is no duration such as 30s, 5m or 1h30m`);
    return undefined;
  }

  whole(value: unknown, path: YamlPath): number | undefined {
    const text = this.text(value, path);
    if (text === undefined || text === "") return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    this.complain(path, `${nameOf(path)}: ${JSON.stringify(text)} is no whole number`);
    return undefined;
  }

  flag(value: unknown, path: YamlPath): boolean {
    const text = this.text(value, path);
    if (text === undefined || text === "false") return false;
    if (text !== "true") this.complain(path, `${nameOf(path)} must be true or false`);
    return text === "true";
  }

  texts(value: unknown, path: YamlPath): Readonly<Record<string, string>> {
    const found = Object.entries(this.#mapOf(value, path) ?? {}).map(
      ([name, one]) => [name, this.text(one, [...path, name]) ?? ""] as const,
    );
    return Object.fromEntries(found);
  }

  #mapOf(value: unknown, path: YamlPath): YamlMap | undefined {
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "object" && !Array.isArray(value)) return value as YamlMap;
    this.complain(path, `${nameOf(path)} must be a map`);
    return undefined;
  }

  #positionOf(offset: number): FilePosition {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  /** A place in a scalar's value as a place in the file, where the value stands there as it is. */
  #inside(path: YamlPath, at: FilePosition): FilePosition {
    const start = this.position(path);
    const node = this.#nodeAt(path);
    if (!isScalar(node) || !node.range) return start;
    const written = this.source.slice(node.range[0], node.range[1]);
    if (node.type === "BLOCK_LITERAL") {
      const lines = String(node.value).trimEnd().split("\n");
      // What is missing at the end is missing after the last line.
      const isPast = at.line > lines.length;
      const line = isPast ? lines.length : at.line;
      const column = isPast ? (lines.at(-1) ?? "").length + 1 : at.column;
      const indent = /\n+( *)/.exec(written)?.[1]?.length ?? 0;
      return { line: start.line + line, column: indent + column };
    }
    const isQuoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
    const plain = isQuoted ? written.slice(1, -1) : written;
    if (plain !== node.value || at.line !== 1) return start;
    return { line: start.line, column: start.column + (isQuoted ? 1 : 0) + at.column - 1 };
  }

  #add(at: FilePosition, message: string, level: FileFault["level"]): void {
    const line = this.source.split("\n")[at.line - 1] ?? "";
    const before = line.slice(0, at.column - 1).replaceAll(/[^\t]/g, " ");
    const excerpt = line.trim() === "" ? [] : [line, `${before}^`];
    this.faults.push({ file: this.file, ...at, level, message, excerpt });
  }
}

/** The last key of a path, with the number before it when it is in a list. */
function nameOf(path: YamlPath): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  return typeof last === "number" ? `${String(path.at(-2) ?? "item")}[${last}]` : last;
}

import { blockEnd, jsonProblems, skipSpace, stringEnd, tokenEnd, tokenType } from "./json-scan.ts";
import { fieldName, type KeyName, KeyNames } from "./key-names.ts";
import type { RowStage, RowState } from "./row-state.ts";
import { unescapeJson, type ValueKind } from "./value-text.ts";
import type { WantedLabels } from "./wanted-labels.ts";
import { utf8Text } from "./bytes-text.ts";

export const jsonParserError = "JSONParserErr";

/** Objects nested deeper are an error; it bounds the stack and the time of hostile lines. */
const depthMax = 128;

/** Results of `#object` other than a position. */
const isBroken = -1;
const isDone = -2;

const quote = 0x22;
const openObject = 0x7b;
const closeObject = 0x7d;
const openArray = 0x5b;

/**
 * `| json`: every field of an object becomes a label, nested ones joined with `_`, arrays and null
 * left out.
 */
export function compileJson(wanted: WantedLabels): RowStage {
  const fields = new JsonFields(wanted);
  return (row) => fields.read(row);
}

/**
 * One pass over the line. What was read before an error stays, except fields of an object that is
 * not closed.
 */
class JsonFields {
  readonly #keys: KeyNames;
  readonly #stopAfterCount: number;
  readonly #mustCheckAll: boolean;
  #problem = "";
  #foundCount = 0;

  constructor(wanted: WantedLabels) {
    this.#keys = new KeyNames(wanted);
    this.#stopAfterCount = wanted.stopAfterCount;
    this.#mustCheckAll = wanted.stopAfterCount === Number.POSITIVE_INFINITY;
  }

  read(row: RowState): boolean {
    const buffer = row.lineBuffer;
    const end = row.lineTo;
    this.#foundCount = 0;
    const at = skipSpace(buffer, row.lineFrom, end);
    if (at === end || buffer[at] !== openObject) {
      row.setParserError(jsonParserError, jsonProblems.object);
      return true;
    }
    if (this.#object(row, buffer, at + 1, end, undefined, 0) === isBroken) {
      row.setParserError(jsonParserError, this.#problem);
    }
    return true;
  }

  #broken(problem: string): number {
    this.#problem = problem;
    return isBroken;
  }

  /**
   * `from` is behind the opening brace. Returns the position behind the closing one, `isBroken` or
   * `isDone`.
   */
  #object(
    row: RowState,
    buffer: Buffer,
    from: number,
    end: number,
    parent: KeyName | undefined,
    depth: number,
  ): number {
    let at = skipSpace(buffer, from, end);
    if (at === end) return this.#broken(jsonProblems.syntax);
    let previous: KeyName | undefined;
    while (at < end) {
      if (buffer[at] === closeObject) return at + 1;
      if (buffer[at] !== quote) return this.#broken(jsonProblems.object);
      const closing = stringEnd(buffer, at + 1, end);
      if (closing === -1) return this.#broken(jsonProblems.syntax);
      const keyEnd = closing < 0 ? ~closing : closing;
      let key: KeyName;
      if (closing >= 0) {
        key = this.#keys.of(buffer, at + 1, keyEnd, parent, previous);
        previous = key;
      } else {
        const text = unescapeJson(utf8Text(buffer, at + 1, keyEnd));
        if (text === undefined) return this.#broken(jsonProblems.escape);
        key = this.#keys.ofText(text, parent);
      }
      at = skipSpace(buffer, keyEnd + 1, end);
      if (at === end || buffer[at] !== 0x3a) return this.#broken(jsonProblems.syntax);
      at = this.#value(row, buffer, skipSpace(buffer, at + 1, end), end, key, depth);
      if (at < 0) return at;
      at = skipSpace(buffer, at, end);
      if (at === end) return this.#broken(jsonProblems.array);
      if (buffer[at] === closeObject) return at + 1;
      if (buffer[at] !== 0x2c) return this.#broken(jsonProblems.object);
      at = skipSpace(buffer, at + 1, end);
      if (at === end) return this.#broken(jsonProblems.array);
    }
    return this.#broken(jsonProblems.object);
  }

  /** The value at `at`. Returns the position behind it, `isBroken` or `isDone`. */
  #value(
    row: RowState,
    buffer: Buffer,
    at: number,
    end: number,
    key: KeyName,
    depth: number,
  ): number {
    if (at === end) return this.#broken(jsonProblems.syntax);
    const first = buffer[at]!;
    if (first === quote) return this.#string(row, buffer, at + 1, end, key);
    if (first === openObject) return this.#nested(row, buffer, at, end, key, depth);
    if (first === openArray) {
      const behind = blockEnd(buffer, at, end);
      return behind < 0 ? this.#broken(jsonProblems.array) : behind;
    }
    const to = tokenEnd(buffer, at, end);
    const type = tokenType(buffer, at, to);
    if (type === "unknown") return this.#broken(jsonProblems.type);
    if (type === "null" || !key.isWanted) return to;
    return this.#add(row, key, "raw", buffer, at, to, to);
  }

  #string(row: RowState, buffer: Buffer, from: number, end: number, key: KeyName): number {
    const closing = stringEnd(buffer, from, end);
    if (closing === -1) return this.#broken(jsonProblems.string);
    const to = closing < 0 ? ~closing : closing;
    if (!key.isWanted) return to + 1;
    const kind = closing < 0 ? "json" : "raw";
    return this.#add(row, key, kind, buffer, from, to, to + 1);
  }

  /** Returns `behind`, or `isDone` after the last field wanted. */
  #add(
    row: RowState,
    key: KeyName,
    kind: ValueKind,
    buffer: Buffer,
    from: number,
    to: number,
    behind: number,
  ): number {
    const name = fieldName(key, row.base, row.index);
    if (!row.addField(name, kind, buffer, from, to) || name !== key.name) return behind;
    return ++this.#foundCount >= this.#stopAfterCount ? isDone : behind;
  }

  #nested(
    row: RowState,
    buffer: Buffer,
    at: number,
    end: number,
    key: KeyName,
    depth: number,
  ): number {
    if (depth >= depthMax) return this.#broken(jsonProblems.object);
    if (!key.isWantedBelow && !key.isWanted && !this.#mustCheckAll) {
      const behind = blockEnd(buffer, at, end);
      return behind < 0 ? this.#broken(jsonProblems.object) : behind;
    }
    const countBefore = row.count;
    const behind = this.#object(row, buffer, at + 1, end, key, depth + 1);
    // The reference looks for the closing brace first and reads nothing of an object without one.
    if (behind === isBroken && blockEnd(buffer, at, end) === -1) {
      row.truncate(countBefore);
      return this.#broken(jsonProblems.object);
    }
    return behind;
  }
}

import { type JsonStage, parseJsonPath } from "#logql";
import { hasBytes } from "./bytes-search.ts";
import { blockEnd, jsonProblems, skipSpace, stringEnd, tokenEnd, tokenType } from "./json-scan.ts";
import { jsonParserError } from "./json-stage.ts";
import { addMissing, wantedNames } from "./logfmt-stage.ts";
import type { RowStage, RowState } from "./row-state.ts";
import { unescapeJson } from "./value-text.ts";
import type { LabelNeeds } from "./wanted-labels.ts";
import { utf8Text } from "./bytes-text.ts";

const quote = 0x22;
const openObject = 0x7b;
const openArray = 0x5b;

/** Steps into JSON: a field by the bytes of its name, or an element by its index. */
type JsonPath = readonly (Buffer | number)[];

function stepsOf(path: string): JsonPath {
  return parseJsonPath(path).map((step) => (typeof step === "string" ? Buffer.from(step) : step));
}

/**
 * `| json name="path", …`: the values at these paths. Broken JSON elsewhere in the line is not
 * looked at.
 */
export function compileJsonParameters(stage: JsonStage, needs: LabelNeeds): RowStage {
  const parameters = stage.parameters.map(({ name, path }) => ({
    name,
    path: stepsOf(path),
  }));
  const names = wantedNames(stage.parameters, needs);
  return (row) => {
    const buffer = row.lineBuffer;
    const from = row.lineFrom;
    const end = row.lineTo;
    if (from === end) return true;
    const first = buffer[from]!;
    if (first !== openObject && first !== openArray && first !== quote) {
      row.setParserError(jsonParserError, "");
      return true;
    }
    const firstOwn = row.count;
    for (const { name, path } of parameters) {
      const at = findPath(buffer, from, end, path);
      if (at >= 0) addValue(row, name, buffer, at, end, firstOwn);
    }
    addMissing(row, names);
    return true;
  };
}

function addValue(
  row: RowState,
  name: string,
  buffer: Buffer,
  at: number,
  end: number,
  firstOwn: number,
): void {
  const first = buffer[at]!;
  if (first === quote) {
    const closing = stringEnd(buffer, at + 1, end);
    if (closing === -1) return row.setParserError(jsonParserError, jsonProblems.string);
    const kind = closing < 0 ? "json" : "raw";
    row.addField(
      row.fieldName(name),
      kind,
      buffer,
      at + 1,
      closing < 0 ? ~closing : closing,
      firstOwn,
    );
    return;
  }
  if (first === openObject || first === openArray) {
    const behind = blockEnd(buffer, at, end);
    if (behind >= 0) row.addField(row.fieldName(name), "raw", buffer, at, behind, firstOwn);
    else {
      const problem = first === openObject ? jsonProblems.object : jsonProblems.array;
      row.setParserError(jsonParserError, problem);
    }
    return;
  }
  const to = tokenEnd(buffer, at, end);
  const type = tokenType(buffer, at, to);
  if (type === "unknown") row.setParserError(jsonParserError, jsonProblems.type);
  else if (type !== "null") row.addField(row.fieldName(name), "raw", buffer, at, to, firstOwn);
}

/** Where the value at `path` starts, or -1. */
function findPath(buffer: Buffer, from: number, end: number, path: JsonPath): number {
  let at = skipSpace(buffer, from, end);
  for (const step of path) {
    if (at === end) return -1;
    at =
      typeof step === "number"
        ? findElement(buffer, at, end, step)
        : findField(buffer, at, end, step);
    if (at < 0) return -1;
  }
  return at === end ? -1 : at;
}

function findField(buffer: Buffer, from: number, end: number, name: Buffer): number {
  if (buffer[from] !== openObject) return -1;
  let at = skipSpace(buffer, from + 1, end);
  while (at < end && buffer[at] === quote) {
    const closing = stringEnd(buffer, at + 1, end);
    if (closing === -1) return -1;
    const keyEnd = closing < 0 ? ~closing : closing;
    const isHit = isKey(buffer, at + 1, keyEnd, closing < 0, name);
    at = skipSpace(buffer, keyEnd + 1, end);
    if (at === end || buffer[at] !== 0x3a) return -1;
    at = skipSpace(buffer, at + 1, end);
    if (isHit) return at;
    at = behindComma(buffer, skipValue(buffer, at, end), end);
    if (at < 0) return -1;
  }
  return -1;
}

function isKey(
  buffer: Buffer,
  from: number,
  to: number,
  isEscaped: boolean,
  name: Buffer,
): boolean {
  if (isEscaped) return unescapeJson(utf8Text(buffer, from, to)) === utf8Text(name);
  return hasBytes(buffer, from, to, name);
}

function findElement(buffer: Buffer, from: number, end: number, index: number): number {
  if (buffer[from] !== openArray) return -1;
  let at = skipSpace(buffer, from + 1, end);
  for (let i = 0; at < end && buffer[at] !== 0x5d; i++) {
    if (i === index) return at;
    at = behindComma(buffer, skipValue(buffer, at, end), end);
    if (at < 0) return -1;
  }
  return -1;
}

/** Behind the value at `at`, whatever it is, or -1. */
function skipValue(buffer: Buffer, at: number, end: number): number {
  if (at === end) return -1;
  const first = buffer[at]!;
  if (first === quote) {
    const closing = stringEnd(buffer, at + 1, end);
    if (closing === -1) return -1;
    return (closing < 0 ? ~closing : closing) + 1;
  }
  if (first === openObject || first === openArray) return blockEnd(buffer, at, end);
  return tokenEnd(buffer, at, end);
}

/** The next value or key, or -1 when no comma follows. */
function behindComma(buffer: Buffer, at: number, end: number): number {
  if (at < 0) return -1;
  const comma = skipSpace(buffer, at, end);
  if (comma === end || buffer[comma] !== 0x2c) return -1;
  return skipSpace(buffer, comma + 1, end);
}

import { jsonProblems, skipSpace, stringEnd, blockEnd, tokenEnd, tokenType } from "./json-scan.ts";
import { jsonParserError } from "./json-stage.ts";
import { labelNameOf } from "./label-name.ts";
import type { RowStage, RowState } from "./row-state.ts";
import { unescapeJson } from "./value-text.ts";
import type { WantedLabels } from "./wanted-labels.ts";
import { utf8Text } from "./bytes-text.ts";

/** The field that Promtail's `pack` stage keeps the line in. */
const entryKey = "_entry";

const quote = 0x22;
const openObject = 0x7b;
const closeObject = 0x7d;
const openArray = 0x5b;

const notAnObject = "expecting json object(6), but it is not";

/**
 * `| unpack`: string fields become labels, the last string `_entry` the line; without one nothing
 * changes.
 */
export function compileUnpack(wanted: WantedLabels): RowStage {
  const fields = new PackedFields();
  return (row) => {
    const buffer = row.lineBuffer;
    const from = row.lineFrom;
    const end = row.lineTo;
    if (from === end) return true;
    if (buffer[from] !== openObject) {
      row.setParserError(jsonParserError, notAnObject);
      return true;
    }
    const problem = fields.read(buffer, from, end);
    if (problem !== "") row.setParserError(jsonParserError, problem);
    else fields.apply(row, wanted);
    return true;
  };
}

/** String fields of one object, by position in the line. */
class PackedFields {
  #buffer: Buffer = Buffer.alloc(0);
  readonly #names: string[] = [];
  readonly #froms: number[] = [];
  /** As `stringEnd` gives it. */
  readonly #closings: number[] = [];
  #count = 0;
  #entry = -1;

  apply(row: RowState, wanted: WantedLabels): void {
    if (this.#entry < 0) return;
    for (let i = 0; i < this.#count; i++) {
      const name = this.#names[i]!;
      if (name === entryKey || name === "" || !wanted.has(name)) continue;
      const closing = this.#closings[i]!;
      const kind = closing < 0 ? "json" : "raw";
      const to = closing < 0 ? ~closing : closing;
      row.addField(row.fieldName(name), kind, this.#buffer, this.#froms[i]!, to);
    }
    const from = this.#froms[this.#entry]!;
    const closing = this.#closings[this.#entry]!;
    if (closing >= 0) row.setLineBytes(this.#buffer.subarray(from, closing));
    else row.setLineText(unescapeJson(utf8Text(this.#buffer, from, ~closing)) ?? "");
  }

  /** Returns what is wrong, or "". */
  read(buffer: Buffer, from: number, end: number): string {
    this.#buffer = buffer;
    this.#count = 0;
    this.#entry = -1;
    let at = skipSpace(buffer, from + 1, end);
    if (at === end) return jsonProblems.syntax;
    for (;;) {
      if (at === end) return jsonProblems.array;
      if (buffer[at] === closeObject) return "";
      if (buffer[at] !== quote) return jsonProblems.object;
      const closing = stringEnd(buffer, at + 1, end);
      if (closing === -1) return jsonProblems.syntax;
      const raw = utf8Text(buffer, at + 1, closing < 0 ? ~closing : closing);
      const key = closing < 0 ? unescapeJson(raw) : raw;
      if (key === undefined) return jsonProblems.escape;
      at = skipSpace(buffer, (closing < 0 ? ~closing : closing) + 1, end);
      if (at === end || buffer[at] !== 0x3a) return jsonProblems.syntax;
      at = skipSpace(buffer, at + 1, end);
      const behind = this.#value(buffer, at, end, key);
      if (typeof behind === "string") return behind;
      at = skipSpace(buffer, behind, end);
      if (at === end) return jsonProblems.array;
      if (buffer[at] === closeObject) return "";
      if (buffer[at] !== 0x2c) return jsonProblems.object;
      at = skipSpace(buffer, at + 1, end);
    }
  }

  /** Position behind the value at `at`, or what is wrong with it. */
  #value(buffer: Buffer, at: number, end: number, key: string): number | string {
    if (at === end) return jsonProblems.syntax;
    const first = buffer[at]!;
    if (first === openObject || first === openArray) {
      const behind = blockEnd(buffer, at, end);
      if (behind >= 0) return behind;
      return first === openObject ? jsonProblems.object : jsonProblems.array;
    }
    if (first !== quote) {
      const to = tokenEnd(buffer, at, end);
      return tokenType(buffer, at, to) === "unknown" ? jsonProblems.type : to;
    }
    const closing = stringEnd(buffer, at + 1, end);
    if (closing === -1) return jsonProblems.string;
    const field = this.#count++;
    this.#names[field] = key === entryKey ? entryKey : labelNameOf(key, { isStart: true });
    this.#froms[field] = at + 1;
    this.#closings[field] = closing;
    if (key === entryKey) this.#entry = field;
    return (closing < 0 ? ~closing : closing) + 1;
  }
}

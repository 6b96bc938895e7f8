import { compareText, type LabelPair, Labels } from "#model";
import type { Block } from "#storage";
import {
  type BlockBase,
  errorDetailsLabel,
  errorLabel,
  extractedSuffix,
  type MetadataTexts,
  type StreamBase,
} from "./base-labels.ts";
import type { Conversion } from "./conversions.ts";
import { type FieldColumn, fieldColumnsOf } from "./field-columns.ts";
import type { LabelInterner } from "./label-interner.ts";
import { LabelShape } from "./label-shape.ts";
import type { Row } from "./pipeline.ts";
import { type ValueKind, valueText } from "./value-text.ts";
import { latin1Text, utf8Text } from "./bytes-text.ts";

/** One stage on the row at hand; false drops it. */
export type RowStage = (row: RowState) => boolean;

const noBytes = Buffer.alloc(0);

/**
 * The row at hand, changed by the stages. Labels made by stages lie in parallel arrays as byte
 * ranges of the line they came from and become text when somebody reads them; labels the entry came
 * with are looked up in the block and only marked when a stage removes them.
 */
export class RowState implements Row {
  block!: Block;
  index = 0;
  /** What the row came with. */
  base!: StreamBase;
  /** Of the block: fields that need no parsing. */
  fields: readonly FieldColumn[] | undefined;
  value: number = Number.NaN;
  /** Of a stage; a parsed field `__error__` is an ordinary label until the end. */
  stageError = "";
  stageErrorDetails = "";
  #isParserError = false;
  readonly #preservesParserErrors: boolean;
  readonly #interner: LabelInterner;
  #blockBase!: BlockBase;
  // Labels made by stages.
  count = 0;
  readonly #names: string[] = [];
  readonly #texts: (string | undefined)[] = [];
  readonly #buffers: Buffer[] = [];
  readonly #froms: number[] = [];
  readonly #tos: number[] = [];
  readonly #kinds: ValueKind[] = [];
  /** Of values that came as a column: where their text is remembered, and by which id. */
  readonly #columns: (MetadataTexts | undefined)[] = [];
  readonly #ids: number[] = [];
  readonly #shape = new LabelShape();
  readonly #valueAt = (i: number): string => this.valueAt(i);
  // Labels of the base that a stage removed.
  #goneNames: string[] = [];
  // The line: bytes, text, or both.
  #lineBuffer: Buffer | undefined;
  #lineFrom = 0;
  #lineTo = 0;
  #lineText: string | undefined;
  #isLineAscii = false;
  #isLineStored = true;

  constructor(interner: LabelInterner, options: { preservesParserErrors: boolean }) {
    this.#interner = interner;
    this.#preservesParserErrors = options.preservesParserErrors;
  }

  enterBlock(base: BlockBase): void {
    this.#blockBase = base;
    this.fields = fieldColumnsOf(base.block);
    this.block = base.block;
    this.base = base.ofStream(0);
  }

  /** Starts over with row `index` of the block entered last. */
  reset(index: number): void {
    const block = this.block;
    this.index = index;
    if (block.streamOfRow !== undefined) this.base = this.#blockBase.ofRow(index);
    this.count = 0;
    if (this.#goneNames.length > 0) this.#goneNames = [];
    this.value = Number.NaN;
    this.#isParserError = false;
    this.stageError = "";
    this.stageErrorDetails = "";
    if (this.#blockBase.errors !== undefined) this.#takeStoredError(index);
    this.#lineText = undefined;
    this.#isLineStored = true;
    const lines = block.lines;
    if (lines === undefined) {
      // What is there is of a block that came with lines.
      this.#lineBuffer = undefined;
      return;
    }
    this.#lineBuffer = lines.bytes;
    this.#lineFrom = lines.starts[index]!;
    this.#lineTo = lines.starts[index + 1]! - lines.gap;
    this.#isLineAscii = block.ref.facts.isAscii;
  }

  #takeStoredError(index: number): void {
    const { errors, errorDetails } = this.#blockBase;
    const error = errors!.ids[index]!;
    if (error !== 0) this.stageError = errors!.text(error);
    const details = errorDetails?.ids[index] ?? 0;
    if (details !== 0) this.stageErrorDetails = errorDetails!.text(details);
  }

  get stored(): Labels {
    return this.base.stored;
  }

  // ── The line ──────────────────────────────────────────────────────────────────────────────

  /** The line's bytes are [lineFrom, lineTo) of this buffer. */
  get lineBuffer(): Buffer {
    if (this.#lineBuffer === undefined) {
      const bytes = this.#lineText === undefined ? noBytes : Buffer.from(this.#lineText);
      this.#lineBuffer = bytes;
      this.#lineFrom = 0;
      this.#lineTo = bytes.length;
    }
    return this.#lineBuffer;
  }

  /** Valid after `lineBuffer` was read. */
  get lineFrom(): number {
    return this.#lineFrom;
  }

  get lineTo(): number {
    return this.#lineTo;
  }

  get isLineAscii(): boolean {
    return this.#isLineAscii;
  }

  line(): string {
    if (this.#lineText === undefined) {
      const buffer = this.lineBuffer;
      this.#lineText = this.#isLineAscii
        ? latin1Text(buffer, this.#lineFrom, this.#lineTo)
        : utf8Text(buffer, this.#lineFrom, this.#lineTo);
    }
    return this.#lineText;
  }

  lineBytes(): Buffer {
    return this.lineBuffer.subarray(this.#lineFrom, this.#lineTo);
  }

  lineByteLength(): number {
    if (this.#isLineStored && this.block.lines === undefined) {
      return this.block.lengths?.[this.index] ?? 0;
    }
    return this.lineBuffer.length === 0 ? 0 : this.#lineTo - this.#lineFrom;
  }

  setLineText(text: string): void {
    this.#isLineStored = false;
    this.#lineText = text;
    this.#lineBuffer = undefined;
    this.#isLineAscii = false;
  }

  setLineBytes(bytes: Buffer): void {
    this.#isLineStored = false;
    this.#lineText = undefined;
    this.#lineBuffer = bytes;
    this.#lineFrom = 0;
    this.#lineTo = bytes.length;
  }

  // ── Errors ────────────────────────────────────────────────────────────────────────────────

  setParserError(error: string, details: string): void {
    this.stageError = error;
    this.stageErrorDetails = details;
    this.#isParserError = true;
  }

  setStageError(error: string, details: string): void {
    this.stageError = error;
    this.stageErrorDetails = details;
    this.#isParserError = false;
  }

  clearError(): void {
    this.stageError = "";
    this.stageErrorDetails = "";
  }

  get error(): string {
    if (this.stageError !== "" || this.count === 0) return this.stageError;
    return this.#made(errorLabel) ?? "";
  }

  get errorDetails(): string {
    if (this.stageErrorDetails !== "" || this.count === 0) return this.stageErrorDetails;
    return this.#made(errorDetailsLabel) ?? "";
  }

  get isErrorParsed(): boolean {
    return this.stageError === "" && this.error !== "";
  }

  get isErrorFatal(): boolean {
    if (this.error === "") return false;
    return !(this.#preservesParserErrors && this.#isParserError);
  }

  // ── Labels ────────────────────────────────────────────────────────────────────────────────

  /** Position of a label that a stage made, or -1. */
  find(name: string): number {
    for (let i = 0; i < this.count; i++) if (this.#names[i] === name) return i;
    return -1;
  }

  nameAt(i: number): string {
    return this.#names[i]!;
  }

  valueAt(i: number): string {
    let text = this.#texts[i];
    if (text === undefined) {
      const column = this.#columns[i];
      text =
        column === undefined
          ? valueText(this.#kinds[i]!, this.#buffers[i]!, this.#froms[i]!, this.#tos[i]!)
          : column.text(this.#ids[i]!);
      this.#texts[i] = text;
    }
    return text;
  }

  /** Do the bytes of the value need decoding before they are its text? */
  isEncodedAt(i: number): boolean {
    const kind = this.#kinds[i]!;
    return kind !== "ascii" && kind !== "raw" && kind !== "plain";
  }

  /** Gives the bytes of values that are not encoded to `take`. */
  withBytesAt(i: number, take: (buffer: Buffer, from: number, to: number) => void): void {
    take(this.#buffers[i]!, this.#froms[i]!, this.#tos[i]!);
  }

  /** For values that are not encoded: are their bytes these? */
  hasBytesAt(i: number, bytes: Buffer): boolean {
    const from = this.#froms[i]!;
    if (this.#tos[i]! - from !== bytes.length) return false;
    const buffer = this.#buffers[i]!;
    for (let k = 0; k < bytes.length; k++) if (buffer[from + k] !== bytes[k]) return false;
    return true;
  }

  /** The value as a number in its everyday spelling, else NaN. */
  convertAt(i: number, conversion: Conversion): number {
    if (this.isEncodedAt(i)) return Number.NaN;
    return conversion.ofBytes(this.#buffers[i]!, this.#froms[i]!, this.#tos[i]!);
  }

  #made(name: string): string | undefined {
    const at = this.find(name);
    return at < 0 ? undefined : this.valueAt(at);
  }

  /** Effective value without the error labels. */
  plainLabel(name: string): string | undefined {
    if (this.count > 0) {
      const at = this.find(name);
      if (at >= 0) return this.valueAt(at);
    }
    if (this.#goneNames.length > 0 && this.#goneNames.includes(name)) return undefined;
    return this.base.value(name, this.index);
  }

  label(name: string): string | undefined {
    if (name === errorLabel) return this.error === "" ? undefined : this.error;
    if (name === errorDetailsLabel) return this.errorDetails === "" ? undefined : this.errorDetails;
    return this.plainLabel(name);
  }

  isGone(name: string): boolean {
    return this.#goneNames.includes(name);
  }

  /** Is nothing of this name made or removed, so that the value is the one the entry came with? */
  isUntouched(name: string): boolean {
    return (this.count === 0 || this.find(name) < 0) && !this.#goneNames.includes(name);
  }

  /** The name a field of this name goes by here. */
  fieldName(name: string): string {
    return this.base.has(name, this.index) ? name + extractedSuffix : name;
  }

  /**
   * A field a parser found: bytes [from, to) of `buffer`, called `fieldName`. An older label of the
   * name stays, unless it is at `replaceFrom` or later. False when the field was not added.
   */
  addField(
    fieldName: string,
    kind: ValueKind,
    buffer: Buffer,
    from: number,
    to: number,
    replaceFrom: number = Number.POSITIVE_INFINITY,
  ): boolean {
    const at = this.find(fieldName);
    if (at >= 0 && at < replaceFrom) return false;
    const known = this.#isLineAscii && (kind === "raw" || kind === "plain") ? "ascii" : kind;
    this.#put(at < 0 ? this.count++ : at, fieldName, undefined, known, buffer, from, to);
    return true;
  }

  /** A field that came as a column, `id` as in the column; the row has none of this name yet. */
  addColumnField(fieldName: string, column: MetadataTexts, id: number): void {
    const { bytes, starts } = column.values;
    const at = this.count++;
    this.#put(at, fieldName, undefined, "ascii", bytes, starts[id - 1]!, starts[id]!);
    this.#columns[at] = column;
    this.#ids[at] = id;
  }

  addFieldText(fieldName: string, text: string): void {
    if (this.find(fieldName) < 0) this.#put(this.count++, fieldName, text, "text", noBytes, 0, 0);
  }

  /** Sets a label whatever there was, as `label_format` does. */
  setLabel(name: string, text: string): void {
    const at = this.find(name);
    this.#put(at < 0 ? this.count++ : at, name, text, "text", noBytes, 0, 0);
  }

  #put(
    at: number,
    name: string,
    text: string | undefined,
    kind: ValueKind,
    buffer: Buffer,
    from: number,
    to: number,
  ): void {
    this.#names[at] = name;
    this.#texts[at] = text;
    this.#kinds[at] = kind;
    this.#buffers[at] = buffer;
    this.#froms[at] = from;
    this.#tos[at] = to;
    this.#columns[at] = undefined;
  }

  /** Takes back labels from position `count` on. */
  truncate(count: number): void {
    this.count = count;
  }

  removeLabel(name: string): void {
    this.#removeMade((other) => other === name);
    if (this.base.value(name, this.index) !== undefined && !this.isGone(name)) {
      this.#goneNames.push(name);
    }
  }

  /** Removes every label but the error ones for which `keeps` says false. */
  removeAllBut(keeps: (name: string, row: RowState) => boolean): void {
    const dropped = new Set<string>();
    const { stored, metadataNames, columns } = this.base;
    for (const [name] of stored.pairs) if (!this.isGone(name)) dropped.add(name);
    for (let i = 0; i < columns.length; i++) {
      const name = metadataNames[i]!;
      if (columns[i]!.ids[this.index] !== 0 && !this.isGone(name)) dropped.add(name);
    }
    for (let i = 0; i < this.count; i++) dropped.add(this.#names[i]!);
    for (const name of dropped) {
      if (name === errorLabel || name === errorDetailsLabel || keeps(name, this)) {
        dropped.delete(name);
      }
    }
    for (const name of dropped) this.removeLabel(name);
  }

  #removeMade(drops: (name: string) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (drops(this.#names[i]!)) continue;
      if (kept !== i) this.#move(i, kept);
      kept++;
    }
    this.count = kept;
  }

  #move(from: number, to: number): void {
    this.#put(
      to,
      this.#names[from]!,
      this.#texts[from],
      this.#kinds[from]!,
      this.#buffers[from]!,
      this.#froms[from]!,
      this.#tos[from]!,
    );
    this.#columns[to] = this.#columns[from];
    this.#ids[to] = this.#ids[from]!;
  }

  // ── Sets ──────────────────────────────────────────────────────────────────────────────────

  labels(): Labels {
    const base = this.base.labels(this.index);
    const isUntouched = this.stageError === "" && this.#goneNames.length === 0;
    if (isUntouched && this.count === 0) return base;
    if (!this.#interner.isUseful) {
      const isPlain = isUntouched && this.stageErrorDetails === "";
      return isPlain ? this.#shaped(base) : this.#merge(base.pairs, { withMade: true });
    }
    let key = this.#interner.baseKey(base);
    for (const name of this.#goneNames) key += `\ud801${name}`;
    for (let i = 0; i < this.count; i++) {
      key += `\ud802${this.#names[i]!}\ud803${this.valueAt(i)}`;
    }
    if (this.stageError !== "") key += `\ud804${this.stageError}\ud804${this.stageErrorDetails}`;
    const known = this.#interner.get(key);
    if (known !== undefined) return known;
    const labels = this.#merge(base.pairs, { withMade: true });
    this.#interner.set(key, labels);
    return labels;
  }

  #shaped(base: Labels): Labels {
    return this.#shape.merge(base.pairs, this.#names, this.count, this.#valueAt);
  }

  #merge(base: readonly LabelPair[], { withMade }: { withMade: boolean }): Labels {
    const byName = new Map<string, string>();
    for (const [name, value] of base) if (!this.isGone(name)) byName.set(name, value);
    for (let i = 0; i < this.count; i++) {
      const name = this.#names[i]!;
      if (withMade) byName.set(name, this.valueAt(i));
      else byName.delete(name);
    }
    if (withMade) this.#addErrors(byName);
    const pairs = [...byName].sort((a, b) => compareText(a[0], b[0]));
    return Labels.ofSorted(pairs);
  }

  #addErrors(byName: Map<string, string>): void {
    if (this.stageError !== "") byName.set(errorLabel, this.stageError);
    if (this.stageErrorDetails !== "") byName.set(errorDetailsLabel, this.stageErrorDetails);
  }

  streamLabels(): Labels {
    const { stored, metadataNames, columns } = this.base;
    const isHidden = (name: string): boolean => {
      const column = metadataNames.indexOf(name);
      return column >= 0 && columns[column]!.ids[this.index] !== 0;
    };
    if (this.count === 0 && this.#goneNames.length === 0) {
      if (!stored.pairs.some(([name]) => isHidden(name))) return stored;
    }
    const pairs = stored.pairs.filter(([name]) => !isHidden(name));
    return this.#merge(pairs, { withMade: false });
  }

  structuredMetadata(): readonly LabelPair[] {
    const pairs = this.base.metadata(this.index);
    return this.#merge(pairs, { withMade: false }).pairs;
  }

  parsedLabels(): readonly LabelPair[] {
    return this.#merge([], { withMade: true }).pairs;
  }
}

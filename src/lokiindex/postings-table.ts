import { type ByteCursor, checkSum, corrupt } from "./byte-cursor.ts";
import { compareBytes } from "./compare-bytes.ts";

/** The entries [from, to) of the table have this name. */
interface NameRun {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** From the start of an entry to the length of its value: the same for all of one name. */
  readonly valueSkip: number;
}

/**
 * Which series have which label: entries (name, value) → list of references, sorted by name, then
 * value, both by bytes. Held are 4 bytes an entry and an object a name; values and lists stay in
 * the file and are read, and their checksums verified, when asked for.
 */
export class PostingsTable {
  readonly #bytes: Buffer;
  readonly #key: string;
  readonly #base: number;
  /** Moved about by every reading of an entry. */
  readonly #cursor: ByteCursor;
  /** Where the lists lie. */
  readonly #lists: { readonly from: number; readonly to: number };
  readonly #starts: Uint32Array;
  readonly #runs = new Map<string, NameRun>();

  /** `content` is the verified section, `lists` where the lists may lie. */
  constructor(content: ByteCursor, lists: { from: number; to: number }) {
    this.#bytes = content.bytes;
    this.#key = content.key;
    this.#lists = lists;
    const count = content.u32("number of postings");
    // An entry takes four bytes at least.
    if (count * 4 > content.left) {
      throw corrupt(content.key, {
        at: content.at - 4,
        expected: `at most ${Math.floor(content.left / 4)} postings`,
        actual: count,
      });
    }
    this.#base = content.at;
    this.#cursor = content;
    this.#starts = new Uint32Array(count);
    this.#readEntries(content, count);
  }

  #readEntries(content: ByteCursor, count: number): void {
    const { bytes } = content;
    let run = { from: 0, nameFrom: 0, nameTo: -1, valueSkip: 0 };
    const value = { from: 0, to: 0 };
    for (let entry = 0; entry < count; entry++) {
      const at = content.at;
      this.#starts[entry] = at - this.#base;
      const keys = content.uvarint("number of keys");
      if (keys !== 2) throw this.#damage(at, "2 keys", keys);
      const nameFrom = content.skipText("label name");
      const nameTo = content.at;
      const valueFrom = content.skipText("label value");
      const order =
        entry === 0
          ? -1
          : compareBytes(bytes, {
              aFrom: run.nameFrom,
              aTo: run.nameTo,
              bFrom: nameFrom,
              bTo: nameTo,
            });
      if (order === 0) {
        const span = { aFrom: value.from, aTo: value.to, bFrom: valueFrom, bTo: content.at };
        if (compareBytes(bytes, span) >= 0) throw this.#damage(at, "sorted values", "a smaller");
      } else {
        if (order > 0) throw this.#damage(at, "sorted names", "a smaller");
        if (entry > 0) this.#endRun(run, entry);
        run = { from: entry, nameFrom, nameTo, valueSkip: nameTo - at };
      }
      value.from = valueFrom;
      value.to = content.at;
      content.uvarint("offset of postings");
    }
    if (count > 0) this.#endRun(run, count);
    if (content.left > 0) throw this.#damage(content.at, "the end of the table", "more bytes");
  }

  #endRun(
    run: { from: number; nameFrom: number; nameTo: number; valueSkip: number },
    to: number,
  ): void {
    const name = this.#bytes.toString("utf8", run.nameFrom, run.nameTo);
    this.#runs.set(name, { name, from: run.from, to, valueSkip: run.valueSkip });
  }

  #damage(at: number, expected: string, actual: string | number): Error {
    return corrupt(this.#key, { at, expected, actual });
  }

  get heldBytes(): number {
    return this.#starts.byteLength;
  }

  get entryCount(): number {
    return this.#starts.length;
  }

  /** All names, the "" of the list of all series among them, sorted by bytes. */
  names(): IterableIterator<string> {
    return this.#runs.keys();
  }

  /** Entries [from, to) of a name; an empty range when nobody has it. */
  entriesOf(name: string): { readonly from: number; readonly to: number } {
    return this.#runs.get(name) ?? { from: 0, to: 0 };
  }

  /** `entry` is one of `entriesOf(name)`. */
  valueOf(name: string, entry: number): string {
    this.#cursor.at = this.#valueAt(this.#runs.get(name)!, entry);
    return this.#cursor.text("label value");
  }

  #valueAt(run: NameRun, entry: number): number {
    return this.#base + this.#starts[entry]! + run.valueSkip;
  }

  /** The entry of (name, value), or -1. */
  find(name: string, value: string): number {
    const run = this.#runs.get(name);
    if (run === undefined) return -1;
    const wanted = Buffer.from(value);
    let low = run.from;
    let high = run.to - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.#compareValue(this.#valueAt(run, middle), wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #compareValue(at: number, wanted: Buffer): number {
    this.#cursor.at = at;
    const from = this.#cursor.skipText("label value");
    return this.#bytes.compare(wanted, 0, wanted.length, from, this.#cursor.at);
  }

  /** How many references an entry has, and where they stand; the checksum is verified. */
  listOf(entry: number): { readonly at: number; readonly count: number } {
    const bytes = this.#bytes;
    const cursor = this.#cursor;
    cursor.at = this.#base + this.#starts[entry]!;
    cursor.uvarint("number of keys");
    cursor.skipText("label name");
    cursor.skipText("label value");
    const at = cursor.uvarint("offset of postings");
    const { from, to } = this.#lists;
    if (at < from || at + 12 > to) throw this.#damage(at, `a list in ${from} … ${to}`, at);
    const length = bytes.readUInt32BE(at);
    const count = bytes.readUInt32BE(at + 4);
    if (length !== 4 + count * 4 || at + 4 + length + 4 > to) {
      throw this.#damage(at, `a list of ${4 + count * 4} bytes before ${to}`, length);
    }
    checkSum({ key: this.#key, bytes }, { from: at + 4, to: at + 4 + length, what: "postings" });
    return { at: at + 8, count };
  }
}

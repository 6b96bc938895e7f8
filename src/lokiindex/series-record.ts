import { ByteCursor, checkSum, corrupt } from "./byte-cursor.ts";
import { labelsOfSeriesMax, seriesAlignBytes } from "./limits.ts";
import type { IndexVersion } from "./tables.ts";

/** Of a chunk meta: two times, size and entries take a byte each at least, the checksum four. */
const chunkBytesMin = 8;

/** What a record is read from. */
export interface RecordFile {
  readonly key: string;
  readonly bytes: Buffer;
  readonly version: IndexVersion;
  /** Where records lie. */
  readonly records: { readonly from: number; readonly to: number };
}

/**
 * One record of the series section, loaded over the last: going through a million series makes no
 * object a series. The checksum is verified at every load.
 */
export class SeriesRecord {
  readonly #file: RecordFile;
  readonly #cursor: ByteCursor;
  /** Pairs of symbol numbers, name and value; the first `labelCount` pairs are this record's. */
  symbols: Uint32Array = new Uint32Array(64);
  labelCount = 0;
  chunkCount = 0;
  /** v3 and later: where the markers start; equal to `metasAt` when there are none. */
  markersAt = 0;
  metasAt = 0;
  /** End of the content. */
  end = 0;
  #contentAt = 0;

  constructor(file: RecordFile) {
    this.#file = file;
    this.#cursor = new ByteCursor(file.key, file.bytes);
  }

  /** Where the content starts, for messages. */
  get at(): number {
    return this.#contentAt;
  }

  /** Finds the record and verifies it; what it holds is read by `load`. */
  open(ref: number): void {
    const { key, bytes, records } = this.#file;
    const at = ref * seriesAlignBytes;
    if (at < records.from || at >= records.to) {
      const expected = `a record in ${records.from} … ${records.to}`;
      throw corrupt(key, { at, expected, actual: `reference ${ref}` });
    }
    const cursor = this.#cursor;
    cursor.at = at;
    cursor.end = records.to;
    const length = cursor.uvarint("length of series");
    if (length < 10 || length + 4 > cursor.left) {
      const expected = `a series of 10 … ${cursor.left - 4} bytes`;
      throw corrupt(key, { at, expected, actual: length });
    }
    this.#contentAt = cursor.at;
    this.end = cursor.at + length;
    checkSum({ key, bytes }, { from: cursor.at, to: this.end, what: "series" });
    cursor.end = this.end;
  }

  get fingerprint(): bigint {
    return this.#file.bytes.readBigUInt64BE(this.#contentAt);
  }

  /** Opens the record and reads its labels and where its chunks lie. */
  load(ref: number): void {
    this.open(ref);
    const cursor = this.#cursor;
    const { key } = this.#file;
    cursor.at = this.#contentAt + 8;
    const labelCount = cursor.uvarint("number of labels");
    if (labelCount > labelsOfSeriesMax) {
      const expected = `at most ${labelsOfSeriesMax} labels`;
      throw corrupt(key, { at: cursor.at, expected, actual: labelCount });
    }
    this.labelCount = labelCount;
    if (labelCount * 2 > this.symbols.length) this.symbols = new Uint32Array(labelCount * 2);
    for (let i = 0; i < labelCount * 2; i++) {
      const symbol = cursor.uvarint("symbol number");
      // What does not fit would wrap round to a symbol that exists.
      this.symbols[i] = Math.min(symbol, 0xffffffff);
    }
    const chunksAt = cursor.at;
    this.chunkCount = cursor.uvarint("number of chunks");
    if (this.chunkCount * chunkBytesMin > cursor.left) {
      const expected = `at most ${Math.floor(cursor.left / chunkBytesMin)} chunks`;
      throw corrupt(key, { at: chunksAt, expected, actual: this.chunkCount });
    }
    this.markersAt = cursor.at;
    this.metasAt = cursor.at;
    if (this.#file.version === 2) return;
    const markersBytes = cursor.u32("length of page markers");
    this.markersAt = cursor.at;
    // A series without chunks says 0 and still has the byte of "no markers".
    this.metasAt = cursor.at + (this.chunkCount === 0 ? 1 : markersBytes);
    if (this.metasAt > this.end) {
      const expected = `markers before ${this.end}`;
      throw corrupt(key, { at: cursor.at, expected, actual: markersBytes });
    }
  }
}

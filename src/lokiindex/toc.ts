import { ByteCursor, checkSum, corrupt } from "./byte-cursor.ts";
import { fileBytesMax, headerBytes, indexMagicNumber, tocBytes } from "./limits.ts";
import type { IndexVersion } from "./tables.ts";

/** The table of contents: offsets of sections, bounds of all chunks. */
export interface IndexToc {
  readonly version: IndexVersion;
  readonly symbols: number;
  /** End of the symbols, before padding. */
  readonly series: number;
  /** End of the last record, before padding. */
  readonly labelIndices: number;
  readonly labelIndexTable: number;
  /** End of the label indices, before padding. */
  readonly postings: number;
  readonly postingsTable: number;
  readonly fingerprintOffsets: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly checksum: number;
}

/** Header and table of contents, verified; the sections follow each other inside the file. */
export function readToc(file: { readonly key: string; readonly bytes: Buffer }): IndexToc {
  const { key, bytes } = file;
  if (bytes.length < headerBytes + tocBytes || bytes.length > fileBytesMax) {
    const expected = `${headerBytes + tocBytes} … ${fileBytesMax} bytes`;
    throw corrupt(key, { at: 0, expected, actual: bytes.length });
  }
  const magic = bytes.readUInt32BE(0);
  if (magic !== indexMagicNumber) {
    const expected = `index magic ${indexMagicNumber.toString(16)}`;
    throw corrupt(key, { at: 0, expected, actual: magic.toString(16) });
  }
  const version = bytes[4]!;
  if (version !== 2 && version !== 3 && version !== 4) {
    throw corrupt(key, { at: 4, expected: "index version 2, 3 or 4", actual: version });
  }
  const from = bytes.length - tocBytes;
  checkSum(file, { from, to: bytes.length - 4, what: "table of contents" });
  const cursor = new ByteCursor(key, bytes, from);
  const toc: IndexToc = {
    version,
    symbols: cursor.i64("offset of symbols"),
    series: cursor.i64("offset of series"),
    labelIndices: cursor.i64("offset of label indices"),
    labelIndexTable: cursor.i64("offset of the label index table"),
    postings: cursor.i64("offset of postings"),
    postingsTable: cursor.i64("offset of the postings table"),
    fingerprintOffsets: cursor.i64("offset of fingerprint offsets"),
    minMs: cursor.i64("min mint"),
    maxMs: cursor.i64("max maxt"),
    checksum: bytes.readUInt32BE(bytes.length - 4),
  };
  checkOrder(key, toc, from);
  return toc;
}

function checkOrder(key: string, toc: IndexToc, end: number): void {
  const order: readonly (readonly [name: string, offset: number])[] = [
    ["symbols", toc.symbols],
    ["series", toc.series],
    ["label indices", toc.labelIndices],
    ["postings", toc.postings],
    ["label index table", toc.labelIndexTable],
    ["postings table", toc.postingsTable],
    ["fingerprint offsets", toc.fingerprintOffsets],
  ];
  let previous = headerBytes;
  for (const [name, offset] of order) {
    if (offset < previous || offset > end) {
      const expected = `offset of ${name} in ${previous} … ${end}`;
      throw corrupt(key, { at: end, expected, actual: offset });
    }
    previous = offset;
  }
}

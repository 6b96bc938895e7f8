import type { StoredPart } from "./compression.ts";
import type { SegmentFooter } from "./footer.ts";

/** What the footer says of a column's stored bytes. */
export function storedPartOf(footer: SegmentFooter, column: number): StoredPart {
  const { storedBytes, rawBytes, encodings, crcs } = footer.blocks.columns;
  return {
    storedBytes: storedBytes[column]!,
    rawBytes: rawBytes[column]!,
    encoding: encodings[column]!,
    crc: crcs[column]!,
  };
}

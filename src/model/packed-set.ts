import { compareText, type LabelPair } from "./labels.ts";

/** Pairs sorted by name → packed bytes (see EntryBatch). */
export function packSet(pairs: readonly LabelPair[]): Buffer {
  const sorted = [...pairs].sort((a, b) => compareText(a[0], b[0]));
  const parts: Buffer[] = [];
  for (const pair of sorted) {
    for (const text of pair) {
      const bytes = Buffer.from(text);
      parts.push(varint(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
  return Buffer.from(out);
}

/** Packed bytes → pairs. The bytes must come from `packSet` or a decoder that checked them. */
export function unpackSet(bytes: Buffer, from = 0, to: number = bytes.length): LabelPair[] {
  const pairs: LabelPair[] = [];
  const cursor = { at: from };
  while (cursor.at < to) {
    const name = readText(bytes, cursor);
    pairs.push([name, readText(bytes, cursor)]);
  }
  return pairs;
}

function readText(bytes: Buffer, cursor: { at: number }): string {
  let length = 0;
  let shift = 0;
  for (;;) {
    const byte = bytes[cursor.at++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  const text = bytes.toString("utf8", cursor.at, cursor.at + length);
  cursor.at += length;
  return text;
}

import type { PackedSets } from "#model";

export const unknownLevel = "unknown";
const levelName = Buffer.from("detected_level");

/** Value of `detected_level` in a set of structured metadata, found without making the other pairs. */
export function levelOfSet(sets: PackedSets, set: number): string {
  const { bytes, starts } = sets;
  const end = starts[set + 1]!;
  let at = starts[set]!;
  while (at < end) {
    const name = readSpan(bytes, at);
    const value = readSpan(bytes, name.to);
    if (name.to - name.from === levelName.length) {
      const order = bytes.compare(levelName, 0, levelName.length, name.from, name.to);
      if (order === 0) return bytes.toString("utf8", value.from, value.to);
    }
    at = value.to;
  }
  return unknownLevel;
}

/** A length and what it counts; packed sets come from our own decoders. */
function readSpan(bytes: Buffer, at: number): { readonly from: number; readonly to: number } {
  let from = at;
  let length = 0;
  let shift = 0;
  for (;;) {
    const byte = bytes[from++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  return { from, to: from + length };
}

import { ByteStrings } from "#columns";
import { ChunkBytes } from "./chunk-bytes.ts";

/** Below this, moving byte by byte is quicker than a call of copyWithin. */
const moveLoopBytesMax = 40;

/**
 * Strings that lie scattered in `raw`, in order, moved together at its beginning: string i is
 * raw[froms[i], froms[i] + lengths[i]). With gap 1 a newline is put after each; then every string
 * must have at least one byte of its own before it that is not needed any more. `raw` is used up.
 */
export function movedTogether(
  raw: Buffer,
  froms: Uint32Array,
  lengths: Uint32Array,
  gap: 0 | 1,
): ByteStrings {
  const count = lengths.length;
  const starts = new Uint32Array(count + 1);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const from = froms[i]!;
    const length = lengths[i]!;
    if (length <= moveLoopBytesMax) {
      for (let k = 0; k < length; k++) raw[at + k] = raw[from + k]!;
    } else {
      raw.copyWithin(at, from, from + length);
    }
    at += length;
    if (gap === 1) raw[at++] = 0x0a;
    starts[i + 1] = at;
  }
  return new ByteStrings(raw.subarray(0, at), starts, gap);
}

/** As `movedTogether`, into memory of its own; strings may lie in any order. */
export function copiedTogether(
  raw: Buffer,
  froms: Uint32Array,
  lengths: Uint32Array,
  gap: 0 | 1,
): ByteStrings {
  const count = lengths.length;
  let total = count * gap;
  for (let i = 0; i < count; i++) total += lengths[i]!;
  const bytes = Buffer.allocUnsafe(total);
  const starts = new Uint32Array(count + 1);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const from = froms[i]!;
    const length = lengths[i]!;
    if (length <= moveLoopBytesMax) {
      for (let k = 0; k < length; k++) bytes[at + k] = raw[from + k]!;
    } else {
      raw.copy(bytes, at, from, from + length);
    }
    at += length;
    if (gap === 1) bytes[at++] = 0x0a;
    starts[i + 1] = at;
  }
  return new ByteStrings(bytes, starts, gap);
}

/** `count` strings, each with its length before it, and nothing else. */
export function readStrings(
  raw: Buffer,
  count: number,
  where: { readonly key: string; readonly offset: number },
): ByteStrings {
  const reader = new ChunkBytes(raw, where, "symbols");
  if (count > raw.length) throw reader.fault(`${count} symbols in ${raw.length} bytes`);
  const froms = new Uint32Array(count);
  const lengths = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let length = raw[reader.at]!;
    if (length < 0x80 && reader.at < raw.length) reader.at++;
    else length = reader.count("the length of a symbol", raw.length);
    if (length > reader.left) throw reader.fault(`symbol ${i} of ${length} bytes is cut off`);
    froms[i] = reader.at;
    lengths[i] = length;
    reader.at += length;
  }
  reader.end();
  return copiedTogether(raw, froms, lengths, 0);
}

import type { GetOptions } from "./object-store.ts";

/**
 * For layers that hold what they hand out: an answer with a buffer to itself is copied for a caller
 * who gives its memory away (`isOwn`). What shares its buffer cannot be given away.
 */
export function ownBytes(bytes: Buffer, options: GetOptions | undefined): Buffer {
  const isShared = bytes.byteLength !== bytes.buffer.byteLength;
  if (options?.isOwn !== true || isShared) return bytes;
  return Buffer.from(new Uint8Array(bytes).buffer);
}

/**
 * Loops over plain bytes, in AssemblyScript (assemblyscript.org), compiled by
 * scripts/build-kernels.ts. The caller (src/kernels/byte-kernel.ts) copies the bytes to `room`.
 */

/** Where the bytes are copied to, and how many fit: a part of them that stays in the caches. */
export const roomBytes: usize = 64 * 1024;
export const room: usize = memory.data(65536, 16);

/** How many of the first `length` bytes in the room are `byte`. `length` is a multiple of 16. */
export function count(length: usize, byte: u8): u32 {
  const wanted = i8x16.splat(<i8>byte);
  let sums = i32x4.splat(0);
  let at = room;
  const end = room + length;
  while (at < end) {
    // A lane counts to 255 before it is added to the sums.
    const left = end - at;
    const stop = at + (left < 16 * 255 ? left : 16 * 255);
    let lanes = i8x16.splat(0);
    for (; at < stop; at += 16) {
      lanes = v128.sub<i8>(lanes, v128.eq<i8>(v128.load(at), wanted));
    }
    const pairs = v128.extadd_pairwise<u8>(lanes);
    sums = v128.add<i32>(sums, v128.extadd_pairwise<u16>(pairs));
  }
  return (
    v128.extract_lane<u32>(sums, 0) +
    v128.extract_lane<u32>(sums, 1) +
    v128.extract_lane<u32>(sums, 2) +
    v128.extract_lane<u32>(sums, 3)
  );
}

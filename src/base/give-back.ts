import { KiB } from "./units.ts";

/** Smaller buffers may lie in memory that others share, and are no weight. */
const bytesMin: number = 64 * KiB;

/** What unpacking takes beyond the raw bytes. */
const slackBytesMax = 16;

/**
 * Gives memory back at once, if the bytes have a buffer to themselves, and nobody reads them any
 * more. Left to the collector, dead buffers pile up until it looks through the whole heap for them:
 * it does for every 64 MiB, which took a third of the time of queries that read a few blocks, and
 * made pushes wait for some 30 ms at a time.
 */
export function giveBack(
  { buffer, byteLength }: ArrayBufferView,
  fromBytes: number = bytesMin,
): void {
  if (byteLength < fromBytes || buffer.byteLength - byteLength > slackBytesMax) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

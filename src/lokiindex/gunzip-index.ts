import { promisify } from "node:util";
import zlib from "node:zlib";
import { messageOf, StoreError } from "#base";

const gunzip = promisify(zlib.gunzip);

/**
 * An object as stored → the index file, unpacked off the main thread. One that would grow beyond
 * `bytesMax`, or is no gzip stream, is StoreError corrupt naming `key`. Without `isGzip` the
 * result is `stored` itself.
 */
export async function gunzipIndex(
  key: string,
  stored: Buffer,
  options: { isGzip: boolean; bytesMax: number },
): Promise<Buffer> {
  const { isGzip, bytesMax } = options;
  if (!isGzip) {
    if (stored.length <= bytesMax) return stored;
    throw tooLarge(key, `${stored.length}`, bytesMax);
  }
  try {
    return await gunzip(stored, { maxOutputLength: bytesMax });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(key, "more", bytesMax);
    }
    throw new StoreError("corrupt", `${key}: no gzip stream: ${messageOf(error)}`);
  }
}

function tooLarge(key: string, bytes: string, bytesMax: number): StoreError {
  return new StoreError("corrupt", `${key}: expected at most ${bytesMax} bytes, found ${bytes}`);
}

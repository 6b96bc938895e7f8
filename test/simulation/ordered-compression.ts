/**
 * Imported before anything else of a simulation: compression that would run on the thread pool,
 * where the machine decides what ends first, runs in place and ends in the order it began.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

type Callback = (error: unknown, result?: Buffer) => void;
type Work = (bytes: Buffer, options: object) => Buffer;

const names = [
  "zstdCompress",
  "zstdDecompress",
  "gzip",
  "gunzip",
  "deflateRaw",
  "inflateRaw",
  "deflate",
  "inflate",
] as const;

const zlib = createRequire(import.meta.url)("node:zlib") as Record<string, unknown>;
for (const name of names) {
  const work = zlib[`${name}Sync`] as Work;
  zlib[name] = (bytes: Buffer, options: object | Callback, callback?: Callback): void => {
    const done = callback ?? (options as Callback);
    let result: Buffer;
    try {
      result = work(bytes, callback === undefined ? {} : (options as object));
    } catch (error) {
      process.nextTick(done, error);
      return;
    }
    process.nextTick(done, null, result);
  };
}
syncBuiltinESMExports();

/** A thread that unpacks and searches lines; started by `line-scanner.ts`. */
import { isStoreError, KiB, LruMap } from "#base";
import { compileStoredSearch, type StoredSearch } from "#pipeline";
import { type LineScan, scanLines } from "#segment";
import { serveThread } from "#world";
import type { ScanReply } from "./line-scanner.ts";

/** Queries at work at a time are few, and compiling anew costs little. */
const searchesKeptMax = 32;

/** Memory that a buffer has for itself is not larger by this much. */
const sharedBytesMin: number = 4 * KiB;

const searches = new LruMap<string, StoredSearch>({ weightMax: searchesKeptMax });

function searchOf(filters: string): StoredSearch {
  let search = searches.get(filters);
  if (search === undefined) searches.set(filters, (search = compileStoredSearch(filters)));
  return search;
}

serveThread((work) => {
  // Only `line-scanner.ts` sends work here.
  const scan = work as LineScan;
  let result: ScanReply;
  try {
    result = scanLines(scan, searchOf(scan.filters));
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    return { result: { corrupt: error.message }, transfer: [] };
  }
  return { result, transfer: [result.passing, result.lines, result.starts].flatMap(ownBuffer) };
});

/** Bytes that share their memory with others (a pool of small buffers, say) are copied instead. */
function ownBuffer(bytes: Uint8Array | Uint32Array | undefined): ArrayBuffer[] {
  if (bytes === undefined || !(bytes.buffer instanceof ArrayBuffer)) return [];
  return bytes.buffer.byteLength - bytes.byteLength < sharedBytesMin ? [bytes.buffer] : [];
}

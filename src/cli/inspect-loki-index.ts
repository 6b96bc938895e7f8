import { GiB, isStoreError, messageOf } from "#base";
import {
  gunzipIndex,
  inspectIndex,
  inspectLokiDatabase,
  type InspectedIndex,
  isLokiDatabase,
  isLokiIndex,
} from "#lokiindex";

/** An index larger than this when unpacked is not looked into. */
const unpackedBytesMax: number = 8 * GiB;

/**
 * An index file of Loki, or one of its compactor's databases, packed or not; `undefined` when the
 * file is none by name and content. The folder says whether an index is of one tenant or many.
 */
export async function inspectLokiIndex(
  name: string,
  path: string,
  bytes: Buffer,
): Promise<InspectedIndex | undefined> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const isNamed = /\.tsdb(\.gz)?$/.test(name);
  if (!isGzip && !isNamed && !isLokiIndex(bytes) && !isLokiDatabase(bytes)) return undefined;
  try {
    const unpacked = await gunzipIndex(name, bytes, { isGzip, bytesMax: unpackedBytesMax });
    if (isLokiDatabase(unpacked)) return inspectLokiDatabase(name, unpacked);
    if (!isNamed && !isLokiIndex(unpacked)) return undefined;
    return inspectIndex(name, unpacked, kindOf(path));
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    return { lines: [`CORRUPT ${messageOf(error)}`], problems: [messageOf(error)] };
  }
}

/** A table's folder ends in the number of its day; a tenant's folder lies in one. */
function kindOf(path: string): { kind?: "many" | "one" } {
  const folders = path.split("/").slice(0, -1);
  const isTable = (folder: string | undefined): boolean => /\D\d{5}$/.test(folder ?? "");
  if (isTable(folders.at(-1))) return { kind: "many" };
  return isTable(folders.at(-2)) ? { kind: "one" } : {};
}

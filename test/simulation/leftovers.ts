/** Which files a Skald that has settled and stopped has, and which of them it should not have. */
import { join } from "node:path";
import { chunkKeyFormOf, formatChunkKey, keyMapping } from "#lokichunk";
import { gunzipIndex, openIndex } from "#lokiindex";
import { openFilesystemObjectStore } from "#objectstore";
import { SegmentStore } from "#segment";
import { type Clock, type Files, seededRandom } from "#world";
import { dataFolder } from "./engine.ts";

const objectsFolder = `${dataFolder}/chunks`;
const indexBytesMax = 2 ** 26;

/** Files that are as they should be whatever is in them. */
const expected: readonly RegExp[] = [
  /^\/data\/wal\/(identity|lock|stored-ranges)$/,
  /^\/data\/records\/periods\.json$/,
  /^\/data\/chunks\/skald\/periods\.json$/,
  /^\/data\/chunks\/retention\/\w+\.json$/,
  /^\/data\/chunks\/deletes\/\w+\/\w+\.json$/,
  /^\/data\/query-cache\/pieces\/[0-9a-f]{40}$/,
];
/** The last one carries the numbers over a restart; one more may hold what was just cut. */
const journalFilesMax = 2;

/** Paths that nothing will ever clean. */
export async function leftovers(files: Files, clock: Clock): Promise<string[]> {
  const random = seededRandom(1);
  const objects = await openFilesystemObjectStore({ files, clock, random, folder: objectsFolder });
  const store = new SegmentStore({ objects });
  const paths = await filesBelow(files, dataFolder);
  const segments = new Set<string>();
  for (const tenant of await store.tenants()) {
    for (const { key } of await store.segments(tenant)) segments.add(join(objectsFolder, key));
  }
  const indexes = paths.filter((path) => path.startsWith(`${objectsFolder}/index/`));
  const named = await chunksNamedBy(files, indexes);
  const isChunk = (path: string): boolean => /^\/data\/chunks\/\w+\/[0-9a-f]{16}\//.test(path);
  const journals = paths.filter((path) => /^\/data\/wal\/\d{10}\.journal$/.test(path));
  const left = paths.filter((path) => {
    if (isChunk(path)) return !named.has(path);
    if (indexes.includes(path) || segments.has(path)) return false;
    if (journals.includes(path)) return journals.length > journalFilesMax;
    return !expected.some((pattern) => pattern.test(path));
  });
  return [...left, ...secondIndexes(indexes)];
}

/** A settled table has one index file for each tenant. */
function secondIndexes(indexes: readonly string[]): string[] {
  const byTable = Map.groupBy(indexes, (path) => path.slice(0, path.lastIndexOf("/")));
  return [...byTable.values()].flatMap((paths) => paths.slice(1));
}

async function chunksNamedBy(files: Files, indexes: readonly string[]): Promise<Set<string>> {
  const mapping = keyMapping({ medium: "filesystem" });
  const form = chunkKeyFormOf("v13");
  const named = new Set<string>();
  for (const path of indexes) {
    const tenant = path.split("/").at(-2)!;
    const stored = await files.read(path);
    const bytes = await gunzipIndex(path, stored, { isGzip: true, bytesMax: indexBytesMax });
    const index = openIndex(path, bytes);
    for (const ref of index.select({ tenant: undefined, matchers: [] })) {
      const fingerprint = index.fingerprintOf(ref);
      for (const { minMs, maxMs, checksum } of index.chunksOf(ref)) {
        const chunk = { tenant, fingerprint, fromMs: minMs, throughMs: maxMs, checksum };
        named.add(join(objectsFolder, mapping.toStored(formatChunkKey(chunk, form))));
      }
    }
  }
  return named;
}

async function filesBelow(files: Files, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isFolder } of await files.list(folder)) {
    const path = join(folder, name);
    if (isFolder) found.push(...(await filesBelow(files, path)));
    else found.push(path);
  }
  return found;
}

/** For tests: chunk objects of the buckets in test/fixtures, and what was pushed into them. */
// oxlint-disable-next-line no-restricted-imports -- read by tests only
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { parseChunkKey, keyMapping } from "./chunk-key.ts";

const folder: string = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "..",
  "test",
  "fixtures",
  "loki-bucket",
);

const mapping = keyMapping({ medium: "filesystem" });

/** Buckets whose chunks are whole. */
export const bucketNames: readonly string[] = [
  "tiny-none",
  "tiny-snappy",
  "snappy",
  "gzip",
  "lz4",
  "zstd",
  "none",
  "v12",
  "v14",
  "many-chunks",
  "period-switch",
  "compacted",
  "deletes",
  "symbol-out-of-range",
];

export interface StoredChunk {
  readonly key: string;
  readonly bytes: Buffer;
}

/** Every chunk object of a bucket by logical key. */
export function chunksOfBucket(name: string): StoredChunk[] {
  const root = join(folder, name, "bucket");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => join(root, path))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({
      key: mapping.toLogical(relative(root, path).split(sep).join("/"))!,
      bytes: readFileSync(path),
    }))
    .filter(({ key }) => parseChunkKey(key) !== undefined)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

export interface PushedEntry {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ts: string;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** In order of arrival; buckets with the same pushes share one file. */
export function pushedInto(name: string): PushedEntry[] {
  const shared = ["gzip", "lz4", "zstd", "none", "compacted", "deletes"];
  const path = join(folder, shared.includes(name) ? "snappy" : name, "entries.ndjson.gz");
  return gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as PushedEntry);
}

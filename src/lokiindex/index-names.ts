/**
 * Names of index files. Loki takes a file when its name, `.gz` removed, is an integer, `-`,
 * anything, `.tsdb`; the folder alone decides whether it holds many tenants or one.
 */

/** An object below a table's key prefix. */
export interface IndexFileName {
  /** The tenant folder; `undefined` in the table folder: a file of many tenants. */
  readonly tenant: string | undefined;
  /** The last part of the key. */
  readonly name: string;
  /** The whole file is one gzip stream. */
  readonly isGzip: boolean;
  /** What is below the table's key prefix: `<tenant>/<name>` or `<name>`. */
  readonly path: string;
  /** Set when a compactor made it. */
  readonly compacted: CompactedName | undefined;
}

/** What the name of a compactor's file says. Nothing depends on it. */
export interface CompactedName {
  readonly minMs: number;
  readonly maxMs: number;
  /** Checksum of the table of contents. */
  readonly checksum: number;
}

/**
 * What lies below a table's key prefix → its parts; `undefined` for what is no index file (such an
 * object makes Loki fail every query on the table; here it is passed over).
 */
export function parseIndexPath(path: string): IndexFileName | undefined {
  const parts = path.split("/");
  if (parts.length > 2) return undefined;
  const name = parts.at(-1)!;
  const tenant = parts.length === 2 ? parts[0]! : undefined;
  if (tenant === "" || !/^[+-]?\d+-.*\.tsdb(\.gz)?$/s.test(name)) return undefined;
  return { tenant, name, path, isGzip: name.endsWith(".gz"), compacted: parseCompacted(name) };
}

function parseCompacted(name: string): CompactedName | undefined {
  const match = /^\d+-compactor-(-?\d{1,15})-(-?\d{1,15})-([0-9a-f]{1,8})\.tsdb/.exec(name);
  if (match === null) return undefined;
  return {
    minMs: Number(match[1]),
    maxMs: Number(match[2]),
    checksum: Number.parseInt(match[3]!, 16),
  };
}

/** Name of a file of many tenants. Unique as long as one uploader starts one file a second. */
export function uploadedIndexName(parts: { epochSeconds: number; uploader: string }): string {
  return `${parts.epochSeconds}-${parts.uploader}.tsdb.gz`;
}

/** Who uploads: the host and the time of its very first start, kept across restarts. */
export function uploaderName(parts: { hostname: string; firstStartNs: bigint }): string {
  // A slash would make a folder of the name.
  return `${parts.hostname.replaceAll("/", "_")}-${parts.firstStartNs}`;
}

/** Name of a tenant's file, as Loki's compactor gives it. Unique by `nowNs`. */
export function compactedIndexName(parts: {
  nowNs: bigint;
  minMs: number;
  maxMs: number;
  /** Checksum of the table of contents. */
  checksum: number;
}): string {
  const { nowNs, minMs, maxMs, checksum } = parts;
  return `${nowNs}-compactor-${minMs}-${maxMs}-${checksum.toString(16)}.tsdb.gz`;
}

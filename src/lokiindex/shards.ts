/**
 * Parts of the space of fingerprints. Series are sorted by fingerprint, so a part is one run of
 * records in every index file.
 */

/** Half-open, within 0 … 2^64. */
export interface FingerprintRange {
  readonly from: bigint;
  readonly to: bigint;
}

export const fingerprintEnd: bigint = 2n ** 64n;

/** More shards than this serve nobody; bounds what a request may ask for. */
export const shardCountMax = 65_536;

/**
 * Shard `index` of `count` (a power of two): the fingerprints whose highest log2(count) bits are
 * `index`. `undefined` when the numbers make no shard.
 */
export function shardRange(shard: { index: number; count: number }): FingerprintRange | undefined {
  const { index, count } = shard;
  if (!Number.isInteger(count) || count < 1 || count > shardCountMax) return undefined;
  if ((count & (count - 1)) !== 0) return undefined;
  if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
  const width = fingerprintEnd / BigInt(count);
  return { from: BigInt(index) * width, to: BigInt(index + 1) * width };
}

/** The text form `k_of_n`; `undefined` when it is none. */
export function parseShard(text: string): FingerprintRange | undefined {
  const match = /^(\d{1,6})_of_(\d{1,6})$/.exec(text);
  if (match === null) return undefined;
  return shardRange({ index: Number(match[1]), count: Number(match[2]) });
}

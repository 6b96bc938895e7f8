/**
 * Which bucket and name an object has. Facts of Loki's store: with several buckets an object lies
 * in the one that FNV-1a (32 bit) of its key picks, and a `chunk_delimiter` replaces each `:`.
 */
import assert from "node:assert/strict";

/** The bucket of a key: FNV-1a of its bytes modulo the number of buckets. Keys are ASCII. */
export function bucketOf(buckets: readonly string[], key: string): string {
  assert.ok(buckets.length > 0);
  if (buckets.length === 1) return buckets[0]!;
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return buckets[(hash >>> 0) % buckets.length]!;
}

/** The names of objects in the bucket, and back. */
export interface KeyNames {
  nameOf(key: string): string;
  keyOf(name: string): string;
}

export function keyNames(chunkDelimiter: string | undefined): KeyNames {
  if (chunkDelimiter === undefined || chunkDelimiter === "" || chunkDelimiter === ":") {
    return { nameOf: (key) => key, keyOf: (name) => name };
  }
  const quoted = chunkDelimiter.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  // `fingerprint/from:through:checksum` and the older `fingerprint:from:through:checksum`. Any
  // other name with the delimiter in it had it from the start.
  const chunkName = new RegExp(`(?:^|/)[0-9a-f]+(?:${quoted}[0-9a-f]+){2,3}$`);
  return {
    nameOf: (key) => key.replaceAll(":", chunkDelimiter),
    keyOf: (name) => {
      if (!chunkName.test(name)) return name;
      const lastPart = name.lastIndexOf("/") + 1;
      return name.slice(0, lastPart) + name.slice(lastPart).replaceAll(chunkDelimiter, ":");
    },
  };
}

/** One ordered sequence of several. Each has at most one item waiting. */
export async function* mergeOrdered<T>(
  sources: readonly AsyncGenerator<T, void, undefined>[],
  nameOf: (item: T) => string,
): AsyncGenerator<T, void, undefined> {
  if (sources.length === 1) {
    yield* sources[0]!;
    return;
  }
  try {
    const heads = await Promise.all(sources.map((source) => source.next()));
    for (;;) {
      let first = -1;
      for (const [at, head] of heads.entries()) {
        if (head.done) continue;
        const best = first < 0 ? undefined : heads[first]!;
        if (best === undefined || best.done || nameOf(head.value) < nameOf(best.value)) first = at;
      }
      const head = heads[first];
      if (head === undefined || head.done) return;
      yield head.value;
      heads[first] = await sources[first]!.next();
    }
  } finally {
    await Promise.allSettled(sources.map(async (source) => source.return()));
  }
}

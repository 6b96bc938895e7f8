/**
 * The smallest bbolt database with one bucket: two meta pages, a leaf with the bucket, a leaf with
 * its pairs, 512 bytes each. Layout: src/lokiindex/bolt-file.ts.
 */
import { sealBolt } from "./seals.ts";

const pageBytes = 512;
const leafFlag = 2;
const metaFlag = 4;

export function boltFile(bucket: string, pairs: readonly (readonly [string, string])[]): Buffer {
  const root = Buffer.alloc(16);
  root.writeBigUInt64LE(3n, 0);
  const pages = [metaPage(0), metaPage(1), leaf(2, [[bucket, root]], 1), leaf(3, pairs, 0)];
  return sealBolt(Buffer.concat(pages));
}

function page(id: number, flags: number, count: number): Buffer {
  const bytes = Buffer.alloc(pageBytes);
  bytes.writeBigUInt64LE(BigInt(id), 0);
  bytes.writeUInt16LE(flags, 8);
  bytes.writeUInt16LE(count, 10);
  return bytes;
}

function metaPage(id: number): Buffer {
  const bytes = page(id, metaFlag, 0);
  bytes.writeUInt32LE(0xed0cdaed, 16);
  bytes.writeUInt32LE(2, 20);
  bytes.writeUInt32LE(pageBytes, 24);
  bytes.writeBigUInt64LE(2n, 32);
  bytes.writeBigUInt64LE(4n, 56);
  bytes.writeBigUInt64LE(BigInt(id), 64);
  return bytes;
}

function leaf(
  id: number,
  pairs: readonly (readonly [string, string | Buffer])[],
  elementFlags: number,
): Buffer {
  const bytes = page(id, leafFlag, pairs.length);
  let at = 16 + pairs.length * 16;
  for (const [i, [name, content]] of pairs.entries()) {
    const [key, value] = [Buffer.from(name, "latin1"), Buffer.from(content)];
    const element = 16 + i * 16;
    bytes.writeUInt32LE(elementFlags, element);
    bytes.writeUInt32LE(at - element, element + 4);
    bytes.writeUInt32LE(key.length, element + 8);
    bytes.writeUInt32LE(value.length, element + 12);
    key.copy(bytes, at);
    value.copy(bytes, at + key.length);
    at += key.length + value.length;
  }
  return bytes;
}

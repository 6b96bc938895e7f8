/**
 * Reads bbolt databases (the B+tree files of go.etcd.io/bbolt), whole and read-only: Loki keeps its
 * delete requests and the marks of chunks to be deleted in such files.
 *
 * The file is pages; numbers are little-endian.
 *
 *     page    u64 id | u16 flags | u16 count | u32 overflow (further pages of this one) | elements
 *     meta    page 0 and 1: u32 magic | u32 version 2 | u32 page size | u32 flags |
 *             u64 root page | u64 root sequence | u64 freelist | u64 pages | u64 transaction |
 *             u64 FNV-1a of the 56 bytes before
 *     branch  count × (u32 position of key from here | u32 key bytes | u64 page)
 *     leaf    count × (u32 flags | u32 position of key from here | u32 key bytes | u32 value bytes)
 *
 * A leaf element with flag 1 is a bucket: its value is u64 root page | u64 sequence, and, when the
 * root is 0, the bucket's only page right behind. The meta page of the later transaction counts;
 * the other one is there in case writing it was cut off. The list of free pages is of no interest
 * to a reader.
 */
import { corrupt } from "./byte-cursor.ts";

const metaMagic = 0xed0cdaed;
const metaVersion = 2;
const pageHeaderBytes = 16;
const metaBytes = 64;
const branchElementBytes = 16;
const leafElementBytes = 16;
const bucketHeaderBytes = 16;

const branchFlag = 1;
const leafFlag = 2;
const metaFlag = 4;
const bucketElementFlag = 1;

/** Page sizes that bbolt uses: the operating system's, or one that somebody set. */
const pageBytesMin = 512;
const pageBytesMax = 1 << 20;

/** With two elements a branch, 2^32 pages are no deeper. */
const depthMax = 32;

export interface BoltPair {
  /** Views of the file. */
  readonly key: Buffer;
  readonly value: Buffer;
}

interface Meta {
  readonly pageBytes: number;
  readonly root: number;
  readonly pageCount: number;
  readonly transaction: bigint;
}

/**
 * The pairs of one bucket at the top of the database, in order of keys; nothing when there is no
 * such bucket. Buckets inside it are passed over. StoreError corrupt naming `name` and the byte.
 */
export function readBoltBucket(name: string, bytes: Buffer, bucket: string): BoltPair[] {
  return new BoltFile(name, bytes).bucket(bucket);
}

/** Whether the bytes begin as a bbolt database does. */
export function isBoltFile(bytes: Buffer): boolean {
  const at = pageHeaderBytes;
  return bytes.length >= at + metaBytes && bytes.readUInt32LE(at) === metaMagic;
}

interface Element extends BoltPair {
  readonly isBucket: boolean;
  readonly valueAt: number;
}

class BoltFile {
  readonly #name: string;
  readonly #bytes: Buffer;
  readonly #meta: Meta;
  /** Pages come once each in a tree; a file in which they do not would be walked for ever. */
  readonly #seen = new Set<number>();

  constructor(name: string, bytes: Buffer) {
    this.#name = name;
    this.#bytes = bytes;
    this.#meta = this.#latestMeta();
  }

  #damage(at: number, expected: string, actual: string | number): Error {
    return corrupt(this.#name, { at, expected, actual });
  }

  /** Where the second meta page stands is known from the first, or, when that is damaged, tried. */
  #latestMeta(): Meta {
    const first = this.#metaAt(0);
    const found = first === undefined ? [] : [first];
    if (first !== undefined) {
      const second = this.#metaAt(first.pageBytes);
      if (second !== undefined) found.push(second);
    } else {
      for (let size = pageBytesMin; size <= pageBytesMax; size *= 2) {
        const second = this.#metaAt(size);
        if (second?.pageBytes === size) found.push(second);
      }
    }
    found.sort((a, b) => (a.transaction < b.transaction ? 1 : -1));
    const latest = found[0];
    if (latest === undefined) throw this.#damage(0, "a bbolt meta page", "none that is sound");
    return latest;
  }

  #metaAt(pageAt: number): Meta | undefined {
    const bytes = this.#bytes;
    const at = pageAt + pageHeaderBytes;
    if (at + metaBytes > bytes.length) return undefined;
    const isMeta = (bytes.readUInt16LE(pageAt + 8) & metaFlag) !== 0;
    const isOurs = bytes.readUInt32LE(at) === metaMagic;
    if (!isMeta || !isOurs || bytes.readUInt32LE(at + 4) !== metaVersion) return undefined;
    if (fnv1a(bytes, at, at + 56) !== bytes.readBigUInt64LE(at + 56)) return undefined;
    const pageBytes = bytes.readUInt32LE(at + 8);
    const isSize = pageBytes >= pageBytesMin && pageBytes <= pageBytesMax;
    if (!isSize || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
    return {
      pageBytes,
      root: Number(bytes.readBigUInt64LE(at + 16)),
      pageCount: Math.floor(bytes.length / pageBytes),
      transaction: bytes.readBigUInt64LE(at + 48),
    };
  }

  bucket(name: string): BoltPair[] {
    const found: BoltPair[] = [];
    const wanted = Buffer.from(name);
    for (const element of this.#tree(this.#meta.root, 0)) {
      if (element.isBucket && element.key.equals(wanted)) {
        for (const pair of this.#inside(element)) if (!pair.isBucket) found.push(pair);
      }
    }
    return found;
  }

  *#inside(element: Element): Generator<Element, void> {
    const { value, valueAt } = element;
    if (value.length < bucketHeaderBytes) {
      throw this.#damage(valueAt, `${bucketHeaderBytes} bytes of a bucket`, value.length);
    }
    const root = Number(value.readBigUInt64LE(0));
    if (root !== 0) {
      yield* this.#tree(root, 0);
      return;
    }
    const from = valueAt + bucketHeaderBytes;
    yield* this.#leaf({ from, to: valueAt + value.length });
  }

  *#tree(pageId: number, depth: number): Generator<Element, void> {
    const page = this.#page(pageId);
    if (depth > depthMax) throw this.#damage(page.from, `at most ${depthMax} levels`, "more");
    const flags = this.#bytes.readUInt16LE(page.from + 8);
    if ((flags & leafFlag) !== 0) {
      yield* this.#leaf(page);
      return;
    }
    if ((flags & branchFlag) === 0) {
      throw this.#damage(page.from + 8, "a branch or leaf page", `flags ${flags}`);
    }
    for (const child of this.#children(page)) yield* this.#tree(child, depth + 1);
  }

  /** The bytes of a page and those it runs over into. */
  #page(id: number): { from: number; to: number } {
    const { pageBytes, pageCount } = this.#meta;
    if (!(id >= 2 && id < pageCount)) {
      throw this.#damage(this.#bytes.length, `a page in 2 … ${pageCount - 1}`, id);
    }
    const from = id * pageBytes;
    if (this.#seen.has(id)) throw this.#damage(from, "each page once", `page ${id} again`);
    this.#seen.add(id);
    const own = Number(this.#bytes.readBigUInt64LE(from));
    if (own !== id) throw this.#damage(from, `page ${id}`, own);
    const to = from + (this.#bytes.readUInt32LE(from + 12) + 1) * pageBytes;
    if (to > this.#bytes.length) {
      throw this.#damage(from + 12, `a page up to byte ${this.#bytes.length}`, to);
    }
    return { from, to };
  }

  #children(page: { from: number; to: number }): number[] {
    const count = this.#elementCount(page, branchElementBytes);
    const children: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = page.from + pageHeaderBytes + i * branchElementBytes;
      children.push(Number(this.#bytes.readBigUInt64LE(at + 8)));
    }
    return children;
  }

  #elementCount(page: { from: number; to: number }, elementBytes: number): number {
    if (page.to - page.from < pageHeaderBytes) {
      throw this.#damage(page.from, `${pageHeaderBytes} bytes of a page`, page.to - page.from);
    }
    const count = this.#bytes.readUInt16LE(page.from + 10);
    const room = page.to - page.from - pageHeaderBytes;
    if (count * elementBytes > room) {
      const expected = `at most ${Math.floor(room / elementBytes)} elements`;
      throw this.#damage(page.from + 10, expected, count);
    }
    return count;
  }

  *#leaf(page: { from: number; to: number }): Generator<Element, void> {
    const bytes = this.#bytes;
    const count = this.#elementCount(page, leafElementBytes);
    for (let i = 0; i < count; i++) {
      const at = page.from + pageHeaderBytes + i * leafElementBytes;
      const keyAt = at + bytes.readUInt32LE(at + 4);
      const valueAt = keyAt + bytes.readUInt32LE(at + 8);
      const end = valueAt + bytes.readUInt32LE(at + 12);
      if (end > page.to) throw this.#damage(at, `an element before ${page.to}`, end);
      yield {
        isBucket: (bytes.readUInt32LE(at) & bucketElementFlag) !== 0,
        key: bytes.subarray(keyAt, valueAt),
        value: bytes.subarray(valueAt, end),
        valueAt,
      };
    }
  }
}

const fnvPrime = 0x100000001b3n;
const low64 = (1n << 64n) - 1n;

/** FNV-1a of 64 bits (draft-eastlake-fnv), over the 56 bytes of a meta page. */
function fnv1a(bytes: Buffer, from: number, to: number): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let at = from; at < to; at++) hash = ((hash ^ BigInt(bytes[at]!)) * fnvPrime) & low64;
  return hash;
}

import xxhash from "xxhash-wasm";
import type { Block } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import type { SharedRange } from "./overlap.ts";

const hasher = await xxhash();

/** Memory of one remembered entry: a bigint and its place in the set. */
const entryBytes = 64;

/**
 * Line and metadata of a row as 64 bits, wherever the entry lives. The block must have come with
 * lines and all metadata.
 */
export function contentHash(block: Block, row: number, seed: bigint): bigint {
  let hash = hasher.h64Raw(block.lines!.view(row), seed);
  for (const column of block.metadata) {
    const id = column.ids[row]!;
    if (id === 0) continue;
    hash = hasher.h64(column.name, hash);
    hash = hasher.h64Raw(column.values.view(id - 1), hash);
  }
  return hash;
}

/**
 * Remembers the entries seen where sources overlap, by a 64-bit hash of stream, time, line and
 * metadata, and tells those seen before. Blocks must come with lines and all metadata. Two
 * different entries of the same nanosecond would have to collide in 64 bits to be taken for one:
 * with a hundred million entries remembered that is one chance in 3,600.
 */
export class Duplicates {
  readonly #seen = new Set<bigint>();
  readonly #seedOfTenant = new Map<string, bigint>();
  readonly #hold: (bytes: number) => void;
  /** The shared range at hand, as offsets of the block at hand: most rows lie outside of it. */
  #lastRange: SharedRange | undefined;
  #lastBlock: Block | undefined;
  #fromOffset = 0;
  #toOffset = 0;

  constructor(hold: (bytes: number) => void) {
    this.#hold = hold;
  }

  /** Is this row in a shared range and seen before? Remembers it if not. */
  isRepeated(block: Block, row: number, scope: BlockScope): boolean {
    const stream = block.streamOfRow?.[row] ?? 0;
    const range = scope.shared?.get(stream);
    if (range === undefined) return false;
    if (range !== this.#lastRange || block !== this.#lastBlock) {
      this.#lastRange = range;
      this.#lastBlock = block;
      // Offsets in a block are exact in a double; what is farther away need not be.
      this.#fromOffset = Number(range.fromNs - block.baseNs);
      this.#toOffset = Number(range.toNs - block.baseNs);
    }
    const offset = block.offsets[row]!;
    if (offset < this.#fromOffset || offset > this.#toOffset) return false;

    const timeNs = block.baseNs + BigInt(offset);
    const labels = block.ref.facts.streams[stream]!.labels;
    const seed = this.#seedOf(scope.tenant) ^ labels.fingerprint ^ BigInt.asUintN(64, timeNs);
    const hash = contentHash(block, row, seed);
    if (this.#seen.has(hash)) return true;
    this.#seen.add(hash);
    this.#hold(entryBytes);
    return false;
  }

  #seedOf(tenant: string): bigint {
    let seed = this.#seedOfTenant.get(tenant);
    if (seed === undefined) {
      seed = hasher.h64(tenant);
      this.#seedOfTenant.set(tenant, seed);
    }
    return seed;
  }
}

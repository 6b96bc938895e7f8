import { createHash } from "node:crypto";
import { isStoreError, LruMap, MiB } from "#base";
import { checkPiece, type PieceFacts, readFacts } from "./cached-piece.ts";
import type { PieceFolder } from "./piece-folder.ts";
import type { StepRange } from "./split-range.ts";

/** Larger pieces are cheaper to compute again than to let them push out all others. */
export const pieceBytesMax: number = 4 * MiB;

export type CacheOutcome = "memory" | "disk" | "stale" | "missing" | "corrupt";

export interface ResultsCacheOptions {
  readonly memoryBytesMax: number;
  /** Undefined: memory only. */
  readonly folder: PieceFolder | undefined;
  readonly onLookup?: (outcome: CacheOutcome) => void;
}

/** Which piece is wanted, and of which version of the data. */
export interface PieceWanted extends StepRange {
  readonly key: string;
  readonly dataVersion: string;
}

/**
 * Pieces of answers by what they are pieces of: the ones used last in memory, more on disk. A piece
 * is given only when it has all the steps asked for and was computed from the data as it is now.
 */
export class ResultsCache {
  readonly #memory: LruMap<string, Buffer>;
  readonly #folder: PieceFolder | undefined;
  readonly #onLookup: (outcome: CacheOutcome) => void;

  constructor(options: ResultsCacheOptions) {
    const { memoryBytesMax: weightMax } = options;
    // Twice the name: in the map, and what the map itself takes.
    this.#memory = new LruMap({
      weightMax,
      weigh: (bytes, name) => bytes.length + name.length * 4,
    });
    this.#folder = options.folder;
    this.#onLookup = options.onLookup ?? ((): void => {});
  }

  get memoryBytes(): number {
    return this.#memory.weight;
  }

  get diskBytes(): number {
    return this.#folder?.bytes ?? 0;
  }

  /** The bytes of a piece (see `addPiece`), checked; undefined when it has to be computed. */
  async get(wanted: PieceWanted): Promise<Buffer | undefined> {
    const name = nameOf(wanted.key);
    const held = this.#memory.get(name);
    if (held !== undefined) return this.#choose(held, wanted, "memory");
    const stored = await this.#folder?.get(name);
    if (stored === undefined) {
      this.#onLookup("missing");
      return undefined;
    }
    if (!isIntact(stored, name)) {
      this.#onLookup("corrupt");
      await this.#folder?.remove(name);
      return undefined;
    }
    this.#memory.set(name, stored);
    return this.#choose(stored, wanted, "disk");
  }

  #choose(bytes: Buffer, wanted: PieceWanted, from: CacheOutcome): Buffer | undefined {
    const isUseful = serves(readFacts(bytes), wanted);
    this.#onLookup(isUseful ? from : "stale");
    return isUseful ? bytes : undefined;
  }

  /** Keeps an encoded piece, which nobody may change, in place of an older one. */
  put(key: string, bytes: Buffer): void {
    if (bytes.length > pieceBytesMax) return;
    const name = nameOf(key);
    this.#memory.set(name, bytes);
    this.#folder?.put(name, bytes);
  }

  async close(): Promise<void> {
    await this.#folder?.close();
  }
}

function serves(facts: PieceFacts, wanted: PieceWanted): boolean {
  return (
    facts.key === wanted.key &&
    facts.dataVersion === wanted.dataVersion &&
    facts.firstNs <= wanted.firstNs &&
    facts.lastNs >= wanted.lastNs
  );
}

function isIntact(bytes: Buffer, name: string): boolean {
  try {
    checkPiece(bytes, name);
    readFacts(bytes);
    return true;
  } catch (error) {
    if (isStoreError(error, "corrupt")) return false;
    throw error;
  }
}

/** 160 bits of SHA-256: also a file name. */
function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 40);
}

/**
 * Reads what is in a bucket as strictly as its formats allow, and compares index and chunks: each
 * chunk that is listed is there and is what the index says, and each chunk that is there is listed.
 * Three passes over the index files at most; in memory are eight bytes per chunk and what is being
 * read. Safe beside processes that write: what is new or just gone is looked at twice.
 */
import { hour, isStoreError, MiB } from "#base";
import { verifyChunk } from "#lokichunk";
import { openIndex, verifyIndex } from "#lokiindex";
import {
  type Bucket,
  type BucketObject,
  type BucketScope,
  objectsOf,
  type PlacedTable,
  tablesOf,
} from "./bucket.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import {
  chunksOfFile,
  faultOf,
  filesOfTable,
  indexBytesOf,
  type ListedChunk,
  offsetIn,
  openTableFile,
  type TableFile,
} from "./index-files.ts";
import { KeyTable } from "./key-table.ts";
import { verifySegment } from "./verify-segment.ts";

/** Objects read at a time, and their bytes. */
const readsInFlightMax = 8;
const bytesInFlightMax: number = 256 * MiB;

/** A chunk is put before the index that lists it: younger ones may be listed soon. */
const settledMs: number = 2 * hour;

export interface BucketFinding {
  /** `damage`: something is lost or wrong. `waste`: something lies there that nobody reads. */
  readonly severity: "damage" | "waste";
  readonly what: "chunk" | "index" | "segment" | "journal" | "reference" | "object";
  /** Name of the object store. */
  readonly place: string;
  readonly key: string;
  /** In the object; of packed index files, in what they unpack to. */
  readonly offset: number;
  readonly text: string;
}

export interface VerifyCounts {
  indexFiles: number;
  segments: number;
  chunks: number;
  /** Listed chunks that were not read, as only a sample was asked for. */
  chunksNotRead: number;
  bytes: number;
  /** Chunks that are not listed, but too young to say so. */
  recentObjects: number;
  damage: number;
  waste: number;
}

export interface VerifyOptions {
  readonly scope: BucketScope;
  /** Share of chunks and segments that are read whole, 0 to 1; index files are always read. */
  readonly sample: number;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: BucketFinding) => void;
  /** Called after each object. */
  readonly onProgress: (stage: string, counts: VerifyCounts) => void;
}

const Mark = { present: 1, asked: 2 } as const;

export async function verifyBucket(bucket: Bucket, options: VerifyOptions): Promise<VerifyCounts> {
  return new BucketVerifier(bucket, options).run();
}

class BucketVerifier {
  readonly #bucket: Bucket;
  readonly #options: VerifyOptions;
  readonly #listed: KeyTable;
  readonly #counts: VerifyCounts = {
    indexFiles: 0,
    segments: 0,
    chunks: 0,
    chunksNotRead: 0,
    bytes: 0,
    recentObjects: 0,
    damage: 0,
    waste: 0,
  };

  constructor(bucket: Bucket, options: VerifyOptions) {
    this.#bucket = bucket;
    this.#options = options;
    const seeds = bucket.random.bytes(8);
    this.#listed = new KeyTable([seeds.readUInt32LE(0), seeds.readUInt32LE(4)]);
  }

  async run(): Promise<VerifyCounts> {
    const sound = await this.#indexFiles();
    this.#listed.seal();
    await this.#objects();
    await this.#chunks(sound);
    return this.#counts;
  }

  #report(finding: BucketFinding): void {
    this.#counts[finding.severity]++;
    this.#options.onFinding(finding);
  }

  #progress(stage: string, bytes: number): void {
    this.#counts.bytes += bytes;
    this.#options.onProgress(stage, this.#counts);
  }

  get #bounds(): { tasksMax: number; bytesMax: number } {
    return { tasksMax: readsInFlightMax, bytesMax: bytesInFlightMax };
  }

  /** Verifies index files and notes what they list. Gives those that can be read. */
  async #indexFiles(): Promise<{ placed: PlacedTable; file: TableFile }[]> {
    const { scope, signal } = this.#options;
    const sound: { placed: PlacedTable; file: TableFile }[] = [];
    for (const placed of await tablesOf(this.#bucket, scope, signal)) {
      const { files, strangers } = await filesOfTable(placed, signal);
      for (const key of strangers) {
        const text = "no index file: Loki fails every query on a table with such an object";
        this.#report({ ...at(placed, key), severity: "waste", what: "object", offset: 0, text });
      }
      for (const file of files) {
        signal.throwIfAborted();
        if (await this.#indexFile(placed, file)) sound.push({ placed, file });
        this.#counts.indexFiles++;
        this.#progress("index files", file.sizeBytes);
      }
    }
    return sound;
  }

  async #indexFile(placed: PlacedTable, file: TableFile): Promise<boolean> {
    const { scope, signal } = this.#options;
    const damaged = (text: string): void => {
      const offset = offsetIn(text);
      this.#report({ ...at(placed, file.key), severity: "damage", what: "index", offset, text });
    };
    try {
      const bytes = await indexBytesOf(placed, file, signal);
      const kind = file.tenant === undefined ? "many" : "one";
      for (const text of verifyIndex(file.key, bytes, { kind })) damaged(text);
      const index = openIndex(file.key, bytes);
      for (const { key } of chunksOfFile(this.#bucket, { placed, file, index }, scope)) {
        this.#listed.add(key);
      }
      return true;
    } catch (error) {
      // One that is gone was merged meanwhile; what it listed is in another by now.
      if (isStoreError(error, "missing")) return false;
      damaged(faultOf(error));
      return false;
    }
  }

  /** Goes through all objects: marks chunks that are there, reads segments. */
  async #objects(): Promise<void> {
    const { scope, signal } = this.#options;
    const segments = this.#segmentsOf(objectsOf(this.#bucket, scope, signal));
    const bytesOf = (object: { info: { sizeBytes: number } }): number => object.info.sizeBytes;
    await forEachBounded(segments, { ...this.#bounds, bytesOf }, async ({ place, info }) => {
      for (const finding of await verifySegment(place, info, signal)) this.#report(finding);
      this.#counts.segments++;
      this.#progress("segments", info.sizeBytes);
    });
  }

  async *#segmentsOf(
    objects: AsyncIterable<BucketObject>,
  ): AsyncGenerator<BucketObject, void, undefined> {
    const oldMs = this.#bucket.clock.nowMs() - settledMs;
    for await (const object of objects) {
      const { kind, place, info } = object;
      if (kind === "segment" && this.#isSampled(info.key)) yield object;
      if (kind !== "chunk") continue;
      const found = this.#listed.find(info.key);
      if (found >= 0) this.#listed.mark(found, Mark.present);
      else if (info.modifiedMs > oldMs) this.#counts.recentObjects++;
      else {
        const text = `a chunk of ${info.sizeBytes} bytes that no index file lists`;
        const where = { place: place.name, key: info.key, offset: 0 };
        this.#report({ ...where, severity: "waste", what: "object", text });
      }
    }
  }

  #isSampled(key: string): boolean {
    const { sample } = this.#options;
    return sample >= 1 || this.#listed.shareOf(key) < sample;
  }

  /** Every listed chunk once, whichever files list it. */
  async #chunks(files: readonly { placed: PlacedTable; file: TableFile }[]): Promise<void> {
    const bytesOf = ({ chunk }: { chunk: ListedChunk }): number => chunk.meta.kib * 1024;
    const wanted = this.#wantedChunks(files);
    await forEachBounded(wanted, { ...this.#bounds, bytesOf }, async ({ placed, file, chunk }) => {
      await this.#chunk({ placed, file, chunk });
    });
  }

  async *#wantedChunks(
    files: readonly { placed: PlacedTable; file: TableFile }[],
  ): AsyncGenerator<{ placed: PlacedTable; file: TableFile; chunk: ListedChunk }, void, undefined> {
    const { scope, signal } = this.#options;
    for (const { placed, file } of files) {
      try {
        const index = await openTableFile(placed, file, signal);
        for (const chunk of chunksOfFile(this.#bucket, { placed, file, index }, scope)) {
          signal.throwIfAborted();
          const found = this.#listed.find(chunk.key);
          if (found < 0 || this.#listed.hasMark(found, Mark.asked)) continue;
          this.#listed.mark(found, Mark.asked);
          const isThere = this.#listed.hasMark(found, Mark.present);
          if (isThere && !this.#isSampled(chunk.key)) this.#counts.chunksNotRead++;
          else yield { placed, file, chunk };
        }
      } catch (error) {
        // Damage was told of in the first pass.
        faultOf(error);
      }
    }
  }

  async #chunk(one: { placed: PlacedTable; file: TableFile; chunk: ListedChunk }): Promise<void> {
    const { placed, file, chunk } = one;
    const { key, tenant, fingerprint, labels, meta, home } = chunk;
    const { signal } = this.#options;
    const { minMs: fromMs, maxMs: throughMs, checksum } = meta;
    let bytes: Buffer;
    try {
      bytes = await home.objects.get(key, { signal });
    } catch (error) {
      if (!isStoreError(error, "missing")) throw error;
      // A list that was made anew meanwhile is gone, and the chunk with it.
      const isListed = (await placed.place.logical.head(file.key, { signal })) !== undefined;
      if (!isListed) return;
      const text = `lists the chunk ${key}, which is not there`;
      const where = { ...at(placed, file.key), offset: chunk.listedAt };
      this.#report({ ...where, severity: "damage", what: "reference", text });
      return;
    }
    const ref = { tenant, fingerprint, fromMs, throughMs, checksum };
    const expected = { ref, labels, entryCount: meta.entries, kb: meta.kib };
    for (const { offset, text } of verifyChunk(key, bytes, expected)) {
      const where = { place: placed.place.name, key, offset };
      this.#report({ ...where, severity: "damage", what: "chunk", text });
    }
    this.#counts.chunks++;
    this.#progress("chunks", bytes.length);
  }
}

function at({ place }: PlacedTable, key: string): { place: string; key: string } {
  return { place: place.name, key };
}

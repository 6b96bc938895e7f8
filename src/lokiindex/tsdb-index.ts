/**
 * An index file, opened over its bytes. Header, contents and the checksums of symbols and postings
 * table are verified at once; series and lists of references when they are read. A file of a
 * million series costs about 8 bytes a symbol and label value beside its bytes, no object each.
 * Layout: docs/formats/loki-index.md.
 */
import { Labels, type LabelPair } from "#model";
import { openSection } from "./byte-cursor.ts";
import type { ChunkMeta } from "./chunk-meta.ts";
import { allTime, ChunkWalker } from "./chunk-walker.ts";
import { addChunk, newIndexSums } from "./index-sums.ts";
import type {
  IndexStats,
  MsRange,
  SeriesChunks,
  SeriesSelect,
  SeriesVolume,
} from "./index-types.ts";
import { seriesAlignBytes, tenantLabel } from "./limits.ts";
import { PostingsTable } from "./postings-table.ts";
import type { ListFile } from "./ref-set.ts";
import { selectRefs } from "./select-refs.ts";
import { SeriesRecord } from "./series-record.ts";
import { fingerprintEnd, type FingerprintRange } from "./shards.ts";
import { SymbolTable } from "./symbol-table.ts";
import type { IndexVersion } from "./tables.ts";
import { type IndexToc, readToc } from "./toc.ts";

/**
 * `key` names the object in messages. The index keeps `bytes`, which nobody may change. StoreError
 * corrupt.
 */
export function openIndex(key: string, bytes: Buffer): TsdbIndex {
  return new TsdbIndex(key, bytes);
}

/** What to read: a selection, or references that `select` gave, or some of them. */
export type SeriesChoice = SeriesSelect | Uint32Array;

/** All methods may throw StoreError corrupt naming key and offset. */
export class TsdbIndex {
  readonly key: string;
  readonly bytes: Buffer;
  readonly toc: IndexToc;
  readonly symbols: SymbolTable;
  readonly postings: PostingsTable;
  readonly #file: ListFile;
  readonly #record: SeriesRecord;
  readonly #walker: ChunkWalker;

  constructor(key: string, bytes: Buffer) {
    this.key = key;
    this.bytes = bytes;
    const toc = readToc({ key, bytes });
    this.toc = toc;
    const symbols = { at: toc.symbols, end: toc.series, what: "symbols" };
    this.symbols = new SymbolTable(openSection(this, symbols));
    const table = { at: toc.postingsTable, end: toc.fingerprintOffsets, what: "postings table" };
    const lists = { from: toc.postings, to: toc.labelIndexTable };
    this.postings = new PostingsTable(openSection(this, table), lists);
    const refs = {
      from: Math.ceil(toc.series / seriesAlignBytes),
      to: Math.ceil(toc.labelIndices / seriesAlignBytes),
    };
    this.#file = { key, bytes, postings: this.postings, refs };
    const records = { from: toc.series, to: toc.labelIndices };
    const file = { key, bytes, version: toc.version, records };
    this.#record = new SeriesRecord(file);
    this.#walker = new ChunkWalker(file);
  }

  get version(): IndexVersion {
    return this.toc.version;
  }

  /** Of all tenants; read from the list of all series. */
  get seriesCount(): number {
    const all = this.postings.find("", "");
    return all < 0 ? 0 : this.postings.listOf(all).count;
  }

  /** First and last millisecond of all chunks, inclusive. */
  get minMs(): number {
    return this.toc.minMs;
  }

  get maxMs(): number {
    return this.toc.maxMs;
  }

  /** Of the table of contents; part of the names a compactor gives. */
  get checksum(): number {
    return this.toc.checksum;
  }

  /** What the index holds in memory, for caches. */
  get heldBytes(): number {
    return this.bytes.length + this.symbols.heldBytes + this.postings.heldBytes;
  }

  /** References of matching series, ascending, which is the order of (fingerprint, labels). */
  select(select: SeriesSelect): Uint32Array {
    const refs = selectRefs(this.#file, select);
    return select.shard === undefined ? refs : this.#inShard(refs, select.shard);
  }

  /** Series are sorted by fingerprint, so a shard is a run of the references. */
  #inShard(refs: Uint32Array, shard: FingerprintRange): Uint32Array {
    const from = this.#firstAtOrAbove(refs, shard.from);
    const to = shard.to >= fingerprintEnd ? refs.length : this.#firstAtOrAbove(refs, shard.to);
    return refs.subarray(from, Math.max(from, to));
  }

  #firstAtOrAbove(refs: Uint32Array, fingerprint: bigint): number {
    let low = 0;
    let high = refs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.fingerprintOf(refs[middle]!) < fingerprint) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  fingerprintOf(ref: number): bigint {
    this.#record.open(ref);
    return this.#record.fingerprint;
  }

  /** Without the tenant label. */
  labelsOf(ref: number): Labels {
    this.#record.load(ref);
    return this.#labels();
  }

  /** The labels of the loaded record. Damaged order is put right: nothing else depends on it. */
  #labels(): Labels {
    const { symbols, labelCount, at } = this.#record;
    const pairs: LabelPair[] = [];
    for (let i = 0; i < labelCount; i++) {
      const name = this.symbols.text(symbols[i * 2]!, at);
      if (name === tenantLabel) continue;
      pairs.push([name, this.symbols.text(symbols[i * 2 + 1]!, at)]);
    }
    return this.#isSorted() ? Labels.ofSorted(pairs) : Labels.of(pairs);
  }

  /** Symbols are sorted and unique, so numbers compare as names do. */
  #isSorted(): boolean {
    const { symbols, labelCount } = this.#record;
    for (let i = 1; i < labelCount; i++) {
      if (symbols[i * 2]! <= symbols[i * 2 - 2]!) return false;
    }
    return true;
  }

  /** Chunks of a series in the range, in their order; all of them without a range. */
  chunksOf(ref: number, range: MsRange = allTime): ChunkMeta[] {
    this.#record.load(ref);
    return this.#chunks(range);
  }

  #chunks(range: MsRange): ChunkMeta[] {
    const walker = this.#walker;
    walker.start(this.#record, range);
    const chunks: ChunkMeta[] = [];
    while (walker.next()) chunks.push(walker.take());
    return chunks;
  }

  #refsOf(choice: SeriesChoice): Uint32Array {
    return choice instanceof Uint32Array ? choice : this.select(choice);
  }

  /** One by one, in order; series without a chunk in the range are passed over. */
  *seriesChunks(choice: SeriesChoice, range: MsRange = allTime): Generator<SeriesChunks, void> {
    for (const ref of this.#refsOf(choice)) {
      this.#record.load(ref);
      const chunks = this.#chunks(range);
      if (chunks.length === 0) continue;
      yield { fingerprint: this.#record.fingerprint, labels: this.#labels(), chunks };
    }
  }

  /** True when the loaded record has a chunk in the range. */
  #touches(range: MsRange): boolean {
    if (this.#covers(range)) return true;
    this.#walker.start(this.#record, range);
    return this.#walker.next();
  }

  /** Every chunk of the file lies in the range, so none needs to be looked at. */
  #covers(range: MsRange): boolean {
    return range.fromMs <= this.toc.minMs && this.toc.maxMs < range.toMs;
  }

  /** A file of one tenant, asked for everything: the postings table knows the answer. */
  #isWhole(choice: SeriesChoice, range: MsRange): boolean {
    if (choice instanceof Uint32Array || choice.tenant !== undefined) return false;
    const isAll = choice.matchers.length === 0 && choice.shard === undefined;
    return isAll && this.#covers(range) && this.postings.find("", "") >= 0;
  }

  /** Distinct label names of series with a chunk in the range, in no order; no tenant label. */
  labelNames(choice: SeriesChoice, range: MsRange): Set<string> {
    const names = new Set<string>();
    if (this.#isWhole(choice, range)) {
      for (const name of this.postings.names()) names.add(name);
    } else {
      const seen = new Set<number>();
      for (const ref of this.#refsOf(choice)) {
        this.#record.load(ref);
        if (!this.#touches(range)) continue;
        const { symbols, labelCount } = this.#record;
        for (let i = 0; i < labelCount; i++) seen.add(symbols[i * 2]!);
      }
      for (const symbol of seen) names.add(this.symbols.text(symbol, 0));
    }
    names.delete("");
    names.delete(tenantLabel);
    return names;
  }

  /** Distinct values of one label, likewise. */
  labelValues(name: string, choice: SeriesChoice, range: MsRange): Set<string> {
    const values = new Set<string>();
    if (name === tenantLabel || name === "") return values;
    if (this.#isWhole(choice, range)) {
      const { from, to } = this.postings.entriesOf(name);
      for (let entry = from; entry < to; entry++) values.add(this.postings.valueOf(name, entry));
      return values;
    }
    const wanted = this.symbols.find(name);
    if (wanted < 0) return values;
    const seen = new Set<number>();
    for (const ref of this.#refsOf(choice)) {
      this.#record.load(ref);
      const { symbols, labelCount } = this.#record;
      for (let i = 0; i < labelCount; i++) {
        if (symbols[i * 2] !== wanted || seen.has(symbols[i * 2 + 1]!)) continue;
        if (this.#touches(range)) seen.add(symbols[i * 2 + 1]!);
      }
    }
    for (const symbol of seen) values.add(this.symbols.text(symbol, 0));
    return values;
  }

  stats(choice: SeriesChoice, range: MsRange): IndexStats {
    const sums = { ...newIndexSums(), streamCount: 0 };
    for (const ref of this.#refsOf(choice)) {
      this.#record.load(ref);
      const before = sums.chunkCount;
      this.#walker.start(this.#record, range);
      while (this.#walker.next()) addChunk(sums, this.#walker, range);
      if (sums.chunkCount > before) sums.streamCount++;
    }
    return sums;
  }

  /** What each series has in the range, one by one; series without a chunk are passed over. */
  *volumes(choice: SeriesChoice, range: MsRange): Generator<SeriesVolume, void> {
    for (const ref of this.#refsOf(choice)) {
      this.#record.load(ref);
      const sums = newIndexSums();
      this.#walker.start(this.#record, range);
      while (this.#walker.next()) addChunk(sums, this.#walker, range);
      if (sums.chunkCount === 0) continue;
      yield { fingerprint: this.#record.fingerprint, labels: this.#labels(), ...sums };
    }
  }

  /** Tenants of a file of many tenants, sorted; none for a tenant's own file. */
  tenants(): string[] {
    const { from, to } = this.postings.entriesOf(tenantLabel);
    const tenants: string[] = [];
    for (let entry = from; entry < to; entry++) {
      tenants.push(this.postings.valueOf(tenantLabel, entry));
    }
    return tenants;
  }
}

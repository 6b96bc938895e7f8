/**
 * Writes index files as Loki does, byte for byte. The text of each symbol is held while the file is
 * written, and 12 bytes for each label of each series; series and chunks are not.
 * Layout: docs/formats/loki-index.md.
 */
import assert from "node:assert/strict";
import { ByteSink } from "./byte-sink.ts";
import { checksumOf } from "./checksum.ts";
import { type ChunkMeta, compareChunks, type IndexSeries } from "./chunk-meta.ts";
import { compareSeries } from "./compare-series.ts";
import {
  fingerprintSampleStep,
  indexMagicNumber,
  labelsOfSeriesMax,
  sectionAlignBytes,
  seriesAlignBytes,
} from "./limits.ts";
import { type BuiltList, PostingsBuilder } from "./postings-builder.ts";
import { encodeSeries, type SeriesScratch } from "./series-encoder.ts";
import { sortTexts } from "./sort-texts.ts";
import type { IndexVersion } from "./tables.ts";

/** As many series or lists are written between two pauses. */
const turnItems = 2048;

/** Records are short; longer ones grow. */
const scratchBytes = 4096;

export interface BuiltIndex {
  readonly bytes: Buffer;
  readonly seriesCount: number;
  readonly chunkCount: number;
  /** First and last millisecond of all chunks, inclusive. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Of the table of contents, for `compactedIndexName`. */
  readonly checksum: number;
}

export interface WriteIndexOptions {
  readonly version: IndexVersion;
  /** Awaited now and then, so that a large file does not hold up everything else. */
  readonly nextTurn: () => Promise<void>;
}

/**
 * `series` is gone through twice and must give the same both times, sorted by `compareSeries`
 * without duplicates. Chunks are sorted and freed of duplicates here when they need it; a series
 * must have one. The tenant label is written like any other. `undefined` when there is no series:
 * a file without chunks must not be published.
 */
export async function writeIndex(
  series: Iterable<IndexSeries>,
  options: WriteIndexOptions,
): Promise<BuiltIndex | undefined> {
  const symbols = await collectSymbols(series, options.nextTurn);
  return symbols === undefined ? undefined : new IndexWriter(symbols, options).write(series);
}

function isTurn(item: number): boolean {
  return item % turnItems === turnItems - 1;
}

/** All names and values, sorted; `undefined` when there is no series. */
async function collectSymbols(
  series: Iterable<IndexSeries>,
  nextTurn: () => Promise<void>,
): Promise<readonly string[] | undefined> {
  const texts = new Set<string>();
  let count = 0;
  for (const { labels } of series) {
    for (const [name, value] of labels.pairs) {
      texts.add(name);
      texts.add(value);
    }
    if (++count % turnItems === 0) await nextTurn();
  }
  if (count === 0) return undefined;
  return await sortTexts([...texts], nextTurn);
}

/** In the order of `compareChunks`, each once; the first of equal ones stays. */
export function distinctChunks(chunks: readonly ChunkMeta[]): readonly ChunkMeta[] {
  const isDistinct = chunks.every(
    (chunk, i) => i === 0 || compareChunks(chunks[i - 1]!, chunk) < 0,
  );
  if (isDistinct) return chunks;
  const sorted = [...chunks].sort(compareChunks);
  return sorted.filter((chunk, i) => i === 0 || compareChunks(sorted[i - 1]!, chunk) !== 0);
}

class IndexWriter {
  readonly #symbols: readonly string[];
  readonly #options: WriteIndexOptions;
  readonly #sink = new ByteSink();
  readonly #postings: PostingsBuilder;
  #seriesCount = 0;
  #chunkCount = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;
  /** References of all series, and every 1024th with its fingerprint. */
  #refs = new Uint32Array(1024);
  readonly #samples: { ref: number; fingerprint: bigint }[] = [];

  constructor(symbols: readonly string[], options: WriteIndexOptions) {
    this.#symbols = symbols;
    this.#options = options;
    this.#postings = new PostingsBuilder(symbols.length);
  }

  async write(series: Iterable<IndexSeries>): Promise<BuiltIndex> {
    const sink = this.#sink;
    sink.u32(indexMagicNumber);
    sink.u8(this.#options.version);
    const symbolsAt = sink.at;
    await this.#section(async (content) => {
      content.u32(this.#symbols.length);
      for (const [i, text] of this.#symbols.entries()) {
        content.text(text);
        if (isTurn(i)) await this.#options.nextTurn();
      }
    });
    const seriesAt = sink.at;
    await this.#writeSeries(series);
    const labelIndicesAt = sink.at;
    const { lists, refs } = await this.#postings.buildInTurns(this.#options.nextTurn);
    const names = namesOf(lists);
    const indexOffsets = await this.#writeLabelIndices(lists, names);
    const postingsAt = sink.at;
    const listOffsets = await this.#writeLists(lists, refs);
    const labelIndexTableAt = sink.at;
    await this.#section((content) => {
      content.u32(names.length);
      for (const [i, { name }] of names.entries()) {
        content.uvarint(1);
        content.text(this.#symbols[name]!);
        content.uvarint(indexOffsets[i]!);
      }
    });
    const postingsTableAt = sink.at;
    await this.#writePostingsTable(lists, listOffsets);
    const fingerprintsAt = sink.at;
    await this.#section((content) => {
      content.u32(this.#samples.length);
      for (const { ref, fingerprint } of this.#samples) {
        content.i64(ref);
        content.u64(fingerprint);
      }
    });
    return this.#finish([
      symbolsAt,
      seriesAt,
      labelIndicesAt,
      labelIndexTableAt,
      postingsAt,
      postingsTableAt,
      fingerprintsAt,
      this.#minMs,
      this.#maxMs,
    ]);
  }

  /** Length, content, checksum of the content. */
  async #section(build: (content: ByteSink) => Promise<void> | void): Promise<void> {
    const content = new ByteSink();
    await build(content);
    this.#sealed(content.bytes());
  }

  #sealed(content: Buffer): void {
    this.#sink.u32(content.length);
    this.#sink.append(content);
    this.#sink.u32(checksumOf(content, 0, content.length));
  }

  async #writeSeries(all: Iterable<IndexSeries>): Promise<void> {
    const numbers = new Map<string, number>();
    for (const [number, text] of this.#symbols.entries()) {
      numbers.set(text, number);
      if (isTurn(number)) await this.#options.nextTurn();
    }
    const scratch: SeriesScratch = {
      content: new ByteSink(scratchBytes),
      markers: new ByteSink(scratchBytes),
      metas: new ByteSink(scratchBytes),
    };
    let previous: IndexSeries | undefined;
    for (const series of all) {
      const isAfter = previous === undefined || compareSeries(previous, series) < 0;
      assert(isAfter, `series ${series.fingerprint} out of order`);
      previous = series;
      this.#writeOne(series, numbers, scratch);
      if (this.#seriesCount % turnItems === 0) await this.#options.nextTurn();
    }
  }

  #writeOne(
    series: IndexSeries,
    numbers: ReadonlyMap<string, number>,
    scratch: SeriesScratch,
  ): void {
    const { fingerprint, labels } = series;
    const chunks = distinctChunks(series.chunks);
    assert(chunks.length > 0, `series ${fingerprint} without chunks`);
    assert(labels.size <= labelsOfSeriesMax, `series ${fingerprint} of ${labels.size} labels`);
    this.#sink.pad(seriesAlignBytes);
    const ref = this.#sink.at / seriesAlignBytes;
    const symbols: number[] = [];
    for (const [nameText, valueText] of labels.pairs) {
      const name = numbers.get(nameText);
      const value = numbers.get(valueText);
      assert(name !== undefined && value !== undefined, "the second pass has other labels");
      symbols.push(name, value);
      this.#postings.add({ name, value, ref });
    }
    const content = encodeSeries({ fingerprint, symbols, chunks }, this.#options.version, scratch);
    this.#sink.uvarint(content.length);
    this.#sink.append(content);
    this.#sink.u32(checksumOf(content, 0, content.length));
    if (this.#seriesCount % fingerprintSampleStep === 0) this.#samples.push({ ref, fingerprint });
    this.#addRef(ref);
    this.#chunkCount += chunks.length;
    for (const chunk of chunks) {
      if (chunk.minMs < this.#minMs) this.#minMs = chunk.minMs;
      if (chunk.maxMs > this.#maxMs) this.#maxMs = chunk.maxMs;
    }
  }

  #addRef(ref: number): void {
    if (this.#seriesCount === this.#refs.length) {
      const refs = new Uint32Array(this.#refs.length * 2);
      refs.set(this.#refs);
      this.#refs = refs;
    }
    this.#refs[this.#seriesCount++] = ref;
  }

  /** Offsets of the label indices, name by name. */
  async #writeLabelIndices(
    lists: readonly BuiltList[],
    names: readonly NameLists[],
  ): Promise<number[]> {
    const offsets: number[] = [];
    for (const { from, to } of names) {
      this.#sink.pad(sectionAlignBytes);
      offsets.push(this.#sink.at);
      await this.#section((content) => {
        content.u32(1);
        content.u32(to - from);
        for (let i = from; i < to; i++) content.u32(lists[i]!.value);
      });
    }
    return offsets;
  }

  /** Offsets of the lists: that of all series, then the others in order. */
  async #writeLists(lists: readonly BuiltList[], refs: Uint32Array): Promise<Float64Array> {
    const offsets = new Float64Array(lists.length + 1);
    offsets[0] = this.#writeList(this.#refs.subarray(0, this.#seriesCount));
    for (const [i, { from, to }] of lists.entries()) {
      offsets[i + 1] = this.#writeList(refs.subarray(from, to));
      if (isTurn(i)) await this.#options.nextTurn();
    }
    return offsets;
  }

  #writeList(refs: Uint32Array): number {
    this.#sink.pad(sectionAlignBytes);
    const offset = this.#sink.at;
    const content = Buffer.allocUnsafe(4 + refs.length * 4);
    content.writeUInt32BE(refs.length, 0);
    for (let i = 0; i < refs.length; i++) content.writeUInt32BE(refs[i]!, 4 + i * 4);
    this.#sealed(content);
    return offset;
  }

  async #writePostingsTable(lists: readonly BuiltList[], offsets: Float64Array): Promise<void> {
    await this.#section(async (content) => {
      content.u32(lists.length + 1);
      content.uvarint(2);
      content.text("");
      content.text("");
      content.uvarint(offsets[0]!);
      for (const [i, { name, value }] of lists.entries()) {
        content.uvarint(2);
        content.text(this.#symbols[name]!);
        content.text(this.#symbols[value]!);
        content.uvarint(offsets[i + 1]!);
        if (isTurn(i)) await this.#options.nextTurn();
      }
    });
  }

  #finish(toc: readonly number[]): BuiltIndex {
    const content = new ByteSink(scratchBytes);
    for (const value of toc) content.i64(value);
    const bytes = content.bytes();
    const checksum = checksumOf(bytes, 0, bytes.length);
    this.#sink.append(bytes);
    this.#sink.u32(checksum);
    return {
      bytes: this.#sink.bytes(),
      seriesCount: this.#seriesCount,
      chunkCount: this.#chunkCount,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      checksum,
    };
  }
}

/** The lists [from, to) of one name. */
interface NameLists {
  readonly name: number;
  readonly from: number;
  readonly to: number;
}

function namesOf(lists: readonly BuiltList[]): NameLists[] {
  const names: NameLists[] = [];
  let from = 0;
  for (let i = 1; i <= lists.length; i++) {
    if (i < lists.length && lists[i]!.name === lists[from]!.name) continue;
    names.push({ name: lists[from]!.name, from, to: i });
    from = i;
  }
  return names;
}

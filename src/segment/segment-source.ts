/**
 * One segment read strictly and as a whole, for merging and verifying: stream by stream, the runs
 * of a stream in order of time. What a query would leave out with a warning is StoreError `corrupt`
 * here. Holds the footer, the blocks with runs that are not finished (of the fat stream at hand, and
 * the shared one), and a few windows of stored bytes.
 */
import assert from "node:assert";
import type { Labels } from "#model";
import type { ObjectStore } from "#objectstore";
import { type Block, newReadCounters } from "#storage";
import { blockRefOf } from "./block-ref.ts";
import { corrupt } from "./byte-reader.ts";
import { unpackPart } from "./compression.ts";
import { decodeBlock, neededColumns, originOf } from "./decode-block.ts";
import { readSection } from "./extra-sections.ts";
import { loadFooter } from "./footer-cache.ts";
import type { SegmentFooter } from "./footer.ts";
import { giveColumnsBack } from "./fetched-bytes.ts";
import { segmentMagic } from "./limits.ts";
import { storedPartOf } from "./stored-part.ts";
import { planRanges } from "./read-ranges.ts";
import type { ListedSegment } from "./segment-list.ts";
import { StoredWindows } from "./stored-windows.ts";

const everything = { lines: true, lengths: true, metadata: "all" } as const;

interface HeldBlock {
  readonly block: Block;
  /** Those whose rows may still be read. */
  runsLeft: number;
}

/**
 * Rows [fromRow, toRow) of a block: all of one stream, sorted by time. Offsets are ns since the day
 * began.
 */
export interface SourceRun {
  readonly block: number;
  readonly fromRow: number;
  readonly toRow: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly lineBytes: number;
}

export class SegmentSource {
  readonly segment: ListedSegment;
  readonly footer: SegmentFooter;
  readonly #objects: ObjectStore;
  readonly #windows: StoredWindows;
  /** By number: read, and not finished. */
  readonly #held = new Map<number, HeldBlock>();
  /** Stream s has runs runIds[streamStarts[s]] to runIds[streamStarts[s + 1]]. */
  readonly #streamStarts: Uint32Array;
  readonly #runIds: Uint32Array;
  readonly #blockOfRun: Uint32Array;
  readonly #firstRow: Uint32Array;

  private constructor(
    objects: ObjectStore,
    of: { segment: ListedSegment; footer: SegmentFooter; windowBytes: number | undefined },
  ) {
    const { segment, footer, windowBytes } = of;
    this.segment = segment;
    this.footer = footer;
    this.#objects = objects;
    const { key, bodyBytes } = segment;
    this.#windows = new StoredWindows(objects, { key, endBytes: bodyBytes, windowBytes });
    const { blocks, streams } = footer;
    const runCount = blocks.runs.streams.length;
    this.#blockOfRun = new Uint32Array(runCount);
    this.#firstRow = new Uint32Array(runCount);
    this.#streamStarts = new Uint32Array(streams.count + 1);
    this.#runIds = new Uint32Array(runCount);
    this.#indexRuns();
  }

  /**
   * Fetches the footer. `windowBytes`: fetched at a time, of each of four places; 1 MiB when omitted.
   * StoreError `corrupt`, `missing` and what the object store has.
   */
  static async open(
    objects: ObjectStore,
    segment: ListedSegment,
    { windowBytes }: { readonly windowBytes?: number } = {},
  ): Promise<SegmentSource> {
    const footer = await loadFooter(objects, segment, newReadCounters());
    return new SegmentSource(objects, { segment, footer, windowBytes });
  }

  #indexRuns(): void {
    const { runStarts, runs, count } = this.footer.blocks;
    for (let block = 0; block < count; block++) {
      let row = 0;
      for (let run = runStarts[block]!; run < runStarts[block + 1]!; run++) {
        this.#blockOfRun[run] = block;
        this.#firstRow[run] = row;
        row += runs.entryCounts[run]!;
        this.#streamStarts[runs.streams[run]! + 1]!++;
      }
    }
    const starts = this.#streamStarts;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    const next = starts.slice();
    for (let run = 0; run < this.#runIds.length; run++) {
      this.#runIds[next[runs.streams[run]!]!++] = run;
    }
  }

  get streamCount(): number {
    return this.footer.streams.count;
  }

  /** GETs of columns so far. */
  get getCount(): number {
    return this.#windows.getCount;
  }

  /** Streams come in order of their key: StoreError `corrupt` when they do not. */
  labelsAt(stream: number): Labels {
    const labels = this.footer.labelsOf(stream);
    if (stream > 0 && !(this.footer.labelsOf(stream - 1).key < labels.key)) {
      throw this.#corrupt(`stream ${stream} is not in order`);
    }
    return labels;
  }

  /** In order of time; neighbours may share an instant. */
  runsOf(stream: number): SourceRun[] {
    const { runs } = this.footer.blocks;
    const found: SourceRun[] = [];
    let end = 0;
    for (let i = this.#streamStarts[stream]!; i < this.#streamStarts[stream + 1]!; i++) {
      const run = this.#runIds[i]!;
      const minOffset = runs.minOffsets[run]!;
      const maxOffset = runs.maxOffsets[run]!;
      if (minOffset < end) throw this.#corrupt(`run ${run} starts at ${minOffset}, before ${end}`);
      end = maxOffset;
      const fromRow = this.#firstRow[run]!;
      const toRow = fromRow + runs.entryCounts[run]!;
      const lineBytes = runs.lineBytes[run]!;
      const block = this.#blockOfRun[run]!;
      found.push({ block, fromRow, toRow, minOffset, maxOffset, lineBytes });
    }
    return found;
  }

  #corrupt(what: string): Error {
    return corrupt({ key: this.segment.key, offset: this.segment.bodyBytes, part: "footer" }, what);
  }

  /** A block with all columns, if it is at hand. */
  held(block: number): Block | undefined {
    return this.#held.get(block)?.block;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /**
   * Reads, unpacks and checks all columns of a block, and holds it until `finishRun` was called for
   * each of its runs.
   */
  async read(block: number, signal: AbortSignal): Promise<Block> {
    const decoded = await this.#read(block, signal);
    const { runStarts } = this.footer.blocks;
    const runsLeft = runStarts[block + 1]! - runStarts[block]!;
    this.#held.set(block, { block: decoded, runsLeft });
    return decoded;
  }

  /**
   * Nobody reads the rows of one run of a held block any more. Behind the last run the block's memory is
   * given back: its columns are empty then.
   */
  finishRun(block: number): void {
    const held = this.#held.get(block);
    assert(held !== undefined, `block ${block} is not held`);
    if (--held.runsLeft > 0) return;
    this.#held.delete(block);
    giveBlockBack(held.block);
  }

  /** Gives back the windows; what is held stays. Another read fetches anew. */
  close(): void {
    this.#windows.close();
  }

  async #read(block: number, signal: AbortSignal): Promise<Block> {
    const { runStarts, columns } = this.footer.blocks;
    const first = runStarts[block]!;
    const runs = Array.from({ length: runStarts[block + 1]! - first }, (_, i) => first + i);
    const ref = blockRefOf(this.footer, { block, runs });
    const extents = neededColumns(ref, everything).map((column) => {
      const from = columns.offsets[column]!;
      return { from, to: from + columns.storedBytes[column]!, column };
    });
    const raw = new Map<number, Buffer>();
    await Promise.all(
      planRanges(extents).map((range) =>
        this.#windows.use(range, signal, async (stored) => {
          for (const { from, to, column } of range.extents) {
            const part = stored.subarray(from - range.from, to - range.from);
            const origin = originOf(this.footer, block, column);
            const bytes = await unpackPart(part, storedPartOf(this.footer, column), origin);
            // What is stored raw is a view, and the window goes.
            raw.set(column, bytes.buffer === part.buffer ? Buffer.from(bytes) : bytes);
          }
        }),
      ),
    );
    const decoded = decodeBlock(ref, raw, everything);
    giveColumnsBack([raw.get(ref.columns.timestamps), raw.get(ref.columns.lengths)]);
    return decoded;
  }

  /**
   * A section of another room (extra-sections.ts), checked; undefined when the segment has none of
   * this kind.
   */
  async section(kind: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const options = { signal, counters: newReadCounters(), warn: () => undefined };
    return readSection(this.footer, kind, { objects: this.#objects, options });
  }

  /**
   * Reads everything there is: header, size, sections, every block. `afterBlock` is awaited after
   * each. StoreError `corrupt` when anything is wrong.
   */
  async verify(
    signal: AbortSignal,
    afterBlock: (lineBytes: number) => Promise<void>,
  ): Promise<void> {
    const { key, bodyBytes, footerBytes } = this.segment;
    const magicBytes = segmentMagic.length;
    const origin = { key, offset: 0, part: "header" };
    const head = await this.#objects.head(key, { signal });
    if (head?.sizeBytes !== bodyBytes + footerBytes) {
      throw corrupt(origin, `${bodyBytes + footerBytes} bytes expected, ${head?.sizeBytes} there`);
    }
    await this.#windows.use({ from: 0, to: magicBytes }, signal, async (magic) => {
      if (magic.equals(segmentMagic)) return;
      throw corrupt(origin, `${segmentMagic.toString()} expected, ${magic.toString("hex")} read`);
    });
    for (const { kind, offset } of this.footer.sections) {
      // Those of the footer were checked when it was decoded.
      if (offset < bodyBytes) await this.section(kind, signal);
    }
    let [entryCount, lineBytes] = [0, 0];
    for (let block = 0; block < this.footer.blocks.count; block++) {
      signal.throwIfAborted();
      const decoded = await this.#read(block, signal);
      const { rowCount, ref } = decoded;
      entryCount += rowCount;
      lineBytes += ref.facts.lineBytes;
      giveBlockBack(decoded);
      await afterBlock(ref.facts.lineBytes);
    }
    this.close();
    const { info } = this.footer;
    if (entryCount !== info.entryCount || lineBytes !== info.lineBytes) {
      const wanted = `${info.entryCount} entries of ${info.lineBytes} bytes`;
      throw corrupt(origin, `${wanted} expected, ${entryCount} of ${lineBytes} read`);
    }
  }
}

/** Columns that have a buffer to themselves; small ones and views are left to the collector. */
function giveBlockBack({ offsets, streamOfRow, lines, lengths, metadata }: Block): void {
  giveColumnsBack([offsets, streamOfRow, lengths, lines?.starts, lines?.bytes]);
  for (const { ids, values } of metadata) giveColumnsBack([ids, values.starts]);
}

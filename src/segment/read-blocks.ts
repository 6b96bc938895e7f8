/**
 * Planned blocks → decoded blocks, in the order given. Fetches in windows of neighbouring blocks:
 * the ranges of a window are coalesced per segment, and the next window is under way while this one
 * is consumed.
 */
import { giveBack, isStoreError, KiB, Limiter, MiB } from "#base";
import type { ObjectStore } from "#objectstore";
import type { Block, ColumnNeeds, ReadOptions } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import { Encoding, unpackPart } from "./compression.ts";
import type { DecodedCache, DecodedColumns } from "./decoded-cache.ts";
import { decodeBlock, neededColumns, originOf } from "./decode-block.ts";
import { neededFields } from "./field-columns.ts";
import type { SegmentFooter } from "./footer.ts";
import { FetchedBytes } from "./fetched-bytes.ts";
import type { LineScanner } from "./line-scan.ts";
import { type FetchRange, planRanges } from "./read-ranges.ts";
import {
  blockWithoutHits,
  isWorthScanning,
  scanBlock,
  scannedText,
  scannerFor,
} from "./scan-block.ts";
import { storedPartOf } from "./stored-part.ts";

/**
 * Stored bytes of the first two windows: a query with a limit often needs no more. Each next one is
 * twice as large.
 */
const firstWindowBytes: number = 512 * KiB;
const windowBytesMax: number = 8 * MiB;

/** Ranged GETs in flight per query. */
const getsInFlightMax = 4;

/** Blocks unpacked ahead of the consumer: enough for the thread pool. */
const blocksAheadMax = 3;

/**
 * So many at first, one more with each block that was taken: the newest entries are in the first
 * block, mostly; those that pass a filter in the first few.
 */
const blocksAheadFirst = 1;
const blocksAheadFirstOfSearch = 2;

/** When a filter leaves no more than these, none of them will turn out to be too much. */
const fewBlocksMax = 4;

/** A reader of entries that took so many blocks goes through all of them, in all likelihood. */
const blocksAloneMax = 12;

export interface ReadJob {
  readonly objects: ObjectStore;
  readonly needs: ColumnNeeds;
  readonly options: ReadOptions;
  /** Does the searching of large reads, where there is one. */
  readonly scanner?: LineScanner | undefined;
  readonly decoded: DecodedCache;
}

interface ColumnExtent {
  readonly from: number;
  readonly to: number;
  readonly footer: SegmentFooter;
  readonly column: number;
  /** Which of the window's blocks it belongs to. */
  readonly place: number;
}

/** Stored bytes; `isAlone`: the GET was for this column only. */
interface FetchedColumn {
  readonly bytes: Buffer;
  readonly isAlone: boolean;
  readonly fetched: FetchedBytes;
}

/** By column, each a promise shared by all columns of one GET. */
type StoredColumns = Map<number, Promise<FetchedColumn>>;

/** A block on its way. */
interface ComingBlock {
  readonly ref: SegmentBlockRef;
  readonly known: DecodedColumns;
  readonly columns: StoredColumns;
}

export async function* readBlocks(
  refs: readonly SegmentBlockRef[],
  job: ReadJob,
): AsyncIterable<Block> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, job.options.signal]);
  const limiter = new Limiter(getsInFlightMax);
  const scanner = scannerFor(refs, job.needs, job.scanner);
  const own = { ...job, scanner, options: { ...job.options, signal } };
  const progress = { takenCount: 0 };
  const fetched = fetchAhead(refs, { job: own, limiter, progress });
  // Whoever wants a few entries is content with the first blocks: no threads for that.
  const blocksAlone = job.needs.search?.keepsLines === true ? blocksAloneMax : 0;
  const aheadFirst = blocksAheadAtFirst(refs, job.needs);
  const aheadMax = Math.max(blocksAheadMax, scanner?.scansAtOnce ?? 0);
  const ahead: Promise<Block | undefined>[] = [];
  try {
    for (const coming of fetched) {
      const isAlone = progress.takenCount < blocksAlone || scanner?.prepare() !== true;
      const block = unpackBlock(coming, isAlone ? { ...own, scanner: undefined } : own);
      // The consumer awaits it below; until then a failure must not count as unhandled.
      block.catch(() => undefined);
      ahead.push(block);
      const slowly = Math.min(blocksAheadMax, aheadFirst + progress.takenCount);
      if (ahead.length < (isAlone ? slowly : aheadMax)) continue;
      const next = await ahead.shift();
      job.options.signal.throwIfAborted();
      if (next !== undefined) yield next;
      progress.takenCount++;
    }
    while (ahead.length > 0) {
      const next = await ahead.shift();
      job.options.signal.throwIfAborted();
      if (next !== undefined) yield next;
    }
  } finally {
    stop.abort();
    // Nobody takes them any more; failures were heard above.
    for (const block of ahead) block.then((one) => one?.release?.()).catch(() => undefined);
  }
}

function isFewToSearch(refs: readonly SegmentBlockRef[], needs: ColumnNeeds): boolean {
  return needs.search !== undefined && refs.length <= fewBlocksMax;
}

function blocksAheadAtFirst(refs: readonly SegmentBlockRef[], needs: ColumnNeeds): number {
  if (isFewToSearch(refs, needs)) return refs.length;
  return needs.search === undefined ? blocksAheadFirst : blocksAheadFirstOfSearch;
}

/**
 * Starts the GETs of a window when its first block is asked for, and those of the next window along
 * with it; but those of the second one only when somebody has taken a block and wants more.
 */
function* fetchAhead(
  refs: readonly SegmentBlockRef[],
  how: {
    readonly job: ReadJob;
    readonly limiter: Limiter;
    readonly progress: { readonly takenCount: number };
  },
): Iterable<ComingBlock> {
  const { job, limiter, progress } = how;
  const windows = windowsOf(refs, job.needs);
  const isFew = isFewToSearch(refs, job.needs);
  const start = (i: number): ComingBlock[] => startWindow(windows[i] ?? [], { job, limiter });
  let current = start(0);
  for (let i = 0; i < windows.length; i++) {
    let next: ComingBlock[] | undefined;
    for (const coming of current) {
      if (i > 0 || isFew || progress.takenCount > 0) next ??= start(i + 1);
      yield coming;
    }
    current = next ?? start(i + 1);
  }
}

function windowsOf(refs: readonly SegmentBlockRef[], needs: ColumnNeeds): SegmentBlockRef[][] {
  const windows: SegmentBlockRef[][] = [];
  let room = 0;
  let size = firstWindowBytes;
  for (const ref of refs) {
    const { storedBytes } = ref.footer.blocks.columns;
    let bytes = 0;
    for (const column of neededColumns(ref, needs)) bytes += storedBytes[column]!;
    if (windows.length === 0 || bytes > room) {
      windows.push([]);
      room = size;
      if (windows.length > 1) size = Math.min(size * 2, windowBytesMax);
    }
    windows.at(-1)!.push(ref);
    room -= bytes;
  }
  return windows;
}

function startWindow(
  refs: readonly SegmentBlockRef[],
  how: { readonly job: ReadJob; readonly limiter: Limiter },
): ComingBlock[] {
  const { job, limiter } = how;
  const bySegment = new Map<SegmentFooter, ColumnExtent[]>();
  const knownOf = refs.map((ref) => job.decoded.get(ref));
  for (const [place, ref] of refs.entries()) {
    const { footer } = ref;
    let extents = bySegment.get(footer);
    if (extents === undefined) bySegment.set(footer, (extents = []));
    const { offsets, storedBytes } = footer.blocks.columns;
    for (const column of neededColumns(ref, job.needs, knownOf[place])) {
      const from = offsets[column]!;
      extents.push({ from, to: from + storedBytes[column]!, footer, column, place });
    }
  }
  const bytesOf = new Map<SegmentFooter, StoredColumns>();
  const ranges: {
    footer: SegmentFooter;
    range: FetchRange<ColumnExtent>;
    columns: StoredColumns;
  }[] = [];
  for (const [footer, extents] of bySegment) {
    const columns: StoredColumns = new Map();
    for (const range of planRanges(extents)) ranges.push({ footer, range, columns });
    bytesOf.set(footer, columns);
  }
  // What the first block needs comes first, wherever it lies.
  ranges.sort((a, b) => placeOf(a.range) - placeOf(b.range));
  for (const { footer, range, columns } of ranges) {
    fetchRange(footer, range, { job, limiter, columns });
  }
  return refs.map((ref, i) => ({ ref, known: knownOf[i]!, columns: bytesOf.get(ref.footer)! }));
}

/** The first block that waits for it. */
function placeOf({ extents }: FetchRange<ColumnExtent>): number {
  return extents.reduce((least, { place }) => Math.min(least, place), Infinity);
}

function fetchRange(
  footer: SegmentFooter,
  range: FetchRange<ColumnExtent>,
  target: { job: ReadJob; limiter: Limiter; columns: StoredColumns },
): void {
  const { job, limiter, columns } = target;
  const { counters, signal } = job.options;
  const { from, to } = range;
  const isAlone = range.extents.length === 1;
  const fetched = limiter.run(async () => {
    signal.throwIfAborted();
    counters.getRequests++;
    const got = await job.objects.get(footer.name, { range: { from, to }, signal, isOwn: true });
    counters.fetchedBytes += got.length;
    // Not every store can be stopped half-way.
    if (signal.aborted) giveBack(got);
    return new FetchedBytes(got, range.extents.length);
  });
  for (const extent of range.extents) {
    const part = fetched.then((all) => ({
      bytes: isAlone ? all.bytes : all.bytes.subarray(extent.from - from, extent.to - from),
      isAlone,
      fetched: all,
    }));
    // Blocks that are never asked for leave theirs unread.
    part.catch(() => undefined);
    columns.set(extent.column, part);
  }
}

/** Undefined when the block cannot be read: then `warn` was told. Other failures reject. */
async function unpackBlock(coming: ComingBlock, job: ReadJob): Promise<Block | undefined> {
  const { ref, known } = coming;
  const { needs, decoded } = job;
  const { warn } = job.options;
  try {
    const isScanned = job.scanner !== undefined && isWorthScanning(ref);
    if (isScanned) {
      const scanned = await unpackScanned(coming, job, job.scanner!);
      if (scanned !== undefined) return scanned;
    }
    const raw = new Map<number, Buffer>();
    const wanted = neededColumns(ref, needs, known);
    await Promise.all(wanted.map((column) => unpackInto(raw, column, coming, job)));
    const block = decodeBlock(ref, raw, needs, known);
    // Of blocks that are read with their lines the times are the least.
    const lines = raw.get(ref.columns.lines);
    if (lines === undefined) decoded.keep(ref, block, needs, known);
    return lines === undefined || isStoredRaw(ref) ? block : withRelease(block, lines);
  } catch (error) {
    const isByFields = neededFields(ref.columns, needs.fields) !== undefined;
    if (isByFields && isStoreError(error, "corrupt")) {
      // What the fields say is in the lines, too.
      warn(`fields of block ${ref.block} of ${ref.footer.name} not used: ${error.message}`);
      const byLines = { ...job, needs: { ...needs, fields: undefined } };
      for await (const block of readBlocks([ref], byLines)) return block;
      return undefined;
    }
    if (!isStoreError(error, "corrupt") && !isStoreError(error, "missing")) throw error;
    warn(`block ${ref.block} of ${ref.footer.name} left out: ${error.message}`);
    return undefined;
  }
}

/** Raw bytes of lines are then a view of what the object store gave. */
function isStoredRaw({ footer, columns }: SegmentBlockRef): boolean {
  return storedPartOf(footer, columns.lines).encoding === Encoding.raw;
}

/** `raw`: the lines column, or what of it came from a scanner. */
function withRelease(block: Block, raw: Uint8Array): Block {
  const release = (): void => {
    giveBack(raw);
    if (block.lines !== undefined) giveBack(block.lines.bytes);
  };
  return { ...block, release };
}

async function unpackInto(
  raw: Map<number, Buffer>,
  column: number,
  { ref, columns }: ComingBlock,
  job: ReadJob,
): Promise<void> {
  const { footer } = ref;
  const part = storedPartOf(footer, column);
  const { bytes, fetched } = await columns.get(column)!;
  // Given away to a scanner that was lost with it.
  const isGone = bytes.length === 0 && part.storedBytes > 0;
  const stored = isGone ? await getColumn(footer, column, job) : bytes;
  const unpacked = await unpackPart(stored, part, originOf(footer, ref.block, column));
  raw.set(column, unpacked);
  fetched.finishColumn({ isKept: unpacked.buffer === stored.buffer });
  job.options.counters.decompressedBytes += part.rawBytes;
}

function getColumn(footer: SegmentFooter, column: number, job: ReadJob): Promise<Buffer> {
  const { counters, signal } = job.options;
  const from = footer.blocks.columns.offsets[column]!;
  const to = from + footer.blocks.columns.storedBytes[column]!;
  counters.getRequests++;
  return job.objects.get(footer.name, { range: { from, to }, signal });
}

/** Has the lines searched first: most blocks of a search have nothing. Undefined when that failed. */
async function unpackScanned(
  coming: ComingBlock,
  job: ReadJob,
  scanner: LineScanner,
): Promise<Block | undefined> {
  const { ref, known, columns } = coming;
  const { needs, decoded } = job;
  const { counters, signal } = job.options;
  const { lines, lengths } = ref.columns;
  const stored = known.lengths === undefined ? (await columns.get(lengths)!).bytes : undefined;
  const text = await columns.get(lines)!;
  const asked = { ref, needs, known, lines: text, lengths: stored };
  const scanned = await scanBlock(asked, scanner, signal);
  if (scanned === undefined) return undefined;
  counters.decompressedBytes += storedPartOf(ref.footer, lines).rawBytes;
  const all = neededColumns(ref, needs, known);
  if (scanned.passing === undefined) {
    await finishColumns(all, columns);
    return blockWithoutHits(ref);
  }
  const raw = new Map<number, Buffer>();
  const others = { ...needs, lines: false };
  const wanted = neededColumns(ref, others, known);
  await Promise.all(wanted.map((column) => unpackInto(raw, column, coming, job)));
  await finishColumns(
    all.filter((column) => !wanted.includes(column)),
    columns,
  );
  const block = decodeBlock(ref, raw, others, known);
  decoded.keep(ref, block, others, known);
  const found = { ...block, passing: scanned.passing, lines: scannedText(scanned) };
  return found.lines === undefined ? found : withRelease(found, found.lines.bytes);
}

/** Nothing was kept of them. */
async function finishColumns(finished: readonly number[], columns: StoredColumns): Promise<void> {
  for (const column of finished) {
    const { fetched } = await columns.get(column)!;
    fetched.finishColumn({ isKept: false });
  }
}

import type { BatchStream, EntryBatch } from "#model";
import { packSet } from "#model";
import type { DecodedPush } from "./push-columns.ts";
import { grown32 } from "./push-columns.ts";
import { type LevelDetector } from "./level.ts";
import { detectedLevelName, levelOfSet } from "./level-fields.ts";
import { levelNames } from "./level-names.ts";
import { behindVarint, varintAt } from "./push-packed.ts";

/**
 * The accepted rows of a decoded request as an EntryBatch. With a detector every entry gets
 * `detected_level` in its metadata, from (first that knows) its metadata, its stream's labels, its
 * line. The result depends on nothing but the arguments, so replaying a journal record gives the
 * same batch.
 *
 * `kept` is undefined when all rows are accepted; then the columns of `push` become the batch's
 * own.
 */
export function buildBatch(
  push: DecodedPush,
  kept: Uint8Array | undefined,
  detector: LevelDetector | undefined,
): EntryBatch {
  const rows = kept === undefined ? allRows(push) : keptRows(push, kept);
  const sets = new FinalSets(push, detector);
  const inKernel = detector?.beginKernel(push.kernelContent) ?? false;
  const { metadataOfRow, lineStarts, lineEnds, bytes } = rows;
  for (const stream of rows.streams) {
    if (detector === undefined) plainSets(metadataOfRow, stream, sets);
    else setsWithLevels(rows, stream, { sets, detector, inKernel });
  }
  detector?.release();
  return {
    rowCount: rows.rowCount,
    streams: rows.streams.map(({ labels, fromRow, toRow }) => ({ labels, fromRow, toRow })),
    bytes,
    lineStarts,
    lineEnds,
    epochSeconds: rows.epochSeconds,
    nanos: rows.nanos,
    metadataOfRow,
    metadata: sets.build(),
    lease: push.lease,
  };
}

function plainSets(metadataOfRow: Uint32Array, stream: RowStream, sets: FinalSets): void {
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    metadataOfRow[row] = sets.plain(metadataOfRow[row]!);
  }
}

/** Hot: a function for itself, so that it is compiled as a whole. */
function setsWithLevels(
  { metadataOfRow, lineStarts, lineEnds, bytes }: Rows,
  stream: RowStream,
  how: { readonly sets: FinalSets; readonly detector: LevelDetector; readonly inKernel: boolean },
): void {
  const { sets, detector, inKernel } = how;
  const levelOfLabels = stream.level === undefined ? -1 : sets.levelId(stream.level);
  for (let row = stream.fromRow; row < stream.toRow; row++) {
    const set = metadataOfRow[row]!;
    let level = set === 0 ? -1 : sets.levelOfSet(set);
    if (level === presetLevel) {
      metadataOfRow[row] = sets.plain(set);
      continue;
    }
    if (levelOfLabels >= 0) level = levelOfLabels;
    if (level < 0) {
      level = inKernel
        ? detector.detectInKernel(lineStarts[row]!, lineEnds[row]!)
        : detector.detect(bytes, lineStarts[row]!, lineEnds[row]!);
    }
    metadataOfRow[row] = sets.withLevel(set, level);
  }
}

interface RowStream extends BatchStream {
  readonly level: string | undefined;
}

type Rows = Omit<EntryBatch, "metadata" | "streams"> & { readonly streams: readonly RowStream[] };

function allRows(push: DecodedPush): Rows {
  const { rowCount, bytes, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = push;
  const streams = push.streams.map(({ labels, fromRow, toRow }) => {
    return { labels: labels.labels, level: labels.level, fromRow, toRow };
  });
  return { rowCount, bytes, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow, streams };
}

function keptRows(push: DecodedPush, kept: Uint8Array): Rows {
  let count = 0;
  for (const one of kept) count += one;
  const rows = {
    lineStarts: new Uint32Array(count),
    lineEnds: new Uint32Array(count),
    epochSeconds: new Float64Array(count),
    nanos: new Uint32Array(count),
    metadataOfRow: new Uint32Array(count),
  };
  const streams: RowStream[] = [];
  let to = 0;
  for (const stream of push.streams) {
    const fromRow = to;
    for (let row = stream.fromRow; row < stream.toRow; row++) {
      if (kept[row] === 0) continue;
      rows.lineStarts[to] = push.lineStarts[row]!;
      rows.lineEnds[to] = push.lineEnds[row]!;
      rows.epochSeconds[to] = push.epochSeconds[row]!;
      rows.nanos[to] = push.nanos[row]!;
      rows.metadataOfRow[to] = push.metadataOfRow[row]!;
      to++;
    }
    if (to === fromRow) continue;
    const { labels, level } = stream.labels;
    streams.push({ labels, level, fromRow, toRow: to });
  }
  return { rowCount: count, bytes: push.bytes, ...rows, streams };
}

const presetLevel = -2;

/** Above any number of levels one request can name, so that set and level make one key. */
const levelsOfSetMax = 2 ** 26;

/**
 * The sets a batch refers to: those that arrived, with a level or without, each written when it is
 * first used. Set 0 stays the empty set.
 */
class FinalSets {
  readonly #push: DecodedPush;
  readonly #detector: LevelDetector | undefined;
  readonly #levels: string[] = [...levelNames];
  readonly #levelIds = new Map(levelNames.map((name, id) => [name, id]));
  /** The pair detected_level and each level, packed. */
  readonly #levelPairs: Buffer[] = [];
  /** By arrived set: level it names (see levelOfSet), 0 when not yet looked at, else + 3. */
  readonly #levelOf: Int32Array;
  /** By arrived set: its number here + 1, 0 when not used yet. */
  readonly #plainIds: Uint32Array;
  /** By arrived set: the level it was last used with, and the number of that set. */
  readonly #lastLevel: Int32Array;
  readonly #lastId: Uint32Array;
  /** By level: the set of nothing but detected_level. */
  readonly #levelOnlyIds: number[] = [];
  readonly #combined = new Map<number, number>();
  #bytes: Buffer;
  #length = 0;
  #starts: Uint32Array = new Uint32Array(64);
  #count = 1;

  constructor(push: DecodedPush, detector: LevelDetector | undefined) {
    const { count, bytes } = push.metadata;
    this.#push = push;
    this.#detector = detector;
    this.#levelOf = new Int32Array(count);
    this.#plainIds = new Uint32Array(count);
    this.#lastLevel = new Int32Array(count).fill(-1);
    this.#lastId = new Uint32Array(count);
    const added = detector === undefined ? 0 : count * 24;
    this.#bytes = Buffer.allocUnsafe(bytes.length + added + 256);
    this.#plainIds[0] = 1;
  }

  levelId(level: string): number {
    const known = this.#levelIds.get(level);
    if (known !== undefined) return known;
    const id = this.#levels.length;
    this.#levels.push(level);
    this.#levelIds.set(level, id);
    return id;
  }

  /**
   * Level an arrived set names: a number, `presetLevel` when it has a detected_level, -1 when it
   * names none.
   */
  levelOfSet(set: number): number {
    const known = this.#levelOf[set]!;
    if (known !== 0) return known - 3;
    const { bytes, starts } = this.#push.metadata;
    const found = levelOfSet(bytes, starts[set]!, starts[set + 1]!, this.#detector!.fields);
    const level =
      found === undefined ? -1 : "preset" in found ? presetLevel : this.levelId(found.level);
    this.#levelOf[set] = level + 3;
    return level;
  }

  /** The arrived set as it is. */
  plain(set: number): number {
    const known = this.#plainIds[set]!;
    if (known !== 0) return known - 1;
    const { bytes, starts } = this.#push.metadata;
    const id = this.#begin();
    this.#append(bytes, starts[set]!, starts[set + 1]!);
    this.#plainIds[set] = id + 1;
    return id;
  }

  /**
   * The arrived set and a level. Most sets are used with one level only, so the table is for the
   * others.
   */
  withLevel(set: number, level: number): number {
    if (set === 0) return (this.#levelOnlyIds[level] ??= this.#write(0, level));
    const last = this.#lastLevel[set]!;
    if (last === level) return this.#lastId[set]!;
    let id: number | undefined;
    if (last >= 0) {
      this.#combined.set(set * levelsOfSetMax + last, this.#lastId[set]!);
      id = this.#combined.get(set * levelsOfSetMax + level);
    }
    id ??= this.#write(set, level);
    this.#lastLevel[set] = level;
    this.#lastId[set] = id;
    return id;
  }

  #write(set: number, level: number): number {
    const pair = (this.#levelPairs[level] ??= packSet([[detectedLevelName, this.#levels[level]!]]));
    const { bytes, starts } = this.#push.metadata;
    const from = set === 0 ? 0 : starts[set]!;
    const to = set === 0 ? 0 : starts[set + 1]!;
    const split = insertionPoint(bytes, from, to);
    const id = this.#begin();
    this.#append(bytes, from, split);
    this.#append(pair, 0, pair.length);
    this.#append(bytes, split, to);
    return id;
  }

  #begin(): number {
    const id = this.#count++;
    if (id >= this.#starts.length) this.#starts = grown32(this.#starts, id * 2);
    this.#starts[id] = this.#length;
    return id;
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const needed = this.#length + to - from;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, from, to);
    this.#length = needed;
  }

  build(): EntryBatch["metadata"] {
    const starts = grown32(this.#starts.subarray(0, this.#count), this.#count + 1);
    starts[this.#count] = this.#length;
    return { bytes: this.#bytes.subarray(0, this.#length), starts, count: this.#count };
  }
}

const detectedName = Buffer.from(detectedLevelName);

/** Where in the packed set bytes[from, to) a pair named detected_level belongs. */
function insertionPoint(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const nameFrom = behindVarint(bytes, at);
    const nameTo = nameFrom + varintAt(bytes, at);
    if (bytes.compare(detectedName, 0, detectedName.length, nameFrom, nameTo) > 0) return at;
    at = behindVarint(bytes, nameTo) + varintAt(bytes, nameTo);
  }
  return at;
}

/**
 * Which journal records of a tenant and day are in the store already, for stores whose objects
 * cannot say so. A file of our own beside the journal; docs/formats/stored-ranges.md. A line is
 * added after the objects are stored and before the journal may forget the records. A crash in
 * between costs a second copy of a part, whose entries queries count once.
 */
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { isStoreError } from "#base";
import { type Files, makeDurableFolder } from "#world";
import type { SequenceRange } from "./ingester.ts";

export interface StoredRangesOptions {
  readonly files: Files;
  /** Absolute path of the file; its folder is made when missing. */
  readonly path: string;
  /** Ranges of another journal mean nothing here. */
  readonly journalId: string;
  /** Ranges before it are of records that are gone. */
  readonly firstSequence: () => number;
}

export interface StoredRange extends SequenceRange {
  readonly tenant: string;
  readonly day: number;
}

/** Lines more than twice as many as are needed, and than this, make the file be written anew. */
const linesKeptMin = 1_000;

export class StoredRanges {
  readonly #options: StoredRangesOptions;
  #ranges: StoredRange[];
  #lineCount: number;
  #sizeBytes: number;

  private constructor(
    options: StoredRangesOptions,
    found: { ranges: StoredRange[]; lineCount: number; sizeBytes: number },
  ) {
    this.#options = options;
    this.#ranges = found.ranges;
    this.#lineCount = found.lineCount;
    this.#sizeBytes = found.sizeBytes;
  }

  /** Reads the file. What a crash has torn off its end was not acknowledged to anybody. */
  static async open(options: StoredRangesOptions): Promise<StoredRanges> {
    const bytes = await readIfThere(options);
    const ranges: StoredRange[] = [];
    let [lineCount, sizeBytes] = [0, 0];
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, sizeBytes)) {
      const parsed = parseLine(bytes.toString("latin1", sizeBytes, end));
      // Everything after a torn line is as doubtful: its parts are written once more.
      if (parsed === undefined) break;
      if (parsed.journalId === options.journalId) ranges.push(parsed.range);
      lineCount++;
      sizeBytes = end + 1;
    }
    return new StoredRanges(options, { ranges, lineCount, sizeBytes });
  }

  /** Durable when resolved. */
  async add(range: StoredRange): Promise<void> {
    const { firstSequence } = this.#options;
    const live = this.#ranges.filter(({ toSequence }) => toSequence >= firstSequence());
    live.push(range);
    if (this.#lineCount > linesKeptMin && this.#lineCount > 2 * live.length) {
      await this.#rewrite(live);
    } else await this.#append(range);
    this.#ranges = live;
  }

  of(tenant: string, day: number): SequenceRange[] {
    return this.#ranges.filter((range) => range.tenant === tenant && range.day === day);
  }

  async #append(range: StoredRange): Promise<void> {
    const { files, path, journalId } = this.#options;
    const line = lineOf(journalId, range);
    const isNew = this.#sizeBytes === 0;
    if (isNew) await makeDurableFolder(files, dirname(path));
    {
      await using file = await files.open(path, { create: true, exclusive: false });
      await file.truncate(this.#sizeBytes);
      await file.write([line], this.#sizeBytes);
      await file.sync();
    }
    if (isNew) await files.syncFolder(dirname(path));
    this.#sizeBytes += line.length;
    this.#lineCount++;
  }

  async #rewrite(live: readonly StoredRange[]): Promise<void> {
    const { files, path, journalId } = this.#options;
    const bytes = Buffer.concat(live.map((range) => lineOf(journalId, range)));
    {
      await using file = await files.open(`${path}.part`, { create: true, exclusive: false });
      await file.truncate(0);
      await file.write([bytes], 0);
      await file.sync();
    }
    await files.rename(`${path}.part`, path);
    await files.syncFolder(dirname(path));
    this.#sizeBytes = bytes.length;
    this.#lineCount = live.length;
  }
}

async function readIfThere({ files, path }: StoredRangesOptions): Promise<Buffer> {
  try {
    return await files.read(path);
  } catch (error) {
    if (isStoreError(error, "missing")) return Buffer.alloc(0);
    throw error;
  }
}

function lineOf(journalId: string, range: StoredRange): Buffer {
  const { tenant, day, fromSequence, toSequence } = range;
  const text = `${journalId} ${tenant} ${day} ${fromSequence} ${toSequence}`;
  return Buffer.from(`${text} ${checksumOf(text)}\n`, "latin1");
}

function checksumOf(text: string): string {
  return crc32(Buffer.from(text, "latin1")).toString(16).padStart(8, "0");
}

function parseLine(line: string): { journalId: string; range: StoredRange } | undefined {
  const at = line.lastIndexOf(" ");
  const text = line.slice(0, Math.max(0, at));
  if (checksumOf(text) !== line.slice(at + 1)) return undefined;
  const parts = text.split(" ");
  const [journalId = "", tenant = ""] = parts;
  const numbers = parts.slice(2).map(Number);
  if (numbers.length !== 3 || !numbers.every(Number.isSafeInteger)) return undefined;
  const [day, fromSequence, toSequence] = numbers;
  return {
    journalId,
    range: { tenant, day: day!, fromSequence: fromSequence!, toSequence: toSequence! },
  };
}

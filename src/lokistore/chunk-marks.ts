/**
 * Chunks that no index may name: those that left it and are deleted later, as queries that planned
 * before may still read them, and those that were put for an index that is not there yet. A mark
 * is written before the index or the store changes, so that no crash leaves an object nobody
 * remembers; whether an index names the chunk is looked up again before it is deleted. Files of
 * our own in the compactor's working directory: `<ms>-<number>.marks`, one chunk key per line.
 */
import { join } from "node:path";
import { isStoreError } from "#base";
import { type Clock, type Files, makeDurableFolder } from "#world";
import { ChunkIntent } from "./chunk-intent.ts";
import { KeyHolds } from "./key-holds.ts";

export interface ChunkMarksOptions {
  readonly files: Files;
  readonly folder: string;
  readonly clock: Clock;
}

export interface MarkFile {
  readonly name: string;
  /** When the chunks were marked, wall clock. */
  readonly markedMs: number;
}

/** Keys in one file: some 8 MiB. */
export const marksPerFileMax = 100_000;

const partEnding = ".part";

export class ChunkMarks {
  readonly #options: ChunkMarksOptions;
  #next = 0;
  /** Names that this process is writing. */
  readonly #parts = new Set<string>();
  /** Files of writers at work: what they name is about to be listed. */
  readonly #intents = new Set<string>();
  /** Who writes or deletes which chunk in this process. */
  readonly holds: KeyHolds = new KeyHolds();

  constructor(options: ChunkMarksOptions) {
    this.#options = options;
  }

  /** Durable when resolved. */
  async add(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += marksPerFileMax) {
      await this.#write(keys.slice(from, from + marksPerFileMax));
    }
  }

  /** For chunks that are put before their index. Nothing is written until one is named. */
  begin(): ChunkIntent {
    const { files, folder } = this.#options;
    const newName = async (): Promise<string> => {
      const name = await this.#newName();
      this.#intents.add(name);
      return name;
    };
    const ended = (name: string): void => void this.#intents.delete(name);
    return new ChunkIntent({ files, folder, newName, holds: this.holds, ended });
  }

  async #newName(): Promise<string> {
    const { files, folder, clock } = this.#options;
    const taken = new Set((await files.list(folder)).map(({ name }) => name));
    let name: string;
    do name = `${clock.nowMs()}-${this.#next++}.marks`;
    while (taken.has(name));
    return name;
  }

  async #write(keys: readonly string[]): Promise<void> {
    const { files, folder } = this.#options;
    await makeDurableFolder(files, folder);
    const name = await this.#newName();
    const path = join(folder, name);
    const part = `${name}${partEnding}`;
    this.#parts.add(part);
    try {
      {
        await using file = await files.open(join(folder, part), { create: true, exclusive: false });
        await file.truncate(0);
        await file.write([Buffer.from(`${keys.join("\n")}\n`)], 0);
        await file.sync();
      }
      await files.rename(join(folder, part), path);
      await files.syncFolder(folder);
    } finally {
      this.#parts.delete(part);
    }
  }

  /** Oldest first, without those of writers at work. What an earlier process, or a failure, left half-written is removed. */
  async all(): Promise<MarkFile[]> {
    const { files, folder } = this.#options;
    try {
      const found = await files.list(folder);
      for (const { name } of found) {
        if (!name.endsWith(partEnding) || this.#parts.has(name)) continue;
        await files.remove(join(folder, name));
      }
      return found
        .map(({ name }) => ({ name, match: /^(\d{1,16})-\d+\.marks$/.exec(name) }))
        .filter(({ name, match }) => match !== null && !this.#intents.has(name))
        .map(({ name, match }) => ({ name, markedMs: Number(match![1]) }))
        .sort((a, b) => a.markedMs - b.markedMs);
    } catch (error) {
      if (isStoreError(error, "missing")) return [];
      throw error;
    }
  }

  /** A line that a crash left without its end names a chunk that was not begun. */
  async keysOf({ name }: MarkFile): Promise<string[]> {
    const text = (await this.#options.files.read(join(this.#options.folder, name))).toString();
    return text.split("\n").slice(0, -1);
  }

  async remove({ name }: MarkFile): Promise<void> {
    const { files, folder } = this.#options;
    await files.remove(join(folder, name));
    await files.syncFolder(folder);
  }
}

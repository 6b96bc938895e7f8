/**
 * Chunks that left the index and are to be deleted later: queries that planned before may still
 * read them. A mark is written before the index changes, so that no crash leaves an object nobody
 * remembers; whether the chunk really left is looked up again before it is deleted. Files of our
 * own in the compactor's working directory: `<ms>-<number>.marks`, one chunk key per line.
 */
import { join } from "node:path";
import { isStoreError } from "#base";
import { type Clock, type Files, makeDurableFolder } from "#world";

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

  constructor(options: ChunkMarksOptions) {
    this.#options = options;
  }

  /** Durable when resolved. */
  async add(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += marksPerFileMax) {
      await this.#write(keys.slice(from, from + marksPerFileMax));
    }
  }

  async #write(keys: readonly string[]): Promise<void> {
    const { files, folder, clock } = this.#options;
    await makeDurableFolder(files, folder);
    const taken = new Set((await files.list(folder)).map(({ name }) => name));
    let name: string;
    do name = `${clock.nowMs()}-${this.#next++}.marks`;
    while (taken.has(name));
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

  /** Oldest first. What an earlier process, or a failure, left half-written is removed. */
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
        .filter(({ match }) => match !== null)
        .map(({ name, match }) => ({ name, markedMs: Number(match![1]) }))
        .sort((a, b) => a.markedMs - b.markedMs);
    } catch (error) {
      if (isStoreError(error, "missing")) return [];
      throw error;
    }
  }

  async keysOf({ name }: MarkFile): Promise<string[]> {
    const text = (await this.#options.files.read(join(this.#options.folder, name))).toString();
    return text.split("\n").filter((line) => line !== "");
  }

  async remove({ name }: MarkFile): Promise<void> {
    const { files, folder } = this.#options;
    await files.remove(join(folder, name));
    await files.syncFolder(folder);
  }
}

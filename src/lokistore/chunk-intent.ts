/**
 * The chunks one writer puts before an index names them. Their keys are made durable first, in a
 * file of marks: what a crash leaves without an index is found by it and deleted. The file goes
 * when the index is there.
 */
import { join } from "node:path";
import { isStoreError } from "#base";
import { type FileHandle, type Files, makeDurableFolder } from "#world";
import type { KeyHolds } from "./key-holds.ts";

export interface ChunkIntentOptions {
  readonly files: Files;
  readonly folder: string;
  /** A name that no file has; asked for once, when there is something to write. */
  readonly newName: () => Promise<string>;
  readonly holds: KeyHolds;
  /** The file is in use no more: what it names may be looked through. */
  readonly ended: (name: string) => void;
}

/** Ends with `await using`; without `published` the file stays for the next sweep. */
export class ChunkIntent implements AsyncDisposable {
  readonly #options: ChunkIntentOptions;
  readonly #held: string[] = [];
  #waiting: string[] = [];
  #file: FileHandle | undefined;
  #name: string | undefined;
  #sizeBytes = 0;
  #isPublished = false;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: ChunkIntentOptions) {
    this.#options = options;
  }

  /**
   * Durable when resolved; only then may the chunks be put. Calls that come while a write is under
   * way share the next one. Once one has failed, all later ones do.
   */
  async add(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#options.holds.hold(key);
      this.#held.push(key);
      this.#waiting.push(key);
    }
    this.#next ??= this.#afterLast();
    await this.#next;
  }

  /** An index that names the chunks is in the store, and the stores of this process know it. */
  published(): void {
    this.#isPublished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { files, folder, holds, ended } = this.#options;
    for (const key of this.#held) holds.release(key);
    const name = this.#name;
    if (name === undefined) return;
    try {
      await this.#file?.close();
      // A file that a power cut brings back names chunks that are in the index: they stay.
      if (this.#isPublished) await files.remove(join(folder, name));
    } catch (error) {
      // The next sweep removes it.
      if (!isStoreError(error)) throw error;
    } finally {
      ended(name);
    }
  }

  #afterLast(): Promise<void> {
    const next = this.#last.then(async () => {
      this.#next = undefined;
      const keys = this.#waiting;
      this.#waiting = [];
      await this.#write(Buffer.from(`${keys.join("\n")}\n`));
    });
    this.#last = next;
    return next;
  }

  async #write(bytes: Buffer): Promise<void> {
    const { files, folder } = this.#options;
    const isNew = this.#file === undefined;
    if (this.#file === undefined) {
      await makeDurableFolder(files, folder);
      this.#name = await this.#options.newName();
      const path = join(folder, this.#name);
      this.#file = await files.open(path, { create: true, exclusive: true });
    }
    await this.#file.write([bytes], this.#sizeBytes);
    await this.#file.sync();
    if (isNew) await files.syncFolder(folder);
    this.#sizeBytes += bytes.length;
  }
}

/**
 * Where the lines of an object under construction wait for its put: a file that has no name any more
 * as soon as it is open, so that whatever ends the process leaves nothing behind but, at worst, the
 * name of an empty file, which the next process removes. Nothing is synced: after a crash the merge
 * begins anew.
 */
import assert from "node:assert";
import { join } from "node:path";
import { giveBack, isStoreError, MiB, StoreError } from "#base";
import type { LineSpool } from "#segment";
import type { FileHandle, Files, Random } from "#world";

/** Written at a time. What is smaller in all never gets to the disk: most merges are. */
const heldBytesDefault: number = 4 * MiB;

const nameEnd = ".spool";

/** What is left on a disk is for the journal and for what is put: twice the largest object, and some. */
const freeBytesMin: number = 512 * MiB;

export interface SpoolFolderOptions {
  readonly files: Files;
  readonly random: Random;
  /** Absolute path; made when missing. Nothing else may be in it. */
  readonly folder: string;
  /** Told once per spool whose file fails (what comes then stays in memory), and when clearing does. */
  readonly failed: (error: unknown) => void;
  /** In memory before anything is written; 4 MiB when omitted. */
  readonly heldBytes?: number;
}

export class SpoolFolder {
  readonly #options: SpoolFolderOptions;
  #isCleared = false;
  #count = 0;

  constructor(options: SpoolFolderOptions) {
    this.#options = options;
  }

  /** Touches the disk only when there is something to write. To be closed when the put is over. */
  open(): Spool {
    const { failed, heldBytes = heldBytesDefault } = this.#options;
    return new Spool({ openFile: () => this.#openFile(), failed, heldBytes });
  }

  /**
   * Removes what a crashed process left, the first time. A file that another process has open lives on
   * without its name.
   */
  async clear(): Promise<void> {
    if (this.#isCleared) return;
    this.#isCleared = true;
    const { files, folder, failed } = this.#options;
    try {
      for (const { name } of await files.list(folder)) {
        if (name.endsWith(nameEnd)) await files.remove(join(folder, name));
      }
    } catch (error) {
      if (!isStoreError(error, "missing")) failed(error);
    }
  }

  async #openFile(): Promise<FileHandle> {
    const { files, folder, random } = this.#options;
    await files.makeFolder(folder);
    const freeBytes = await files.freeBytes(folder);
    if (freeBytes < freeBytesMin) {
      throw new StoreError("full", `${folder}: ${freeBytes} bytes free, ${freeBytesMin} wanted`);
    }
    const name = `${random.bytes(8).toString("hex")}-${this.#count++}${nameEnd}`;
    const path = join(folder, name);
    const file = await files.open(path, { create: true, exclusive: true });
    try {
      await files.remove(path);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** One object's lines: at first in memory, then in a file, and in memory again if that fails. */
export class Spool implements LineSpool, AsyncDisposable {
  readonly #openFile: () => Promise<FileHandle>;
  readonly #failed: (error: unknown) => void;
  readonly #heldBytesMax: number;
  #file: FileHandle | undefined;
  #isBroken = false;
  #fileBytes = 0;
  /** Behind what the file has. */
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(options: {
    readonly openFile: () => Promise<FileHandle>;
    readonly failed: (error: unknown) => void;
    readonly heldBytes: number;
  }) {
    this.#openFile = options.openFile;
    this.#failed = options.failed;
    this.#heldBytesMax = options.heldBytes;
  }

  get sizeBytes(): number {
    return this.#fileBytes + this.#heldBytes;
  }

  async append(bytes: Buffer): Promise<void> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= this.#heldBytesMax || this.#isBroken) return;
    try {
      this.#file ??= await this.#openFile();
      await this.#file.write(this.#held, this.#fileBytes);
    } catch (error) {
      this.#isBroken = true;
      this.#failed(error);
      return;
    }
    this.#fileBytes += this.#heldBytes;
    for (const bytes of this.#held) giveBack(bytes, 0);
    this.#held = [];
    this.#heldBytes = 0;
  }

  async read({ from, to }: { readonly from: number; readonly to: number }): Promise<Buffer> {
    const fileTo = Math.min(to, this.#fileBytes);
    const ofFile = from < fileTo ? await this.#readFile(from, fileTo) : undefined;
    if (ofFile !== undefined && fileTo === to) return ofFile;
    const target = Buffer.allocUnsafeSlow(to - from);
    if (ofFile !== undefined) target.set(ofFile);
    let at = this.#fileBytes;
    for (const bytes of this.#held) {
      const start = Math.max(0, from - at);
      if (at + start < to && start < bytes.length) {
        target.set(bytes.subarray(start, to - at), at + start - from);
      }
      at += bytes.length;
    }
    return target;
  }

  async #readFile(from: number, to: number): Promise<Buffer> {
    assert(this.#file !== undefined, "the spool is closed");
    const bytes = await this.#file.read({ from, to });
    if (bytes.length === to - from) return bytes;
    const what = `${to - from} bytes expected at ${from}, ${bytes.length} there`;
    throw new StoreError("unavailable", `lines of a merge that wait on disk: ${what}`);
  }

  async close(): Promise<void> {
    this.#held = [];
    await this.#file?.close();
    this.#file = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * The writing end of a journal folder: the file under way, rotation, and what happens when the disk
 * fails. Not safe for concurrent calls; the queue in local-journal.ts makes them one by one.
 *
 * A failed write is cut off again and the file goes on, if the cut can be made durable. A failed
 * sync says nothing about which pages reached the disk, and a second sync would not write them
 * again, so the file is given up. Its rejected records are cut, and superseded by the header of a
 * new file that begins with their numbers.
 */
import { messageOf, StoreError } from "#base";
import type { Clock, FileHandle, Files, Random } from "#world";
import {
  encodeFileStart,
  encodeRecordHeader,
  recordAlignmentBytes,
  recordHeaderBytes,
  recordSizeBytes,
  recordsOffset,
} from "./journal-format.ts";
import { type JournalFile, journalFilePath } from "./journal-folder.ts";

export interface RecordToWrite {
  readonly parts: readonly Uint8Array[];
  readonly bodyBytes: number;
  readonly bodyCrc: number;
}

export interface FileWriterOptions {
  readonly files: Files;
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly fileBytesMax: number;
  readonly nextFileNumber: number;
  readonly lastSequence: number;
  /** Called once for each new file, durable with its header. */
  readonly onFile: (file: JournalFile) => void;
}

const padding = Buffer.alloc(recordAlignmentBytes);

interface ActiveFile {
  readonly handle: FileHandle;
  readonly file: JournalFile;
}

export class FileWriter {
  readonly #options: FileWriterOptions;
  readonly #runId: bigint;
  #active: ActiveFile | undefined;
  #nextFileNumber: number;
  /** Rejected records may still be on disk and come back until a new file supersedes them. */
  #hasRejectedOnDisk = false;
  lastSequence: number;

  constructor(options: FileWriterOptions) {
    this.#options = options;
    this.#runId = options.random.bytes(8).readBigUInt64LE();
    this.#nextFileNumber = options.nextFileNumber;
    this.lastSequence = options.lastSequence;
  }

  /** Writes and syncs; all or none of the records are in the journal afterwards. */
  async commit(records: readonly RecordToWrite[]): Promise<void> {
    let sizeBytes = 0;
    for (const record of records) sizeBytes += recordSizeBytes(record.bodyBytes);
    const { handle, file } = await this.#fileFor(sizeBytes);
    const parts = this.#encode(records, file.header.salt);
    try {
      await handle.write(parts, file.sizeBytes);
    } catch (error) {
      await this.#cutOff(handle, file);
      throw error;
    }
    try {
      await handle.sync();
    } catch (error) {
      await this.#giveUp(handle, file);
      throw error;
    }
    file.sizeBytes += sizeBytes;
    this.lastSequence += records.length;
  }

  /** Not while `commit` runs. */
  async endFile(): Promise<void> {
    const active = this.#active;
    if (active === undefined || active.file.sizeBytes > recordsOffset) await this.#makeFile();
  }

  async close(): Promise<void> {
    if (this.#hasRejectedOnDisk) await this.#makeFile().catch(() => undefined);
    await this.#closeActive();
  }

  #encode(records: readonly RecordToWrite[], salt: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    const durableSequence = this.lastSequence;
    let sequence = durableSequence;
    for (const { parts: bodyParts, bodyBytes, bodyCrc } of records) {
      sequence++;
      parts.push(encodeRecordHeader({ sequence, durableSequence, bodyBytes, bodyCrc }, salt));
      parts.push(...bodyParts);
      const paddingBytes = recordSizeBytes(bodyBytes) - recordHeaderBytes - bodyBytes;
      if (paddingBytes > 0) parts.push(padding.subarray(0, paddingBytes));
    }
    return parts;
  }

  async #fileFor(sizeBytes: number): Promise<ActiveFile> {
    const active = this.#active;
    if (active !== undefined) {
      const usedBytes = active.file.sizeBytes;
      const fits = usedBytes + sizeBytes <= this.#options.fileBytesMax;
      if (fits || usedBytes === recordsOffset) return active;
    }
    return this.#makeFile();
  }

  /** Makes the next file, which ends the one under way: its later numbers count no more. */
  async #makeFile(): Promise<ActiveFile> {
    await this.#closeActive();
    const { files, folder, clock, random } = this.#options;
    const fileNumber = this.#nextFileNumber++;
    const path = journalFilePath(folder, fileNumber);
    const header = {
      fileNumber,
      firstSequence: this.lastSequence + 1,
      followsSequence: this.lastSequence,
      runId: this.#runId,
      createdNs: clock.nowNs(),
      salt: random.bytes(4).readUInt32LE(),
    };
    let handle: FileHandle | undefined;
    try {
      handle = await files.open(path, { create: true, exclusive: true });
      await handle.write([encodeFileStart(header)], 0);
      await handle.sync();
      await files.syncFolder(folder);
    } catch (error) {
      // What stays behind holds no record, and the next file begins with the same number.
      await handle?.close().catch(() => undefined);
      await files.remove(path).catch(() => undefined);
      throw error;
    }
    const file: JournalFile = { path, header, sizeBytes: recordsOffset };
    this.#active = { handle, file };
    this.#hasRejectedOnDisk = false;
    this.#options.onFile(file);
    return this.#active;
  }

  /** After a failed write: removes what was written of it, for good. */
  async #cutOff(handle: FileHandle, file: JournalFile): Promise<void> {
    try {
      await handle.truncate(file.sizeBytes);
      await handle.sync();
    } catch {
      await this.#giveUp(handle, file);
    }
  }

  /** After a failed sync. The caller rejects the records with the first failure, not with ours. */
  async #giveUp(handle: FileHandle, file: JournalFile): Promise<void> {
    this.#hasRejectedOnDisk = true;
    try {
      await handle.truncate(file.sizeBytes);
      await handle.sync();
    } catch {
      // The new file supersedes what could not be cut.
    }
    await this.#makeFile().catch(() => undefined);
  }

  async #closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    // All of its records are synced: a failure to close loses nothing.
    await active?.handle.close().catch(() => undefined);
  }
}

/** The failure as the contract of Journal names it. */
export function appendError(folder: string, error: unknown): StoreError {
  const kind = error instanceof StoreError && error.kind === "full" ? "full" : "unavailable";
  return new StoreError(kind, `journal ${folder}: ${messageOf(error)}`, { cause: error });
}

/**
 * A journal in local files: group commit, rotation, replay. Layout: docs/formats/journal.md.
 *
 * One batch is written and synced at a time; all appends that arrive meanwhile form the next.
 * A journal that was opened anew never writes into an old file.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { countRefused, MiB, StoreError, watchQueue, type QueueFigures } from "#base";
import { type Clock, type Files, makeDurableFolder, type Random } from "#world";
import { appendError, FileWriter, type RecordToWrite } from "./file-writer.ts";
import { damageKind, DamageList } from "./journal-damage.ts";
import { recordSizeBytes, recordsOffset } from "./journal-format.ts";
import { type JournalFile, readJournalFolder } from "./journal-folder.ts";
import type { Journal, JournalDamage, JournalRecord } from "./journal.ts";
import { journalIdentity } from "./journal-identity.ts";
import { emptySummary, replayFiles, reportFound, scanJournalFile } from "./replay-files.ts";
import type { ScannedDamage } from "./scan-file.ts";

/** No push is as large; it bounds what one record can take in memory at replay. */
export const recordBytesMax: number = 512 * MiB;

/** Large enough that a rotation is rare, small enough that truncation frees space soon. */
const fileBytesMaxDefault: number = 64 * MiB;

/** What may wait for its sync: a second or so of a slow disk; beyond, clients must back off. */
const queuedBytesMaxDefault: number = 64 * MiB;

/** One write and sync; longer ones would only add to the waiting time of the first in it. */
const batchBytesMax: number = 16 * MiB;

export interface LocalJournalOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute path, made when missing. Locked: `denied` when another process has it open. */
  readonly folder: string;
  /** A file larger than this holds one record only. Default 64 MiB. */
  readonly fileBytesMax?: number;
  /** Appends beyond this many bytes not yet durable reject with `unavailable`. Default 64 MiB. */
  readonly queuedBytesMax?: number;
  /** Called after each batch, for metrics. */
  readonly onCommit?: (commit: JournalCommit) => void;
}

export interface JournalCommit {
  readonly recordCount: number;
  readonly bytes: number;
  /** Write and sync together. */
  readonly durationMs: number;
}

/** Opens, repairs the last file after a crash, and reports damage; see `Journal.damage`. */
export async function openLocalJournal(options: LocalJournalOptions): Promise<Journal> {
  const { files, folder } = options;
  await makeDurableFolder(files, folder);
  const lock = await files.lock(join(folder, "lock"));
  try {
    const damage = new DamageList();
    const found = await readJournalFolder(files, folder, damage);
    const last = found.kept.at(-1);
    const repaired = last === undefined ? 0 : await repairLastFile(files, last, damage);
    const lastSequence = repaired + found.unreadableSequences;
    const { kept, nextFileNumber } = found;
    const id = await journalIdentity({ ...options, isNew: kept.length === 0 });
    return new LocalJournal(options, { id, lock, damage, kept, nextFileNumber, lastSequence });
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** Cuts a tail that a crash tore and returns the newest record's number. */
async function repairLastFile(
  files: Files,
  file: JournalFile,
  damage: DamageList,
): Promise<number> {
  const summary = emptySummary();
  const found: ScannedDamage[] = [];
  await using handle = await files.open(file.path, { create: false, exclusive: false });
  for await (const part of scanJournalFile(handle, file, summary)) found.push(...part.damage);
  reportFound({ file, summary, found }, undefined, damage);
  const beforeSequence = file.header.firstSequence - 1;
  const lastWhole = Math.max(beforeSequence, summary.lastWholeSequence, summary.durableSequence);
  const tail = found.find((item) => item.offset >= summary.endOffset);
  if (tail === undefined) return lastWhole;
  // The numbers of records that were acknowledged and are lost must not be given again.
  const isLost = damageKind(tail, summary.durableSequence) === "corrupt";
  if (isLost) return Math.max(lastWhole, summary.lastSequence);
  await handle.truncate(summary.endOffset);
  await handle.sync();
  file.sizeBytes = summary.endOffset;
  return lastWhole;
}

interface QueuedRecord extends RecordToWrite {
  readonly apply: (sequence: number) => void;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: unknown) => void;
}

interface OpenedFolder {
  readonly id: string;
  readonly lock: AsyncDisposable;
  readonly damage: DamageList;
  readonly kept: JournalFile[];
  readonly nextFileNumber: number;
  readonly lastSequence: number;
}

class LocalJournal implements Journal {
  readonly id: string;
  readonly #options: LocalJournalOptions;
  readonly #lock: AsyncDisposable;
  readonly #damage: DamageList;
  readonly #kept: JournalFile[];
  readonly #writer: FileWriter;
  readonly #queuedBytesMax: number;
  readonly #batchBytesMax: number;
  #queue: QueuedRecord[] = [];
  #queuedBytes = 0;
  #committing: Promise<void> | undefined;
  #truncating: Promise<void> = Promise.resolve();
  /** Set while somebody waits for the file under way to end. */
  #ending: PromiseWithResolvers<void> | undefined;
  #hasAppended = false;
  #closing: Promise<void> | undefined;

  constructor(options: LocalJournalOptions, opened: OpenedFolder) {
    this.id = opened.id;
    this.#options = options;
    this.#lock = opened.lock;
    this.#damage = opened.damage;
    this.#kept = opened.kept;
    const fileBytesMax = options.fileBytesMax ?? fileBytesMaxDefault;
    this.#queuedBytesMax = options.queuedBytesMax ?? queuedBytesMaxDefault;
    this.#batchBytesMax = Math.min(batchBytesMax, Math.max(0, fileBytesMax - recordsOffset));
    this.#writer = new FileWriter({
      files: options.files,
      folder: options.folder,
      clock: options.clock,
      random: options.random,
      fileBytesMax,
      nextFileNumber: opened.nextFileNumber,
      lastSequence: opened.lastSequence,
      onFile: (file) => this.#kept.push(file),
    });
    watchQueue("journal_records", this, (one) => one.#waitingFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.#queue.length, bytes: this.#queuedBytes };
  }

  get damage(): readonly JournalDamage[] {
    return this.#damage.items;
  }

  get lastSequence(): number {
    return this.#writer.lastSequence;
  }

  get firstSequence(): number {
    const first = this.#kept[0]?.header.firstSequence ?? Number.POSITIVE_INFINITY;
    return Math.min(first, this.lastSequence + 1);
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const file of this.#kept) sum += file.sizeBytes;
    return sum;
  }

  append(parts: readonly Uint8Array[], apply: (sequence: number) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      const { folder } = this.#options;
      if (this.#closing !== undefined) {
        reject(new StoreError("closed", `journal ${folder}: closed`));
        return;
      }
      let bodyBytes = 0;
      let bodyCrc = 0;
      for (const part of parts) {
        bodyBytes += part.length;
        bodyCrc = crc32(part, bodyCrc);
      }
      assert(bodyBytes <= recordBytesMax, `record of ${bodyBytes} bytes`);
      const sizeBytes = recordSizeBytes(bodyBytes);
      if (this.#queuedBytes > 0 && this.#queuedBytes + sizeBytes > this.#queuedBytesMax) {
        countRefused("journal_records");
        const state = `${this.#queuedBytes} of at most ${this.#queuedBytesMax} bytes wait`;
        reject(new StoreError("unavailable", `journal ${folder}: ${state} for the disk`));
        return;
      }
      this.#hasAppended = true;
      this.#queuedBytes += sizeBytes;
      this.#queue.push({ parts, bodyBytes, bodyCrc, apply, resolve, reject });
      this.#committing ??= this.#commitQueue();
    });
  }

  replay(fromSequence: number): AsyncIterable<JournalRecord> {
    assert(!this.#hasAppended, "replay comes before the first append");
    // The caller has seen numbers that the journal lost: they must not be given again.
    this.#writer.lastSequence = Math.max(this.#writer.lastSequence, fromSequence - 1);
    const kept = [...this.#kept];
    return replayFiles({ files: this.#options.files, kept, fromSequence, damage: this.#damage });
  }

  truncate(beforeSequence: number): Promise<void> {
    const truncating = this.#truncating.then(() => this.#removeFiles(beforeSequence));
    this.#truncating = truncating.catch(() => undefined);
    return truncating;
  }

  endFile(): Promise<void> {
    const { folder } = this.#options;
    if (this.#closing !== undefined) {
      return Promise.reject(new StoreError("closed", `journal ${folder}: closed`));
    }
    this.#hasAppended = true;
    this.#ending ??= Promise.withResolvers();
    const { promise } = this.#ending;
    this.#committing ??= this.#commitQueue();
    return promise;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #commitQueue(): Promise<void> {
    await runnableCallers();
    while (this.#queue.length > 0 || this.#ending !== undefined) {
      await this.#endFileIfAsked();
      if (this.#queue.length === 0) continue;
      const batch = this.#takeBatch();
      await this.#commitBatch(batch);
      // Callers that append again at once shall be in the next batch together.
      await runnableCallers();
    }
    this.#committing = undefined;
  }

  async #endFileIfAsked(): Promise<void> {
    const ending = this.#ending;
    if (ending === undefined) return;
    this.#ending = undefined;
    try {
      await this.#writer.endFile();
      ending.resolve();
    } catch (error) {
      ending.reject(appendError(this.#options.folder, error));
    }
  }

  #takeBatch(): QueuedRecord[] {
    let bytes = 0;
    let count = 0;
    for (const record of this.#queue) {
      bytes += recordSizeBytes(record.bodyBytes);
      if (count > 0 && bytes > this.#batchBytesMax) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #commitBatch(batch: readonly QueuedRecord[]): Promise<void> {
    const { clock, folder, onCommit } = this.#options;
    let bytes = 0;
    for (const record of batch) bytes += recordSizeBytes(record.bodyBytes);
    const startMs = clock.monotonicMs();
    let sequence = this.lastSequence;
    try {
      await this.#writer.commit(batch);
    } catch (error) {
      const failure = appendError(folder, error);
      for (const record of batch) record.reject(failure);
      return;
    } finally {
      this.#queuedBytes -= bytes;
    }
    const durationMs = clock.monotonicMs() - startMs;
    for (const record of batch) applyRecord(record, ++sequence);
    onCommit?.({ recordCount: batch.length, bytes, durationMs });
  }

  /** The last file stays: its header and records carry the numbers over a restart. */
  async #removeFiles(beforeSequence: number): Promise<void> {
    const { files, folder } = this.#options;
    while (this.#kept.length > 1 && this.#kept[1]!.header.firstSequence <= beforeSequence) {
      const first = this.#kept[0]!;
      await files.remove(first.path);
      this.#kept.shift();
      // One by one, so that a crash cannot leave a gap between files.
      await files.syncFolder(folder);
    }
  }

  async #close(): Promise<void> {
    // Appends of this turn were accepted; from the next line on they are rejected.
    await runnableCallers();
    await this.#committing;
    await this.#truncating;
    await this.#writer.close();
    await this.#lock[Symbol.asyncDispose]();
  }
}

function applyRecord(record: QueuedRecord, sequence: number): void {
  try {
    record.apply(sequence);
  } catch (error) {
    // The record is durable all the same; only its own caller is told of the bug.
    record.reject(error);
    return;
  }
  record.resolve(sequence);
}

/** Resolves when everything that is ready to run in this turn of the event loop has run. */
function runnableCallers(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

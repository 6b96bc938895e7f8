/**
 * An export into a file that can be interrupted. Beside `FILE` lies `FILE.resume` while it is not
 * complete: what was asked, how much of the file counts, and where to go on. It is replaced by a
 * rename after the bytes it counts are on disk, so it never counts what is not there.
 */
import { dirname } from "node:path";
import { isStoreError } from "#base";
import type { FileHandle, Files } from "#world";
import { objectOf } from "./answers.ts";
import { usageError } from "./cli-error.ts";
import { exportStart, type ExportPlace } from "./export-pages.ts";

/** Everything that decides what is in the file, as text for comparison. */
export type ExportQuestion = Readonly<Record<string, string>>;

export interface ExportState {
  readonly question: ExportQuestion;
  /** Decimal ns: `now` of the first run stays the end of all. */
  readonly fromNs: string;
  readonly toNs: string;
  readonly sizeBytes: number;
  readonly entryCount: number;
  readonly next: ExportPlace;
}

export class ExportFile implements AsyncDisposable {
  readonly #files: Files;
  readonly #path: string;
  readonly #file: FileHandle;
  #state: ExportState;

  private constructor(files: Files, path: string, open: { file: FileHandle; state: ExportState }) {
    this.#files = files;
    this.#path = path;
    this.#file = open.file;
    this.#state = open.state;
  }

  /** A new file, or the one that an equal export began. Throws a usage error for any other. */
  static async open(
    files: Files,
    path: string,
    asked: { question: ExportQuestion; fromNs: bigint; toNs: bigint; overwrite: boolean },
  ): Promise<ExportFile> {
    const before = asked.overwrite ? undefined : await readState(files, path);
    if (before !== undefined) checkSame(before.question, asked.question, path);
    else if (!asked.overwrite && (await exists(files, path))) {
      throw usageError(`${path} is there already`, "Replace it with --overwrite.");
    }
    const file = await files.open(path, { create: true, exclusive: false });
    try {
      const state = before ?? {
        question: asked.question,
        fromNs: String(asked.fromNs),
        toNs: String(asked.toNs),
        sizeBytes: 0,
        entryCount: 0,
        next: exportStart,
      };
      // Bytes behind what counts are of a page whose place was not written down.
      await file.truncate(state.sizeBytes);
      const opened = new ExportFile(files, path, { file, state });
      // So that what fails before the first page can be run again, too.
      await opened.#writeState();
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get state(): ExportState {
    return this.#state;
  }

  /** Durable when it returns. `next` undefined: the file is complete. */
  async append(
    text: string,
    { entryCount, next }: { entryCount: number; next: ExportPlace | undefined },
  ): Promise<void> {
    const bytes = Buffer.from(text);
    await this.#file.write([bytes], this.#state.sizeBytes);
    await this.#file.sync();
    this.#state = {
      ...this.#state,
      sizeBytes: this.#state.sizeBytes + bytes.length,
      entryCount: this.#state.entryCount + entryCount,
      next: next ?? this.#state.next,
    };
    if (next === undefined) await this.#files.remove(statePath(this.#path));
    else await this.#writeState();
    await this.#files.syncFolder(dirname(this.#path));
  }

  async #writeState(): Promise<void> {
    const path = statePath(this.#path);
    const fresh = `${path}.tmp`;
    await this.#files.remove(fresh);
    {
      await using file = await this.#files.open(fresh, { create: true, exclusive: true });
      await file.write([Buffer.from(`${JSON.stringify(this.#state)}\n`)], 0);
      await file.sync();
    }
    await this.#files.rename(fresh, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

export function statePath(path: string): string {
  return `${path}.resume`;
}

async function exists(files: Files, path: string): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (error) {
    if (isStoreError(error, "missing")) return false;
    throw error;
  }
}

async function readState(files: Files, path: string): Promise<ExportState | undefined> {
  const from = statePath(path);
  if (!(await exists(files, from))) return undefined;
  const text = (await files.read(from)).toString("utf8");
  try {
    const state = objectOf(JSON.parse(text), from) as unknown as ExportState;
    objectOf(state.question, "question");
    objectOf(state.next, "next");
    BigInt(state.fromNs);
    BigInt(state.toNs);
    if (Number.isSafeInteger(state.sizeBytes) && state.sizeBytes >= 0) return state;
  } catch {
    // Told below, with the way out.
  }
  throw usageError(`${from} is not the state of an export`, "Start anew with --overwrite.");
}

function checkSame(before: ExportQuestion, now: ExportQuestion, path: string): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const other = names.find((name) => before[name] !== now[name]);
  if (other === undefined) return;
  const was = before[other] === undefined ? "not given" : JSON.stringify(before[other]);
  throw usageError(
    `${path} was begun by another export: ${other} was ${was}`,
    "Go on with the same command line, start anew with --overwrite, or name another file.",
  );
}

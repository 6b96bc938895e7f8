/**
 * What a journal's folder holds at open: numbered files, the lock, and files set aside because
 * their header cannot be read.
 */
import { join } from "node:path";
import { StoreError } from "#base";
import type { Files } from "#world";
import type { DamageList } from "./journal-damage.ts";
import {
  decodeFileStart,
  type FileHeader,
  fileHeaderBytes,
  recordHeaderBytes,
  recordsOffset,
  secondHeaderOffset,
} from "./journal-format.ts";

export interface JournalFile {
  readonly path: string;
  readonly header: FileHeader;
  sizeBytes: number;
}

export interface JournalFolder {
  /** In order of their numbers. */
  readonly kept: JournalFile[];
  readonly nextFileNumber: number;
  /** How many records the unreadable files after the last kept one may hold, at most. */
  readonly unreadableSequences: number;
}

const fileNumberDigits = 10;
const namePattern = /^(\d{10})\.journal(\.unreadable)?$/;

export function journalFilePath(folder: string, fileNumber: number): string {
  return join(folder, `${String(fileNumber).padStart(fileNumberDigits, "0")}.journal`);
}

/**
 * Reads all file headers. A file that a crash left before its header was durable is removed: it
 * never held an acknowledged record. Any other file without a readable header is reported and
 * renamed to `….unreadable`. Rejects with `corrupt` for files of a newer format, untouched.
 */
export async function readJournalFolder(
  files: Files,
  folder: string,
  damage: DamageList,
): Promise<JournalFolder> {
  const kept: JournalFile[] = [];
  let nextFileNumber = 1;
  let unreadableSequences = 0;
  for (const info of await files.list(folder)) {
    const match = namePattern.exec(info.name);
    if (match === null || info.isFolder) continue;
    const fileNumber = Number(match[1]);
    nextFileNumber = Math.max(nextFileNumber, fileNumber + 1);
    if (match[2] !== undefined) continue;
    const path = join(folder, info.name);
    const header = await readHeader(files, path, fileNumber);
    if (header !== undefined) {
      kept.push({ path, header, sizeBytes: info.sizeBytes });
      unreadableSequences = 0;
    } else if (info.sizeBytes <= recordsOffset) {
      await files.remove(path);
    } else {
      unreadableSequences += Math.ceil(info.sizeBytes / recordHeaderBytes);
      const reason = "neither copy of the file header can be read; set aside as .unreadable";
      damage.add({ file: path, offset: 0, bytes: info.sizeBytes, reason, kind: "corrupt" });
      await files.rename(path, `${path}.unreadable`);
    }
  }
  await files.syncFolder(folder);
  return { kept, nextFileNumber, unreadableSequences };
}

async function readHeader(
  files: Files,
  path: string,
  fileNumber: number,
): Promise<FileHeader | undefined> {
  const range = { from: 0, to: secondHeaderOffset + fileHeaderBytes };
  const header = decodeFileStart(await files.read(path, range));
  if (header === undefined) return undefined;
  if ("unknownVersion" in header) {
    const reason = `journal format ${header.unknownVersion} is newer than this program knows`;
    throw new StoreError("corrupt", `${path} at byte 8: ${reason}`);
  }
  // A copy under another name would bring its records twice.
  return header.fileNumber === fileNumber ? header : undefined;
}

import type { FileHandle, Files } from "#world";
import { damageKind, type DamageList, durableSequenceOf } from "./journal-damage.ts";
import { type FileHeader, recordsOffset } from "./journal-format.ts";
import type { JournalFile } from "./journal-folder.ts";
import type { JournalRecord } from "./journal.ts";
import { type ScannedDamage, scanFile, type ScanSummary } from "./scan-file.ts";

export function emptySummary(): ScanSummary {
  return {
    lastSequence: 0,
    lastWholeSequence: 0,
    durableSequence: 0,
    endOffset: recordsOffset,
  };
}

export interface ReplayOptions {
  readonly files: Files;
  readonly kept: readonly JournalFile[];
  readonly fromSequence: number;
  readonly damage: DamageList;
}

/** The records of all files in order, without what a later file supersedes. */
export async function* replayFiles(
  options: ReplayOptions,
): AsyncGenerator<JournalRecord, void, undefined> {
  const { kept, fromSequence, damage } = options;
  /** The newest record before the next file, where that is certain. */
  let previousSequence: number | undefined;
  for (const [index, file] of kept.entries()) {
    const next = kept[index + 1]?.header;
    if (next !== undefined && next.firstSequence <= fromSequence) continue;
    const { followsSequence } = file.header;
    if (previousSequence !== undefined && previousSequence < followsSequence) {
      const reason = `records ${previousSequence + 1} to ${followsSequence} are missing before it`;
      damage.add({ file: file.path, offset: 0, bytes: 0, reason, kind: "corrupt" });
    }
    const summary = emptySummary();
    const found: ScannedDamage[] = [];
    const toSequence = next?.firstSequence ?? Number.POSITIVE_INFINITY;
    yield* replayFile(options, { file, summary, found, toSequence });
    reportFound({ file, summary, found }, next, damage);
    const lastSequence = Math.max(summary.lastSequence, file.header.firstSequence - 1);
    previousSequence = found.length === 0 ? lastSequence : undefined;
  }
}

interface FileReplay {
  readonly file: JournalFile;
  readonly summary: ScanSummary;
  readonly found: ScannedDamage[];
  /** Records from here on belong to the next file. */
  readonly toSequence: number;
}

async function* replayFile(
  options: ReplayOptions,
  replay: FileReplay,
): AsyncGenerator<JournalRecord, void, undefined> {
  const { file, summary, found, toSequence } = replay;
  await using handle = await options.files.open(file.path, { create: false, exclusive: false });
  for await (const part of scanJournalFile(handle, file, summary)) {
    found.push(...part.damage);
    for (const record of part.records) {
      if (record.sequence >= options.fromSequence && record.sequence < toSequence) yield record;
    }
  }
}

export function scanJournalFile(
  handle: FileHandle,
  file: JournalFile,
  summary: ScanSummary,
): ReturnType<typeof scanFile> {
  return scanFile(handle, {
    from: recordsOffset,
    to: Math.max(recordsOffset, file.sizeBytes),
    salt: file.header.salt,
    afterSequence: file.header.firstSequence - 1,
    summary,
  });
}

/** Adds the damage of one file that was read to its end. */
export function reportFound(
  scanned: {
    readonly file: JournalFile;
    readonly summary: ScanSummary;
    readonly found: readonly ScannedDamage[];
  },
  next: FileHeader | undefined,
  damage: DamageList,
): void {
  const { file, summary, found } = scanned;
  const durableSequence = durableSequenceOf({ header: file.header, summary }, next);
  for (const item of found) {
    // All of it is superseded: records that were rejected when they were written.
    if (next !== undefined && item.afterSequence + 1 >= next.firstSequence) continue;
    damage.add({
      file: file.path,
      offset: item.offset,
      bytes: item.bytes,
      reason: item.reason,
      kind: damageKind(item, durableSequence),
    });
  }
}

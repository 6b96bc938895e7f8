/**
 * Records and damage of one journal file. The file is copied into memory and opened there as the
 * journal itself opens it, so that repairs (cutting a torn tail, setting files aside) touch only
 * the copy, a running process is not disturbed, and the format is read in one place.
 */
import { basename } from "node:path";
import { isStoreError, messageOf, StoreError } from "#base";
import { decodePushRecord } from "#ingest";
import { type Journal, type JournalRecord, openLocalJournal } from "#journal";
import { seededRandom, SimulatedDisk, systemClock } from "#world";

/** docs/formats/journal.md: what a file begins with, and where the header's second copy lies. */
const journalStart = Buffer.from("skaldjnl", "latin1");
const secondCopyOffset = 4096;

/** Records beyond this are counted and checked, not printed. */
const listedMax = 1000;

export interface InspectedJournal {
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

export function isJournalFile(bytes: Buffer): boolean {
  return [0, secondCopyOffset].some((at) =>
    bytes.subarray(at, at + journalStart.length).equals(journalStart),
  );
}

/** Never throws for what is wrong with the bytes. */
export async function inspectJournal(name: string, bytes: Buffer): Promise<InspectedJournal> {
  const lines = [`journal file ${name}`, `size ${bytes.length} bytes`];
  const problems: string[] = [];
  const report = (text: string): void => {
    problems.push(`${name}: ${text}`);
    lines.push(`CORRUPT ${text}`);
  };
  let journal: Journal;
  try {
    journal = await openCopy(name, bytes);
  } catch (error) {
    if (!isStoreError(error)) throw error;
    report(error.message);
    return { lines, problems };
  }
  let count = 0;
  let lastSequence = 0;
  for await (const record of journal.replay(0)) {
    count++;
    lastSequence = record.sequence;
    try {
      const text = describeRecord(record);
      if (count <= listedMax) lines.push(text);
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      report(`record ${record.sequence}: ${messageOf(error)}`);
    }
  }
  if (count > listedMax) lines.push(`… ${count - listedMax} more records, up to ${lastSequence}`);
  lines.push(`${count} whole records`);
  for (const { kind, offset, bytes: lost, reason } of journal.damage) {
    const text = `${lost} bytes at byte ${offset}: ${reason}`;
    if (kind === "corrupt") report(text);
    else lines.push(`torn tail (never acknowledged): ${text}`);
  }
  await journal.close();
  lines.push(problems.length === 0 ? "all checksums match" : `${problems.length} problems`);
  return { lines, problems };
}

async function openCopy(name: string, bytes: Buffer): Promise<Journal> {
  const folder = "/journal";
  const files = new SimulatedDisk();
  await files.makeFolder(folder);
  const fileName = basename(name).replace(/\.unreadable$/, "");
  if (!/^\d{10}\.journal$/.test(fileName)) {
    const expected = "expected the name it was written under, such as 0000000001.journal";
    throw new StoreError("corrupt", `cannot be read under this name: ${expected}`);
  }
  {
    const path = `${folder}/${fileName}`;
    await using file = await files.open(path, { create: true, exclusive: true });
    await file.write([bytes], 0);
  }
  return openLocalJournal({ files, folder, clock: systemClock, random: seededRandom(1) });
}

function describeRecord({ sequence, body }: JournalRecord): string {
  const { tenant, batch } = decodePushRecord(body);
  const { streams, rowCount } = batch;
  const what = `tenant ${tenant}, ${streams.length} streams, ${rowCount} entries`;
  return `record ${sequence}: ${body.length} bytes, ${what}`;
}

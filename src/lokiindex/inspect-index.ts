/** What is in Loki's index files and compactor databases, as text: what `skald inspect` prints. */
import { isStoreError, messageOf } from "#base";
import { isBoltFile } from "./bolt-file.ts";
import { readDeleteRequests } from "./delete-requests.ts";
import { readDeletionMarks } from "./deletion-marks.ts";
import { indexMagicNumber } from "./limits.ts";
import { openIndex, type TsdbIndex } from "./tsdb-index.ts";
import { verifyIndex, type VerifyOptions } from "./verify-index.ts";

export interface InspectedIndex {
  readonly lines: readonly string[];
  /** What is wrong; empty for a sound file. */
  readonly problems: readonly string[];
}

/** Series beyond this are counted and checked, not printed. */
const listedMax = 1000;

/** Whether unpacked bytes begin as an index file does. */
export function isLokiIndex(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === indexMagicNumber;
}

/** Whether unpacked bytes are a database of delete requests or of marks. */
export function isLokiDatabase(bytes: Buffer): boolean {
  return isBoltFile(bytes);
}

/** `bytes` are unpacked. Never throws for what is wrong with them. */
export function inspectIndex(
  name: string,
  bytes: Buffer,
  options: VerifyOptions = {},
): InspectedIndex {
  const lines = [`Loki index ${name}`, `size ${bytes.length} bytes`];
  const problems = verifyIndex(name, bytes, options);
  try {
    const index = openIndex(name, bytes);
    describe(index, lines);
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
  }
  for (const problem of problems) lines.push(`CORRUPT ${problem}`);
  if (problems.length === 0) lines.push("verified");
  return { lines, problems };
}

function describe(index: TsdbIndex, lines: string[]): void {
  const { version, seriesCount, minMs, maxMs, checksum, symbols } = index;
  lines.push(`version ${version}, ${seriesCount} series, ${symbols.count} symbols`);
  lines.push(`chunks from ${timeText(minMs)} to ${timeText(maxMs)}`);
  lines.push(`checksum of contents ${checksum.toString(16)}`);
  const tenants = index.tenants();
  const known = tenants.length === 0 ? [undefined] : tenants;
  let listed = 0;
  for (const tenant of known) {
    const refs = index.select({ matchers: [], tenant });
    if (tenant !== undefined) lines.push(`tenant ${tenant}, ${refs.length} series`);
    for (const { fingerprint, labels, chunks } of index.seriesChunks(refs)) {
      if (listed++ === listedMax) {
        lines.push(`… and ${seriesCount - listedMax} series more`);
        return;
      }
      const first = timeText(chunks[0]!.minMs);
      const last = timeText(Math.max(...chunks.map((chunk) => chunk.maxMs)));
      const entries = chunks.reduce((sum, chunk) => sum + chunk.entries, 0);
      const range = `${first} to ${last}`;
      const counts = `${chunks.length} chunks, ${entries} entries`;
      lines.push(`  ${fingerprint.toString(16)} ${labels.toString()} ${counts}, ${range}`);
    }
  }
}

function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** A bbolt database of delete requests or of marks. Never throws for what is wrong with it. */
export function inspectLokiDatabase(name: string, bytes: Buffer): InspectedIndex {
  const lines = [`Loki database ${name}`, `size ${bytes.length} bytes`];
  try {
    for (const request of readDeleteRequests(name, bytes)) {
      const { tenant, id, sequence, status, createdMs, startMs, endMs, query } = request;
      const range = `${timeText(startMs)} to ${timeText(endMs)}`;
      const title = `delete request ${tenant}:${id}:${sequence} ${status}`;
      lines.push(`${title}, made ${timeText(createdMs)}, ${range}, ${query}`);
    }
    for (const key of readDeletionMarks(name, bytes)) lines.push(`marked chunk ${key}`);
    return { lines, problems: [] };
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    const problem = messageOf(error);
    return { lines: [...lines, `CORRUPT ${problem}`], problems: [problem] };
  }
}

/** What is in a chunk object, as text: what `skald inspect` prints. */
import { isStoreError, nsPerMs } from "#base";
import type { ChunkBlockFacts, LokiChunk } from "./chunk.ts";
import { bodyMagic, layoutOf } from "./chunk-layout.ts";
import { openChunk } from "./open-chunk.ts";
import { verifyChunk } from "./verify-chunk.ts";

export interface InspectedChunk {
  readonly lines: readonly string[];
  /** What is wrong; empty for a sound chunk. */
  readonly problems: readonly string[];
}

/** Blocks beyond this are counted and checked, not printed. */
const listedMax = 1000;

/** Identifier of a snappy stream; a chunk begins with one after four bytes of length. */
const headerStart: Buffer = Buffer.from("ff060000734e61507059", "hex");

/** Whether the bytes begin as a chunk object does. */
export function isLokiChunk(bytes: Buffer): boolean {
  if (bytes.subarray(4, 4 + headerStart.length).equals(headerStart)) return true;
  // The beginning may be damaged; what else would have a body like this?
  try {
    const { bodyOffset } = layoutOf("", bytes);
    return bytes.readUInt32BE(bodyOffset) === bodyMagic;
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    return false;
  }
}

/**
 * Everything in a chunk object as text, every checksum verified. `name` is the file or key; a key of
 * a chunk is compared with the content. Never throws for what is wrong with the bytes.
 */
export function inspectChunk(name: string, bytes: Buffer, key: string = name): InspectedChunk {
  const lines = [`Loki chunk ${name}`, `size ${bytes.length} bytes`];
  try {
    lines.push(...describe(openChunk(name, bytes)));
  } catch (error) {
    // Told below, with whatever else is wrong.
    if (!isStoreError(error, "corrupt")) throw error;
  }
  const findings = verifyChunk(key, bytes);
  const problems = findings.map(({ offset, text }) => `${name} at byte ${offset}: ${text}`);
  lines.push(...findings.map(({ offset, text }) => `CORRUPT at byte ${offset}: ${text}`));
  lines.push(problems.length === 0 ? "all checksums match" : `${problems.length} problems`);
  return { lines, problems };
}

function describe(chunk: LokiChunk): string[] {
  const { header, version, codec, blocks, entryCount } = chunk;
  const [from, through] = [msText(header.fromMs), msText(header.throughMs)];
  const lines = [
    `tenant ${header.tenant}, fingerprint ${header.fingerprint.toString(16)}`,
    `labels ${header.labels.toString()}`,
    `from ${from} through ${through}`,
    `version ${version}, codec ${codec}, ${blocks.length} blocks, ${entryCount} entries`,
  ];
  if (header.ingestedAtMs !== 0) lines.push(`ingested ${msText(header.ingestedAtMs)}`);
  lines.push(...blocks.slice(0, listedMax).map(describeBlock));
  if (blocks.length > listedMax) lines.push(`… ${blocks.length - listedMax} more blocks`);
  if (version === 4) lines.push(`${chunk.symbols.count} symbols`);
  return lines;
}

function describeBlock(block: ChunkBlockFacts, index: number): string {
  const { entryCount, minNs, maxNs, offset, storedBytes, accountedBytes } = block;
  const where = `block ${index} at byte ${offset}: ${storedBytes} bytes of ${accountedBytes}`;
  return `${where}, ${entryCount} entries, ${nsText(minNs)} to ${nsText(maxNs)}`;
}

function nsText(ns: bigint): string {
  return msText(Number(ns / nsPerMs));
}

/** Times that no calendar has are printed as numbers. */
function msText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

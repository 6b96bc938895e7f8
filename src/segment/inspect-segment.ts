/**
 * Everything that is in a segment, as text, every checksum verified: what `skald inspect` prints.
 */
import { isStoreError, messageOf } from "#base";
import { dayStartNs } from "#model";
import type { Block } from "#storage";
import { ColumnKind } from "./block-builder.ts";
import { blockRefOf, columnsOf } from "./block-ref.ts";
import { corrupt } from "./byte-reader.ts";
import { unpackPartNow } from "./compression.ts";
import { decodeBlock, neededColumns, originOf } from "./decode-block.ts";
import { decodeFooter } from "./decode-footer.ts";
import { decodeFilter, filterColumnsOf } from "./filter-cache.ts";
import type { SectionFacts, SegmentFooter } from "./footer.ts";
import { segmentMagic, trailerBytes } from "./limits.ts";
import { storedPartOf } from "./stored-part.ts";
import { dayText } from "./segment-key.ts";

const everything = { lines: true, lengths: true, metadata: "all" } as const;

/** Streams and blocks beyond this are counted and checked, not printed. */
const listedMax = 1000;

export interface InspectedSegment {
  readonly lines: readonly string[];
  /** What is wrong; empty for a sound segment. */
  readonly problems: readonly string[];
}

/**
 * `name` is the file or key; the object is given whole. Never throws for what is wrong with the
 * bytes.
 */
export function inspectSegment(name: string, bytes: Buffer): InspectedSegment {
  const lines = [`segment ${name}`, `size ${bytes.length} bytes`];
  const problems: string[] = [];
  const attempt = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      problems.push(messageOf(error));
      lines.push(`CORRUPT ${messageOf(error)}`);
    }
  };
  attempt(() => {
    checkHeader(name, bytes);
  });
  attempt(() => {
    const footer = footerOf(name, bytes);
    lines.push(...describeFooter(footer));
    for (const section of footer.sections) {
      if (section.offset < footer.bodyBytes) attempt(() => checkSection(name, section, bytes));
    }
    for (let block = 0; block < footer.blocks.count; block++) {
      if (block < listedMax) lines.push(...describeBlock(footer, block));
      attempt(() => {
        const decoded = decodeWhole(footer, block, bytes);
        checkFilters(footer, block, bytes);
        if (block < listedMax) lines.push(`  verified ${decoded.rowCount} rows`);
      });
    }
  });
  lines.push(problems.length === 0 ? "all checksums match" : `${problems.length} problems`);
  return { lines, problems };
}

/** Sections of the footer were checked when it was decoded; this is for those before it. */
function checkSection(name: string, section: SectionFacts, bytes: Buffer): void {
  const { kind, offset, storedBytes } = section;
  const stored = bytes.subarray(offset, offset + storedBytes);
  unpackPartNow(stored, section, { key: name, offset, part: `section ${kind}` });
}

function checkHeader(name: string, bytes: Buffer): void {
  const magic = bytes.subarray(0, segmentMagic.length);
  if (magic.equals(segmentMagic)) return;
  const read = magic.toString("hex");
  throw corrupt(
    { key: name, offset: 0, part: "header" },
    `${segmentMagic.toString()} expected, ${read} read`,
  );
}

/**
 * Without the key, where the footer starts is found through the first entry of the section table.
 */
function footerOf(name: string, bytes: Buffer): SegmentFooter {
  const origin = { key: name, offset: Math.max(0, bytes.length - trailerBytes), part: "trailer" };
  if (bytes.length < trailerBytes) throw corrupt(origin, `object of ${bytes.length} bytes`);
  const tableAt = Number(bytes.readBigUInt64LE(bytes.length - trailerBytes));
  if (tableAt + 16 > bytes.length) throw corrupt(origin, `section table at ${tableAt}`);
  const bodyBytes = Number(bytes.readBigUInt64LE(tableAt + 8));
  if (bodyBytes > tableAt) throw corrupt(origin, `first section at ${bodyBytes}`);
  return decodeFooter({ name, bytes: bytes.subarray(bodyBytes), bodyBytes });
}

function decodeWhole(footer: SegmentFooter, block: number, bytes: Buffer): Block {
  const { runStarts, columns } = footer.blocks;
  const first = runStarts[block]!;
  const runs = Array.from({ length: runStarts[block + 1]! - first }, (_, i) => first + i);
  const ref = blockRefOf(footer, { block, runs });
  const raw = new Map<number, Buffer>();
  for (const column of neededColumns(ref, everything)) {
    const from = columns.offsets[column]!;
    const stored = bytes.subarray(from, from + columns.storedBytes[column]!);
    const part = storedPartOf(footer, column);
    raw.set(column, unpackPartNow(stored, part, originOf(footer, block, column)));
  }
  return decodeBlock(ref, raw, everything);
}

function checkFilters(footer: SegmentFooter, block: number, bytes: Buffer): void {
  const { offsets, storedBytes } = footer.blocks.columns;
  for (const column of filterColumnsOf(footer, block)) {
    const from = offsets[column]!;
    decodeFilter(footer, { block, column }, bytes.subarray(from, from + storedBytes[column]!));
  }
}

function describeFooter(footer: SegmentFooter): string[] {
  const { info, sections, symbols, streams } = footer;
  const lines = [
    `written by ${info.writer}, id ${info.id}`,
    `tenant ${info.tenant}, day ${dayText(info.day)}`,
    `${info.entryCount} entries, ${info.lineBytes} line bytes, ${info.streamCount} streams, ` +
      `${info.blockCount} blocks, ${symbols.count} symbols`,
  ];
  for (const { journalId, fromSequence, toSequence } of info.journal) {
    lines.push(`journal ${journalId}: sequences ${fromSequence} to ${toSequence - 1}`);
  }
  for (const id of info.replaces) lines.push(`replaces ${id}`);
  for (const { kind, offset, storedBytes, rawBytes, crc } of sections) {
    lines.push(`section ${kind} at ${offset}: ${storedBytes} of ${rawBytes} bytes, crc ${crc}`);
  }
  for (let stream = 0; stream < Math.min(streams.count, listedMax); stream++) {
    const fingerprint = streams.fingerprints[stream]!.toString(16).padStart(16, "0");
    lines.push(`stream ${stream} ${fingerprint} ${footer.labelsOf(stream).toString()}`);
  }
  if (streams.count > listedMax) lines.push(`… ${streams.count - listedMax} more streams`);
  return lines;
}

function describeBlock(footer: SegmentFooter, block: number): string[] {
  const { runStarts, runs, columns, columnStarts } = footer.blocks;
  const first = runStarts[block]!;
  const picked = Array.from({ length: runStarts[block + 1]! - first }, (_, i) => first + i);
  const { facts } = blockRefOf(footer, { block, runs: picked });
  const start = dayStartNs(footer.info.day);
  const flags = `${facts.isAscii ? " ascii" : ""}${facts.hasInnerNewline ? " inner-newlines" : ""}`;
  const lines = [
    `block ${block}: ${facts.entryCount} entries, ${facts.lineBytes} line bytes, ` +
      `${facts.minNs} to ${facts.maxNs}${flags}`,
  ];
  for (const [level, count] of facts.levelCounts) lines.push(`  level ${level}: ${count}`);
  for (const run of picked.slice(0, listedMax)) {
    const minNs = start + BigInt(runs.minOffsets[run]!);
    const times = `${minNs} to ${start + BigInt(runs.maxOffsets[run]!)}`;
    lines.push(`  stream ${runs.streams[run]}: ${runs.entryCounts[run]} entries, ${times}`);
  }
  const { metadata, fields } = columnsOf(footer, block);
  const names = new Map([...metadata, ...fields].map((one) => [one.column, one.name]));
  for (let i = columnStarts[block]!; i < columnStarts[block + 1]!; i++) {
    const what = kindText(columns.kinds[i]!, names.get(i));
    const sizes = `${columns.storedBytes[i]} of ${columns.rawBytes[i]} bytes`;
    lines.push(`  ${what} at ${columns.offsets[i]}: ${sizes}, crc ${columns.crcs[i]}`);
  }
  return lines;
}

function kindText(kind: number, name: string | undefined): string {
  if (kind === ColumnKind.timestamps) return "timestamps";
  if (kind === ColumnKind.lengths) return "lengths";
  if (kind === ColumnKind.lines) return "lines";
  if (kind === ColumnKind.metadata) return `metadata ${JSON.stringify(name)}`;
  if (kind === ColumnKind.jsonField) return `JSON field ${JSON.stringify(name)}`;
  if (kind === ColumnKind.logfmtField) return `logfmt field ${JSON.stringify(name)}`;
  if (kind === ColumnKind.trigrams) return "skip filter of trigrams";
  if (kind === ColumnKind.grams) return "skip filter of grams";
  if (kind === ColumnKind.values) return "skip filter of metadata values";
  return `unknown column kind ${kind}`;
}

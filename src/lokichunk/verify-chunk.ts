/**
 * A strict reading of a chunk object: everything that Loki demands of one, and nothing that it leaves
 * free (docs/formats/loki-chunk.md has both lists). Collects what is wrong and goes on where it can.
 */
import { isStoreError, messageOf } from "#base";
import type { ByteStrings } from "#columns";
import type { Labels } from "#model";
import { crc32c } from "./checksum.ts";
import type { ChunkFinding, ChunkRef, LokiChunk } from "./chunk.ts";
import { parseChunkKey } from "./chunk-key.ts";
import { type ChunkLayout, checkedSection, layoutOf } from "./chunk-layout.ts";
import { decompressNow } from "./compression.ts";
import { checksumText } from "./corrupt.ts";
import { metricName, metricNameLabel } from "./header-json.ts";
import { symbolRawBytesMax } from "./limits.ts";
import { metadataNameOf } from "./metadata-name.ts";
import { headerOf, headerTextOf, openChunk, symbolStream } from "./open-chunk.ts";
import { snappyContentFrames } from "./snappy-frames.ts";
import { verifyBlock } from "./verify-block.ts";

/** What the index says of the chunk, for comparison. */
export interface ExpectedChunk {
  readonly ref: ChunkRef;
  /** Of the series, without the tenant label. */
  readonly labels: Labels;
  readonly entryCount?: number;
  readonly kb?: number;
}

/** After so many the rest is not told. */
const findingsMax = 1000;

/**
 * Everything that Loki demands of a chunk object, checked strictly: [] for a sound one. `key` is the
 * logical key; when it is the name of something else, it is not compared. Never throws for what is
 * wrong with the bytes.
 */
export function verifyChunk(key: string, bytes: Buffer, expected?: ExpectedChunk): ChunkFinding[] {
  const findings: ChunkFinding[] = [];
  const report = (offset: number, text: string): void => {
    if (findings.length < findingsMax) findings.push({ key, offset, text });
  };
  const attempt = <Value>(task: () => Value): Value | undefined => {
    try {
      return task();
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      const { offset, text } = partsOf(key, messageOf(error));
      report(offset, text);
      return undefined;
    }
  };
  const ref = expected?.ref ?? parseChunkKey(key)?.ref;
  if (ref !== undefined) checkSum(bytes, ref.checksum, report);
  const layout = attempt(() => layoutOf(key, bytes));
  if (layout === undefined) return findings;
  attempt(() => checkHeader(key, bytes, layout, { ref, labels: expected?.labels, report }));
  attempt(() => checkSymbolStream(key, bytes, layout));
  const chunk = attempt(() => openChunk(key, bytes));
  if (chunk === undefined) return findings;
  const symbols = attempt(() => chunk.symbols);
  if (symbols !== undefined) checkBlocks(chunk, layout, { symbols, attempt, report });
  if (expected !== undefined) checkCounts(chunk, expected, symbols, report);
  return findings;
}

type Report = (offset: number, text: string) => void;

/** The message of `corrupt()` taken apart again. */
function partsOf(key: string, message: string): { offset: number; text: string } {
  const match = /^ at byte (\d+): (.*)$/s.exec(message.slice(key.length));
  if (match === null) return { offset: 0, text: message };
  return { offset: Number(match[1]), text: match[2]! };
}

function checkSum(bytes: Buffer, checksum: number, report: Report): void {
  const computed = crc32c(bytes);
  if (computed === checksum) return;
  const [expected, actual] = [checksumText(checksum), checksumText(computed)];
  report(0, `crc of the object ${expected} expected but computed ${actual}`);
}

interface HeaderCheck {
  readonly ref: ChunkRef | undefined;
  readonly labels: Labels | undefined;
  readonly report: Report;
}

function checkHeader(key: string, bytes: Buffer, layout: ChunkLayout, check: HeaderCheck): void {
  const { ref, labels, report } = check;
  const { offset, length } = layout.header;
  checkFraming(
    bytes.subarray(offset, offset + length),
    headerTextOf(key, bytes, layout),
    layout,
    report,
  );
  const { header, metricName: name } = headerOf(key, bytes, layout);
  if (name !== metricName) {
    report(offset, `the header's ${metricNameLabel} is ${name ?? "missing"}, not ${metricName}`);
  }
  if (header.fromMs > header.throughMs) {
    report(offset, `the header's through ${header.throughMs} is before from ${header.fromMs}`);
  }
  if (labels !== undefined && labels.key !== header.labels.key) {
    const [actual, wanted] = [header.labels.toString(), labels.toString()];
    report(offset, `the header has labels ${actual} but the index ${wanted}`);
  }
  if (ref === undefined) return;
  const pairs = [
    ["tenant", header.tenant, ref.tenant],
    ["fingerprint", header.fingerprint.toString(16), ref.fingerprint.toString(16)],
    ["from", header.fromMs, ref.fromMs],
    ["through", header.throughMs, ref.throughMs],
  ] as const;
  for (const [what, actual, wanted] of pairs) {
    if (actual !== wanted) report(offset, `the header's ${what} is ${actual}, not ${wanted}`);
  }
}

/** Loki stops reading frames where the JSON ends and then finds that metaLen says otherwise. */
function checkFraming(frames: Buffer, text: string, layout: ChunkLayout, report: Report): void {
  const jsonBytes = Buffer.byteLength(text.trimEnd());
  for (const { offset, rawFrom } of snappyContentFrames(frames)) {
    if (rawFrom < jsonBytes) continue;
    report(layout.header.offset + offset, "a snappy frame begins after the end of the JSON");
  }
}

/** Loki opens a gzip stream even when there are no symbols in it. */
function checkSymbolStream(key: string, bytes: Buffer, layout: ChunkLayout): void {
  const { symbols, codec } = layout;
  if (symbols === undefined) return;
  const content = checkedSection(bytes, symbols, { key, part: "symbols" });
  const { count, stream } = symbolStream(key, content, symbols);
  if (count > 0 || codec !== "gzip") return;
  const place = { key, offset: symbols.offset };
  const limits = { rawBytesMax: symbolRawBytesMax, rawBytesHint: 0 };
  decompressNow({ codec, bytes: stream, place, ...limits });
}

interface BlockCheck {
  readonly symbols: ByteStrings;
  readonly attempt: <Value>(task: () => Value) => Value | undefined;
  readonly report: Report;
}

function checkBlocks(chunk: LokiChunk, layout: ChunkLayout, check: BlockCheck): void {
  const { symbols, attempt, report } = check;
  const usable = new Uint8Array(symbols.count);
  for (let i = 0; i < symbols.count; i++) {
    const name = symbols.text(i);
    usable[i] = metadataNameOf(name) === name ? 1 : 0;
  }
  let end = layout.blocksOffset;
  for (const [index, block] of chunk.blocks.entries()) {
    if (block.offset !== block.contiguousOffset) {
      const expected = `not at ${block.contiguousOffset}, where the one before ends`;
      report(block.offset, `block ${index} is at ${block.offset}, ${expected}`);
    }
    end = block.contiguousOffset + block.storedBytes + 4;
    attempt(() => verifyBlock(chunk, index, { usable, report }));
  }
  const { table, symbols: symbolSection } = layout;
  if (end !== table.offset) {
    report(table.offset, `the block table is at ${table.offset}, but the blocks end at ${end}`);
  }
  if (symbolSection !== undefined && symbolSection.offset !== layout.bodyOffset + 6) {
    report(symbolSection.offset, "the symbols are not at byte 6 of the body");
  }
  const tailBytes = chunk.version === 4 ? 32 : 8;
  const tableEnd = table.offset + table.length + 4 + tailBytes;
  if (tableEnd !== chunk.bytes.length) {
    report(tableEnd, `${chunk.bytes.length - tableEnd} bytes between block table and tail`);
  }
}

function checkCounts(
  chunk: LokiChunk,
  expected: ExpectedChunk,
  symbols: ByteStrings | undefined,
  report: Report,
): void {
  const { entryCount, kb } = expected;
  if (entryCount !== undefined && entryCount !== chunk.entryCount) {
    report(0, `${chunk.entryCount} entries, but the index says ${entryCount}`);
  }
  if (kb === undefined || symbols === undefined) return;
  const accounted = chunk.blocks.reduce((sum, block) => sum + block.accountedBytes, 0);
  const actual = Math.floor((accounted + symbols.bytes.length) / 1024 + 0.5);
  if (actual !== kb) report(0, `${actual} KiB, but the index says ${kb}`);
}

import { nsPerMs } from "#base";
import type { LokiChunk } from "./chunk.ts";
import { decompressNow } from "./compression.ts";
import { streamOfBlock } from "./decode-block.ts";
import { recordTimeNs, type ScannedRows, scanRows } from "./scan-block.ts";

export interface BlockVerification {
  /** 1 by symbol that may be a name. */
  readonly usable: Uint8Array;
  report(offset: number, text: string): void;
}

/** Every record of one block against the table, the header and the symbols. StoreError `corrupt` for what cannot be read. */
export function verifyBlock(chunk: LokiChunk, index: number, check: BlockVerification): void {
  const facts = chunk.blocks[index]!;
  const stream = streamOfBlock(chunk, index);
  const raw = decompressNow(stream);
  const hasMetadata = chunk.version === 4;
  const scanned = scanRows(raw, facts.entryCount, { hasMetadata, place: stream.place });
  const report = (text: string): void =>
    check.report(stream.place.offset, `block ${index}: ${text}`);
  let accounted = 0;
  for (let row = 0; row < scanned.count; row++) accounted += scanned.lengths[row]!;
  if (hasMetadata) accounted += 8 * verifyPairs(raw, scanned, check.usable, report);
  if (chunk.version >= 3 && accounted !== facts.accountedBytes) {
    report(`counts ${facts.accountedBytes} bytes but has ${accounted}`);
  }
  verifyTimes(chunk, index, { raw, scanned, report });
}

interface TimesCheck {
  readonly raw: Buffer;
  readonly scanned: ScannedRows;
  readonly report: (text: string) => void;
}

function verifyTimes(chunk: LokiChunk, index: number, { raw, scanned, report }: TimesCheck): void {
  const { minNs, maxNs } = chunk.blocks[index]!;
  const { fromMs, throughMs } = chunk.header;
  if (scanned.count === 0) return;
  let [first, last] = [2n ** 63n, -(2n ** 63n)];
  let firstCounted = first;
  for (let row = 0; row < scanned.count; row++) {
    const ns = recordTimeNs(raw, scanned.recordFroms[row]!);
    if (ns < first) first = ns;
    if (ns > last) last = ns;
    if (ns < firstCounted && !isWeightless(raw, scanned, row)) firstCounted = ns;
  }
  // Loki's own writer takes the first entry with any bytes for the first one of a block.
  if (first < minNs && firstCounted < minNs) report(`begins at ${first}, before its ${minNs}`);
  if (last > maxNs) report(`ends at ${last}, after its ${maxNs}`);
  const isInside = firstCounted >= BigInt(fromMs) * nsPerMs || firstCounted === 2n ** 63n;
  if (!isInside) report(`begins at ${firstCounted}, before the chunk's ${fromMs} ms`);
  if (last > BigInt(throughMs) * nsPerMs) {
    report(`ends at ${last}, after the chunk's ${throughMs} ms`);
  }
}

/** An empty line without metadata. */
function isWeightless(raw: Buffer, { lengths, pairFroms }: ScannedRows, row: number): boolean {
  return lengths[row] === 0 && (pairFroms.length === 0 || raw[pairFroms[row]!] === 0);
}

/** Findings about pairs are told once per block and kind. Returns how many pairs there are. */
function verifyPairs(
  raw: Buffer,
  { count, pairFroms, pairTos }: ScannedRows,
  usable: Uint8Array,
  report: (text: string) => void,
): number {
  const told = new Set<string>();
  const tell = (kind: string, text: string): void => {
    if (!told.has(kind)) report(text);
    told.add(kind);
  };
  let pairs = 0;
  for (let row = 0; row < count; row++) {
    const to = pairTos[row]!;
    const numbers = numbersIn(raw, pairFroms[row]!, to);
    if (numbers === undefined || numbers.length !== 1 + numbers[0]! * 2) {
      tell("length", `the metadata of entry ${row} does not fill its length`);
      continue;
    }
    pairs += numbers[0]!;
    for (let i = 1; i < numbers.length; i++) {
      const id = numbers[i]!;
      if (id >= usable.length) {
        tell("range", `entry ${row} uses symbol ${id} of ${usable.length}`);
      } else if (i % 2 === 1 && usable[id] === 0) {
        tell("name", `entry ${row} has a name of metadata that is no label name, symbol ${id}`);
      }
    }
  }
  return pairs;
}

/** All varints in raw[from, to); undefined when the last one is cut off. */
function numbersIn(raw: Buffer, from: number, to: number): number[] | undefined {
  const numbers: number[] = [];
  let [value, scale] = [0, 1];
  for (let at = from; at < to; at++) {
    const byte = raw[at]!;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    numbers.push(value);
    [value, scale] = [0, 1];
  }
  return scale === 1 ? numbers : undefined;
}

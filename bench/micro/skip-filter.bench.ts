/**
 * What skip filters cost and what they rule out:
 *
 *     node bench/micro/skip-filter.bench.ts [FILE]
 *
 * FILE holds requests as the whole-process benchmark sends them (a u32 length, then a snappy block,
 * again and again); without it, blocks of five kinds of lines are made up. Per kind of needle: the
 * share of blocks that are left to read although the needle is in none of them, with trigrams alone
 * and with all filters.
 */
import { readFileSync } from "node:fs";
import zlib from "node:zlib";
import { MiB } from "#base";
import { SparseSet } from "#columns";
import { seededRandom } from "#world";
import { decompressSnappyBlock } from "../../src/codec/index.ts";
import { decodeProtobufPush } from "../../src/ingest/push-protobuf.ts";
import { packSkipColumns, scanBlock } from "../../src/segment/skip-columns.ts";
import { SkipScanner } from "../../src/segment/skip-scanner.ts";
import { type BlockFilters, SkipTest } from "../../src/segment/skip-test.ts";
import { TrigramSet } from "../../src/segment/trigram-set.ts";
import { unpackPartNow } from "../../src/segment/compression.ts";

const random = seededRandom(1);
const snappyLimits = { compressedBytesMax: 2 ** 30, rawBytesMax: 2 ** 30 };
const blockBytes = MiB;
/** As much of a stream as one fresh segment holds. */
const segmentBytes = 64 * MiB;

function pick(alphabet: string, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++)
    text += alphabet[Math.floor(random.fraction() * alphabet.length)];
  return text;
}
const hex = "0123456789abcdef";
const base62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const uuid = (): string => [8, 4, 4, 4, 12].map((length) => pick(hex, length)).join("-");
const octet = (): number => Math.floor(random.fraction() * 256);
const words = Array.from({ length: 3000 }, () => pick("etaoinshrdlucmfw", 2 + (octet() % 8)));
const word = (): string => words[Math.floor(random.fraction() ** 2 * words.length)]!;
const phrase = (count: number): string => Array.from({ length: count }, word).join(" ");

const kindsOfLines: Readonly<Record<string, () => string>> = {
  words: () => `${word()}: ${phrase(14)}`,
  "mixed-case ids": () => `session=${pick(base62, 22)} short=${pick(base62, 8)} ${phrase(6)}`,
  "hexadecimal ids": () => `trace=${pick(hex, 32)} span=${pick(hex, 16)} ${phrase(6)}`,
  uuids: () => `request ${uuid()} of user ${uuid()} ${phrase(5)}`,
  json: () =>
    `{"level":"info","msg":"${phrase(3)}","status":${200 + octet()},` +
    `"trace_id":"${pick(hex, 32)}",` +
    `"user":{"id":${pick("0123456789", 7)}},"ip":"10.${octet()}.${octet()}.${octet()}"}`,
};

const needles: Readonly<Record<string, () => string>> = {
  "word of 7": () => pick("etaoinshrdlu", 7),
  "two words": () => `${pick("etaoinshr", 5)} ${pick("etaoinshr", 6)}`,
  "mixed-case id of 8": () => pick(base62, 8),
  "mixed-case id of 22": () => pick(base62, 22),
  "hex id of 8": () => pick(hex, 8),
  "hex id of 12": () => pick(hex, 12),
  "hex id of 16": () => pick(hex, 16),
  "hex id of 32": () => pick(hex, 32),
  uuid,
  "IPv4 address": () => [octet(), octet(), octet(), octet()].join("."),
  "number of 7": () => pick("0123456789", 7),
  "number of 10": () => pick("0123456789", 10),
  "number of 19": () => pick("0123456789", 19),
};
const needlesPerKind = 40;

function madeUpBlocks(line: () => string): Buffer[] {
  return Array.from({ length: 8 }, () => {
    const lines: Buffer[] = [];
    for (let bytes = 0; bytes < blockBytes; bytes += lines.at(-1)!.length) {
      lines.push(Buffer.from(`${line()}\n`));
    }
    return Buffer.concat(lines);
  });
}

/** Lines of each stream, cut as the writer of fresh segments cuts them. */
function blocksOfFile(file: string): Buffer[] {
  const all = readFileSync(file);
  const blocks: Buffer[] = [];
  let streams = new Map<string, Buffer[]>();
  let held = 0;
  const newline = Buffer.from("\n");
  for (let at = 0; at < all.length; ) {
    const length = all.readUInt32LE(at);
    const raw = decompressSnappyBlock(all.subarray(at + 4, at + 4 + length), snappyLimits);
    at += 4 + length;
    const push = decodeProtobufPush(
      raw,
      (bytes, from, to) =>
        ({
          key: bytes.toString("utf8", from, to),
        }) as never,
    );
    for (const stream of push.streams) {
      const { key } = stream.labels as unknown as { key: string };
      const parts = streams.get(key) ?? [];
      streams.set(key, parts);
      for (let row = stream.fromRow; row < stream.toRow; row++) {
        parts.push(raw.subarray(push.lineStarts[row], push.lineEnds[row]), newline);
        held += push.lineEnds[row]! - push.lineStarts[row]! + 1;
      }
    }
    if (held < segmentBytes && at < all.length) continue;
    for (const parts of streams.values()) blocks.push(...cut(Buffer.concat(parts)));
    streams = new Map();
    held = 0;
  }
  return blocks;
}

function cut(lines: Buffer): Buffer[] {
  const count = Math.max(1, Math.round(lines.length / blockBytes));
  const size = Math.ceil(lines.length / count);
  const blocks: Buffer[] = [];
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf(10, Math.min(from + size, lines.length - 1)) + 1;
    blocks.push(lines.subarray(from, end));
    from = end;
  }
  return blocks;
}

interface Measured {
  readonly filters: BlockFilters;
  readonly linesStored: number;
  readonly trigramBytes: number;
  readonly gramBytes: number;
}

async function measure(lines: Buffer, scanner: SkipScanner): Promise<Measured> {
  const level = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };
  const linesStored = zlib.zstdCompressSync(lines, level).length;
  const columns = await packSkipColumns(
    scanBlock(scanner, { lines, valueKeys: new Uint32Array(0) }, "all"),
    linesStored,
  );
  let [trigramBytes, gramBytes] = [0, 0];
  let filters: BlockFilters = {
    trigrams: undefined,
    grams: undefined,
    values: undefined,
  };
  for (const { kind, part } of columns) {
    const raw = unpackPartNow(part.bytes, part, { key: "bench", offset: 0, part: "filter" });
    if (kind === 5) {
      trigramBytes = part.storedBytes;
      filters = { ...filters, trigrams: TrigramSet.open(raw) };
    } else {
      gramBytes = part.storedBytes;
      filters = { ...filters, grams: SparseSet.open(raw) };
    }
  }
  return { filters, linesStored, trigramBytes, gramBytes };
}

function speed(blocks: readonly Buffer[], scan: (lines: Buffer) => unknown): string {
  let best = 0;
  const bytes = blocks.reduce((sum, block) => sum + block.length, 0);
  for (let round = 0; round < 3; round++) {
    const before = process.cpuUsage();
    for (const block of blocks) scan(block);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, bytes / MiB / ((user + system) / 1e6));
  }
  return `${best.toFixed(0)} MiB per CPU-s`;
}

function isLeft(test: SkipTest, filters: BlockFilters): boolean {
  return test.ruledOutBy({ streams: [], metadataNames: [], filters }) === undefined;
}

async function report(name: string, blocks: readonly Buffer[]): Promise<void> {
  const scanner = new SkipScanner();
  const measured: Measured[] = [];
  for (const block of blocks) measured.push(await measure(block, scanner));
  const total = (of: (one: Measured) => number): number =>
    measured.reduce((sum, one) => sum + of(one), 0);
  const stored = total((one) => one.linesStored);
  const share = (bytes: number): string => `${((bytes / stored) * 100).toFixed(1)} %`;
  console.log(
    `\n${name}: ${blocks.length} blocks, lines stored in ${(stored / MiB).toFixed(1)} MiB; ` +
      `trigrams ${share(total((one) => one.trigramBytes))}, grams ${share(total((one) => one.gramBytes))}`,
  );
  console.log(`trigrams ${speed(blocks, (lines) => scanner.trigrams(lines))}`);
  console.log(`grams ${speed(blocks, (lines) => scanner.gramKeys(lines))}`);
  for (const [kind, needle] of Object.entries(needles)) {
    let [byTrigrams, byAll] = [0, 0];
    for (let i = 0; i < needlesPerKind; i++) {
      const test = new SkipTest({ lineTerms: [[Buffer.from(needle())]] });
      for (const { filters } of measured) {
        if (isLeft(test, { ...filters, grams: undefined })) byTrigrams++;
        if (isLeft(test, filters)) byAll++;
      }
    }
    const of = (left: number): string =>
      `${((left / needlesPerKind / blocks.length) * 100).toFixed(2).padStart(6)} %`;
    console.log(`${kind.padEnd(20)} left by trigrams ${of(byTrigrams)}, by all ${of(byAll)}`);
  }
}

const file = process.argv[2];
if (file !== undefined) await report(file, blocksOfFile(file));
else
  for (const [name, line] of Object.entries(kindsOfLines)) await report(name, madeUpBlocks(line));

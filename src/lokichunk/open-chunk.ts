/** Chunk objects from their bytes. Blocks stay as they are until decode-block.ts gets them. */
import { ByteStrings } from "#columns";
import type { ChunkBlockFacts, ChunkCodec, ChunkHeader, LokiChunk } from "./chunk.ts";
import { ChunkBytes } from "./chunk-bytes.ts";
import {
  type ChunkLayout,
  checkedSection,
  crcBytes,
  layoutOf,
  type Section,
} from "./chunk-layout.ts";
import { decompressNow } from "./compression.ts";
import { checksumText, corrupt } from "./corrupt.ts";
import { crc32c } from "./checksum.ts";
import { type ParsedHeader, parseHeaderJson } from "./header-json.ts";
import { headerRawBytesMax, symbolRawBytesMax } from "./limits.ts";
import { readStrings } from "./packed-strings.ts";
import { decompressSnappyFrames } from "./snappy-frames.ts";

/**
 * Parses a chunk object: header and block table. Verifies the object's checksum when the reference
 * it was found by is given, and the table's always. Keeps `bytes`. StoreError `corrupt` with key,
 * offset, expected and actual. Blocks and symbols are decompressed and verified when asked for.
 */
export function openChunk(key: string, bytes: Buffer, checksum?: number): LokiChunk {
  if (checksum !== undefined) checkObject(key, bytes, checksum);
  const layout = layoutOf(key, bytes);
  return new OpenedChunk(key, bytes, layout, {
    header: headerOf(key, bytes, layout).header,
    blocks: readBlockTable(key, bytes, layout),
  });
}

function checkObject(key: string, bytes: Buffer, checksum: number): void {
  const computed = crc32c(bytes);
  if (computed === checksum) return;
  const [expected, actual] = [checksumText(checksum), checksumText(computed)];
  throw corrupt(
    { key, offset: 0 },
    `crc of the object ${expected} expected but computed ${actual}`,
  );
}

/** The JSON in front, decompressed and parsed. */
export function headerOf(key: string, bytes: Buffer, layout: ChunkLayout): ParsedHeader {
  return parseHeaderJson(headerTextOf(key, bytes, layout), { key, offset: layout.header.offset });
}

export function headerTextOf(key: string, bytes: Buffer, { header }: ChunkLayout): string {
  const framed = bytes.subarray(header.offset, header.offset + header.length);
  const place = { key, offset: header.offset };
  return decompressSnappyFrames(framed, headerRawBytesMax, place).toString("utf8");
}

/** A row takes five bytes at least: one for each number. */
const tableRowBytesMin = 5;

/** The block table. A hostile one names blocks outside the object only to be refused when they are read. */
export function readBlockTable(
  key: string,
  bytes: Buffer,
  layout: ChunkLayout,
): readonly ChunkBlockFacts[] {
  const { table, bodyOffset, version } = layout;
  const content = checkedSection(bytes, table, { key, part: "block table" });
  const reader = new ChunkBytes(content, { key, offset: table.offset }, "block table");
  const blockCount = reader.count(
    "the number of blocks",
    Math.floor(content.length / tableRowBytesMin),
  );
  const blocks: ChunkBlockFacts[] = [];
  let contiguousOffset = layout.blocksOffset;
  for (let i = 0; i < blockCount; i++) {
    const entryCount = reader.count("a number of entries", Number.MAX_SAFE_INTEGER);
    const minNs = reader.signed();
    const maxNs = reader.signed();
    const offset = bodyOffset + reader.count("the offset of a block", bytes.length);
    const accountedBytes =
      version >= 3 ? reader.count("the size of a block", Number.MAX_SAFE_INTEGER) : 0;
    const storedBytes = reader.count("the length of a block", bytes.length);
    const times = { minNs, maxNs };
    blocks.push({ entryCount, ...times, offset, contiguousOffset, accountedBytes, storedBytes });
    contiguousOffset += storedBytes + crcBytes;
  }
  reader.end();
  return blocks;
}

const noSymbols: ByteStrings = new ByteStrings(Buffer.alloc(0), new Uint32Array(1), 0);

class OpenedChunk implements LokiChunk {
  readonly key: string;
  readonly bytes: Buffer;
  readonly layout: ChunkLayout;
  readonly header: ChunkHeader;
  readonly blocks: readonly ChunkBlockFacts[];
  readonly entryCount: number;
  #symbols: ByteStrings | undefined;

  constructor(
    key: string,
    bytes: Buffer,
    layout: ChunkLayout,
    parsed: { header: ChunkHeader; blocks: readonly ChunkBlockFacts[] },
  ) {
    this.key = key;
    this.bytes = bytes;
    this.layout = layout;
    this.header = parsed.header;
    this.blocks = parsed.blocks;
    this.entryCount = parsed.blocks.reduce((sum, block) => sum + block.entryCount, 0);
  }

  get version(): 1 | 2 | 3 | 4 {
    return this.layout.version;
  }

  get codec(): ChunkCodec {
    return this.layout.codec;
  }

  /** Counting does not need them, so they wait until something does. */
  get symbols(): ByteStrings {
    this.#symbols ??= readSymbols(this.key, this.bytes, this.layout);
    return this.#symbols;
  }
}

/** Checks, decompresses and splits the symbols. */
export function readSymbols(key: string, bytes: Buffer, layout: ChunkLayout): ByteStrings {
  const { symbols, codec } = layout;
  if (symbols === undefined) return noSymbols;
  const content = checkedSection(bytes, symbols, { key, part: "symbols" });
  const { count, stream } = symbolStream(key, content, symbols);
  // An empty table may have no stream at all behind it.
  if (count === 0) return noSymbols;
  const place = { key, offset: symbols.offset + content.length - stream.length };
  const rawBytesHint = stream.length * 2;
  const packed = { codec, bytes: stream, place, rawBytesMax: symbolRawBytesMax, rawBytesHint };
  return readStrings(decompressNow(packed), count, place);
}

export function symbolStream(
  key: string,
  content: Buffer,
  section: Section,
): { count: number; stream: Buffer } {
  const reader = new ChunkBytes(content, { key, offset: section.offset }, "symbols");
  const count = reader.count("the number of symbols", symbolRawBytesMax);
  return { count, stream: content.subarray(reader.at) };
}

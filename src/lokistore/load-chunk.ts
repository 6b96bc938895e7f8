/** One chunk object → one decoded block. Everything that contradicts the index is `corrupt`. */
import { isAscii } from "node:buffer";
import { isStoreError, StoreError } from "#base";
import {
  blockWindows,
  type ChunkBlockFacts,
  type ChunkColumnNeeds,
  decodeChunkBlockAsync,
  type LokiChunk,
  openChunk,
} from "#lokichunk";
import type { Block } from "#storage";
import { type JoinedRows, joinRows, needsComparing } from "./join-rows.ts";
import type { ChunkBlockRef, ExactFacts, PlannedChunk } from "./planned-chunk.ts";

const everything: ChunkColumnNeeds = { lines: true, lengths: true, metadata: "all" };

/** Parses the object and checks that it is the one the index names. StoreError `corrupt`. */
export function openPlanned(chunk: PlannedChunk, bytes: Buffer): LokiChunk {
  const { key, meta, tenant, fingerprint } = chunk;
  const opened = openChunk(key, bytes, meta.checksum);
  const { header } = opened;
  const named = [tenant, fingerprint, meta.minMs, meta.maxMs].join(" ");
  const found = [header.tenant, header.fingerprint, header.fromMs, header.throughMs].join(" ");
  if (named !== found) {
    throw new StoreError("corrupt", `${key} at byte 4: written as ${found}, listed as ${named}`);
  }
  return opened;
}

/**
 * Decodes what the reference wants of a chunk. A block that is damaged is left out and told to
 * `warn`; the others are given.
 */
export async function loadRows(
  opened: LokiChunk,
  chunk: Pick<PlannedChunk, "rows" | "wanted" | "meta">,
  how: { needs: ChunkColumnNeeds; seed: number; warn: (message: string) => void },
): Promise<{ rows: JoinedRows; isWhole: boolean }> {
  const { blocks } = opened;
  const wanted = blocks.map((_, i) => i).filter((i) => isWanted(blocks[i]!, chunk));
  const window = cutsRows(blocks, chunk) ? chunk.rows : undefined;
  let isWhole = wanted.length === blocks.length && window === undefined;
  const decode = async (needs: ChunkColumnNeeds, isRetry: boolean): Promise<JoinedRows[]> => {
    const parts: JoinedRows[] = [];
    for (const block of wanted) {
      try {
        parts.push(await decodeChunkBlockAsync(opened, block, needs, window));
      } catch (error) {
        if (!isStoreError(error, "corrupt")) throw error;
        isWhole = false;
        if (!isRetry) how.warn(`block ${block} of a chunk left out: ${error.message}`);
      }
    }
    return parts;
  };
  let parts = await decode(how.needs, false);
  const isFull = how.needs.lines && how.needs.metadata === "all";
  if (!isFull && needsComparing(parts)) parts = await decode(everything, true);
  return { rows: withNeeded(joinRows(parts, how.seed), how.needs), isWhole };
}

/** No more columns than asked for: others would become labels of the answer. */
function withNeeded(rows: JoinedRows, needs: ChunkColumnNeeds): JoinedRows {
  const { metadata: wanted } = needs;
  return {
    ...rows,
    lines: needs.lines ? rows.lines : undefined,
    metadata:
      wanted === "all" ? rows.metadata : rows.metadata.filter(({ name }) => wanted.includes(name)),
  };
}

function isWanted(
  facts: ChunkBlockFacts,
  { wanted, rows }: Pick<PlannedChunk, "rows" | "wanted">,
): boolean {
  return (
    facts.minNs < wanted.toNs &&
    facts.maxNs >= wanted.fromNs &&
    facts.minNs < rows.toNs &&
    facts.maxNs >= rows.fromNs
  );
}

/** Whether some rows of the chunk are not meant, or its blocks are too long for one base. */
function cutsRows(
  blocks: readonly ChunkBlockFacts[],
  { rows }: Pick<PlannedChunk, "rows">,
): boolean {
  return blocks.some(
    (facts) =>
      facts.minNs < rows.fromNs || facts.maxNs >= rows.toNs || blockWindows(facts).length > 1,
  );
}

/** Decoded rows as a block of the waist; the facts of its reference become what was read. */
export function blockOf(
  ref: ChunkBlockRef,
  opened: LokiChunk,
  loaded: { rows: JoinedRows; isWhole: boolean },
): { block: Block; exact: ExactFacts | undefined } {
  const { rows, isWhole } = loaded;
  const { lines, lengths } = rows;
  const last = rows.rowCount === 0 ? 0 : rows.offsets[rows.rowCount - 1]!;
  const read: ExactFacts = {
    entryCount: rows.rowCount,
    lineBytes: lengths === undefined ? ref.facts.lineBytes : sumOf(lengths),
    minNs: rows.baseNs + BigInt(rows.rowCount === 0 ? 0 : rows.offsets[0]!),
    maxNs: rows.baseNs + BigInt(last),
    isAscii: lines !== undefined && isAscii(lines.bytes),
    hasInnerNewline: lines === undefined || newlineCount(lines.bytes) > lines.count,
  };
  // Without lines it is not known whether they are ASCII: then they count as if they were not,
  // which is right for every reader, and reading them puts it straight.
  const isExact = isWhole && lengths !== undefined;
  ref.facts.settle(read, opened.header.labels);
  const { rowCount, baseNs, offsets, metadata } = rows;
  const block = {
    ref,
    rowCount,
    baseNs,
    offsets,
    streamOfRow: undefined,
    lines,
    lengths,
    metadata,
  };
  return { block, exact: isExact ? read : undefined };
}

function sumOf(lengths: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) sum += lengths[i]!;
  return sum;
}

function newlineCount(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

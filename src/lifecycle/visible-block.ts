import { ByteStrings } from "#columns";
import type { Block, BlockRef, ColumnNeeds, MetadataColumn } from "#storage";

/**
 * The block as `ref`, without its hidden rows (marks other than 0; undefined: none is hidden) and
 * with no more columns than asked for: others would become labels of the answer. Rows that stay are
 * copied when one goes.
 */
export function visibleBlock(
  block: Block,
  hidden: Uint16Array | undefined,
  as: { readonly ref: BlockRef; readonly needs: ColumnNeeds },
): Block {
  const { ref, needs } = as;
  const { baseNs } = block;
  const metadata = block.metadata.filter(({ name }) => isWanted(name, needs.metadata));
  const lines = needs.lines ? block.lines : undefined;
  const lengths = needs.lines || needs.lengths ? block.lengths : undefined;
  if (hidden === undefined) return { ...block, ref, lines, lengths, metadata };
  const rows = visibleRows(hidden);
  return {
    ref,
    rowCount: rows.length,
    baseNs,
    offsets: Float64Array.from(rows, (row) => block.offsets[row]!),
    streamOfRow: block.streamOfRow && picked(block.streamOfRow, rows),
    lines: lines && pickedLines(lines, rows),
    lengths: lengths && picked(lengths, rows),
    metadata: metadata.map((column) => ({ ...column, ids: picked(column.ids, rows) })),
  };
}

function isWanted(name: MetadataColumn["name"], wanted: ColumnNeeds["metadata"]): boolean {
  return wanted === "all" || wanted.includes(name);
}

function visibleRows(hidden: Uint16Array): Uint32Array {
  const rows = new Uint32Array(hidden.length);
  let count = 0;
  for (let row = 0; row < hidden.length; row++) if (hidden[row] === 0) rows[count++] = row;
  return rows.subarray(0, count);
}

function picked(column: Uint32Array, rows: Uint32Array): Uint32Array {
  const out = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = column[rows[i]!]!;
  return out;
}

/** Rows that lie together are copied together. */
function pickedLines(lines: ByteStrings, rows: Uint32Array): ByteStrings {
  const { bytes, starts } = lines;
  let size = 0;
  for (let i = 0; i < rows.length; i++) size += starts[rows[i]! + 1]! - starts[rows[i]!]!;
  const out = Buffer.allocUnsafe(size);
  const outStarts = new Uint32Array(rows.length + 1);
  let at = 0;
  let i = 0;
  while (i < rows.length) {
    const first = rows[i]!;
    let end = first;
    while (i < rows.length && rows[i] === end) {
      outStarts[i] = at + starts[end]! - starts[first]!;
      end++;
      i++;
    }
    at += bytes.copy(out, at, starts[first]!, starts[end]!);
  }
  outStarts[rows.length] = size;
  return new ByteStrings(out, outStarts, lines.gap);
}

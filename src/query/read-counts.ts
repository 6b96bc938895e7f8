import type { Block } from "#storage";
import type { QueryRun } from "./query-run.ts";

/** Notes a block that was read and how many of its rows were looked at. */
export function countRead(run: QueryRun, block: Block, rowCount: number): void {
  const { facts } = block.ref;
  const share = block.rowCount === 0 ? 0 : rowCount / block.rowCount;
  const lineBytes = Math.round(facts.lineBytes * share);
  run.counts.blocksRead++;
  run.counts.linesProcessed += rowCount;
  run.counts.bytesProcessed += lineBytes;
  for (const { values } of block.metadata) run.counts.metadataBytesProcessed += values.bytes.length;
  if (facts.source !== "head") return;
  run.counts.headBlocksRead++;
  run.counts.headLines += rowCount;
  run.counts.headBytes += lineBytes;
}

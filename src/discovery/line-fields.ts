/**
 * Fields of lines by what the lines look like: JSON when they parse as such, logfmt otherwise. The
 * pipeline's own parsers read them, so that a field found here is called what `| json` or `| logfmt`
 * would call it.
 */
import { ByteStrings } from "#columns";
import type { LogExpr, Stage } from "#logql";
import type { LabelPair, Labels } from "#model";
import { compilePipeline } from "#pipeline";
import type { Block, BlockFacts } from "#storage";

export interface LineFields {
  readonly parser: "json" | "logfmt";
  readonly pairs: readonly LabelPair[];
}

const span = { from: 0, to: 0 };
const json: Stage = { kind: "json", parameters: [], span };
const logfmt: Stage = { kind: "logfmt", strict: false, keepEmpty: false, parameters: [], span };

/**
 * The fields of each line of one stream. A field that is called like a label of the stream ends in
 * `_extracted`.
 */
export function readLineFields(stream: Labels, lines: readonly string[]): LineFields[] {
  const block = blockOf(stream, lines);
  const found: LineFields[] = [];
  const others: number[] = [];
  parse(block, json, undefined, (row, pairs, error) => {
    if (error === "") found[row] = { parser: "json", pairs };
    else others.push(row);
  });
  parse(block, logfmt, Uint32Array.from(others), (row, pairs) => {
    found[row] = { parser: "logfmt", pairs };
  });
  return found;
}

function parse(
  block: Block,
  stage: Stage,
  rows: Uint32Array | undefined,
  sink: (row: number, pairs: readonly LabelPair[], error: string) => void,
): void {
  const log: LogExpr = { kind: "log", matchers: [], stages: [stage], span };
  const nowNs = (): bigint => 0n;
  const pipeline = compilePipeline(log, { labelsWanted: "all", unwrap: undefined, nowNs });
  pipeline.run(block, rows, (row) => {
    sink(row.index, row.parsedLabels(), row.error);
    return true;
  });
}

/** The lines as a block of their own, all at one time. */
function blockOf(labels: Labels, texts: readonly string[]): Block {
  const lines = ByteStrings.ofTexts(texts, 1);
  const entryCount = texts.length;
  const lineBytes = lines.bytes.length - entryCount;
  const facts: BlockFacts = {
    entryCount,
    lineBytes,
    minNs: 0n,
    maxNs: 0n,
    isAscii: false,
    hasInnerNewline: texts.some((text) => text.includes("\n")),
    streams: [{ labels, entryCount, lineBytes, minNs: 0n, maxNs: 0n }],
    levelCounts: new Map(),
    source: "sample",
    sourceOrder: 0,
  };
  return {
    ref: { facts },
    rowCount: entryCount,
    baseNs: 0n,
    offsets: new Float64Array(entryCount),
    streamOfRow: undefined,
    lines,
    lengths: undefined,
    metadata: [],
  };
}

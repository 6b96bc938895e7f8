import { ByteStrings } from "#columns";
import { type Expr, type LogExpr, parseQuery, type Unwrap } from "#logql";
import { type LabelPair, Labels } from "#model";
import type { Block, BlockStream, MetadataColumn } from "#storage";
import { compilePipeline } from "./compile.ts";
import type { PipelineOptions, Row } from "./pipeline.ts";

/** An entry for tests: its line, its metadata, the labels of its stream. */
export interface TestEntry {
  readonly line: string | Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly stream?: Readonly<Record<string, string>>;
}

const defaultStream = { app: "shop" };

/**
 * A block of entries in the order given, one second apart; entries of one stream must follow each
 * other.
 */
export function blockOf(entries: readonly TestEntry[]): Block {
  const streams: Labels[] = [];
  const streamOfRow = new Uint32Array(entries.length);
  for (const [row, { stream }] of entries.entries()) {
    const labels = Labels.from(stream ?? defaultStream);
    if (streams.at(-1)?.key !== labels.key) streams.push(labels);
    streamOfRow[row] = streams.length - 1;
  }
  const lines = linesOf(entries.map(({ line }) => Buffer.from(line)));
  const facts = { entryCount: entries.length, lineBytes: 0, minNs: 0n, maxNs: 1n };
  return {
    ref: {
      facts: {
        ...facts,
        isAscii: lines.bytes.every((byte) => byte < 0x80),
        hasInnerNewline: entries.some(({ line }) => line.includes("\n")),
        streams: streams.map((labels): BlockStream => ({ labels, ...facts })),
        levelCounts: new Map(),
        source: "test",
        sourceOrder: 0,
      },
    },
    rowCount: entries.length,
    baseNs: 1_000_000_000_000_000_000n,
    offsets: Float64Array.from(entries, (_, row) => row * 1e9),
    streamOfRow: streams.length > 1 ? streamOfRow : undefined,
    lines,
    lengths: undefined,
    metadata: metadataOf(entries),
  };
}

function linesOf(lines: readonly Buffer[]): ByteStrings {
  const starts = new Uint32Array(lines.length + 1);
  for (const [i, line] of lines.entries()) starts[i + 1] = starts[i]! + line.length + 1;
  return new ByteStrings(Buffer.concat(lines.flatMap((l) => [l, Buffer.from("\n")])), starts, 1);
}

function metadataOf(entries: readonly TestEntry[]): MetadataColumn[] {
  const names = new Set(entries.flatMap(({ metadata }) => Object.keys(metadata ?? {})));
  return [...names].map((name) => {
    const values: string[] = [];
    const ids = Uint32Array.from(entries, ({ metadata }) => {
      const value = metadata?.[name];
      if (value === undefined) return 0;
      if (!values.includes(value)) values.push(value);
      return values.indexOf(value) + 1;
    });
    return { name, ids, values: ByteStrings.ofTexts(values, 0) };
  });
}

/** The log query inside a query. */
export function logOf(text: string): { log: LogExpr; unwrap: Unwrap | undefined } {
  let expr: Expr = parseQuery(text);
  while (expr.kind === "vectorAggregation") expr = expr.input;
  if (expr.kind === "rangeAggregation") return { log: expr.log, unwrap: expr.unwrap };
  if (expr.kind === "log") return { log: expr, unwrap: undefined };
  throw new Error(`no log query in ${text}`);
}

/** Runs the stages over a block and gives what `take` makes of every row that passes. */
export function runStages<T>(
  stages: string,
  block: Block,
  take: (row: Row) => T,
  options: Partial<PipelineOptions> = {},
): T[] {
  const isQuery = stages.includes("{app=");
  const { log, unwrap } = logOf(isQuery ? stages : `{app="shop"} ${stages}`);
  const defaults = { labelsWanted: "all" as const, unwrap, nowNs: () => 0n };
  const pipeline = compilePipeline(log, { ...defaults, ...options });
  const taken: T[] = [];
  pipeline.run(block, undefined, (row) => {
    taken.push(take(row));
    return true;
  });
  return taken;
}

/** Labels other than the stream's, as `name=value` words. */
export function labelWords(row: Row): string {
  const own = new Set(row.stored.pairs.map(([name, value]) => `${name}=${value}`));
  const words = row.labels().pairs.map(([name, value]: LabelPair) => `${name}=${value}`);
  return words.filter((word) => !own.has(word)).join(" ");
}

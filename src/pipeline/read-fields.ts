import type { ByteStrings } from "#columns";
import { Labels } from "#model";
import type { Block, BlockFacts, FieldParser, FieldReader, FieldSink } from "#storage";
import { BlockBase } from "./base-labels.ts";
import { isReservedField } from "./field-columns.ts";
import { compileJson } from "./json-stage.ts";
import { LabelInterner } from "./label-interner.ts";
import { LogfmtPairs } from "./logfmt-scan.ts";
import { compileLogfmt } from "./logfmt-stage.ts";
import { type RowStage, RowState } from "./row-state.ts";
import { WantedLabels } from "./wanted-labels.ts";

const openObject = 0x7b;

/** A line with fewer pairs of key and value is some other text; logfmt has such lines, but few. */
const pairsMin = 2;
const oddLinesMin = 16;
const oddLinesShare = 1 / 8;

/** More fields than this in one row are read as ever: finding duplicates would take too long. */
const fieldsPerRowMax = 128;

/** The fields of lines, by the very stages that parse them in queries. */
export const readFields: FieldReader = (lines, { isAscii }, sink) => {
  const parser = parserOf(lines);
  if (parser === undefined) return undefined;
  const stage = stageOf(parser);
  const row = new RowState(new LabelInterner(), { preservesParserErrors: false });
  row.enterBlock(new BlockBase(bareBlock(lines, isAscii)));
  const collector = new Collector(row, sink);
  let oddCount = 0;
  for (let index = 0; index < lines.count; index++) {
    row.reset(index);
    stage(row);
    if (row.stageError !== "" || row.count > fieldsPerRowMax) return undefined;
    if (parser === "logfmt" && row.count < pairsMin) oddCount++;
    if (oddCount > oddLinesMin + index * oddLinesShare) return undefined;
    if (!collector.takeRow()) return undefined;
  }
  return parser;
};

/** By the first line; the others have to agree. */
function parserOf(lines: ByteStrings): FieldParser | undefined {
  if (lines.count === 0) return undefined;
  if (lines.bytes[lines.from(0)] === openObject) return "json";
  const pairs = new LogfmtPairs();
  pairs.start(lines.bytes, lines.from(0), lines.to(0));
  let valueCount = 0;
  while (pairs.next()) {
    if (pairs.problem !== "") return undefined;
    if (pairs.valueTo > pairs.valueFrom) valueCount++;
  }
  return valueCount >= pairsMin ? "logfmt" : undefined;
}

function stageOf(parser: FieldParser): RowStage {
  const wanted = new WantedLabels("all", { mayStop: false });
  if (parser === "json") return compileJson(wanted);
  const span = { from: 0, to: 0 };
  const flags = { strict: false, keepEmpty: false, parameters: [], span };
  return compileLogfmt({ kind: "logfmt", ...flags }, wanted);
}

/** Entries that come with nothing but their lines. */
function bareBlock(lines: ByteStrings, isAscii: boolean): Block {
  const counts = { entryCount: lines.count, lineBytes: 0, minNs: 0n, maxNs: 0n };
  const facts: BlockFacts = {
    ...counts,
    isAscii,
    hasInnerNewline: false,
    streams: [{ ...counts, labels: Labels.of([]) }],
    levelCounts: new Map(),
    source: "",
    sourceOrder: 0,
  };
  return {
    ref: { facts },
    rowCount: lines.count,
    baseNs: 0n,
    offsets: new Float64Array(0),
    streamOfRow: undefined,
    lines,
    lengths: undefined,
    metadata: [],
  };
}

class Collector {
  readonly #row: RowState;
  readonly #sink: FieldSink;
  #name = "";

  constructor(row: RowState, sink: FieldSink) {
    this.#row = row;
    this.#sink = sink;
  }

  /** False when the row has a field that no column may have. */
  takeRow(): boolean {
    const row = this.#row;
    for (let i = 0; i < row.count; i++) {
      this.#name = row.nameAt(i);
      if (isReservedField(this.#name)) return false;
      if (row.isEncodedAt(i)) this.#sink.addOther(this.#name);
      else row.withBytesAt(i, this.#take);
    }
    return true;
  }

  readonly #take = (buffer: Buffer, from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      if (buffer[at]! < 0x80) continue;
      this.#sink.addOther(this.#name);
      return;
    }
    this.#sink.add(this.#row.index, this.#name, buffer, from, to);
  };
}

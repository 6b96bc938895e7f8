/**
 * Blocks that came with fields instead of lines: rows of one stream with the same fields fare the
 * same, so the pipeline is run for one row of each kind, and the others are counted by what became
 * of it. A field that only unwrap reads is converted as a column. Whatever is not of the everyday
 * kind goes through the pipeline by itself, and folds are fed in the order of rows either way.
 */
import type { Pipeline, Row } from "#pipeline";
import type { Block, MetadataColumn } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import { lineUse } from "./fold-of-function.ts";
import type { RangePlan } from "./plan.ts";
import type { SeriesTable } from "./series-table.ts";
import type { WindowSteps } from "./step-grid.ts";
import type { FoldSample, WindowFold } from "./window-fold.ts";

/** More kinds of rows cost more to keep apart than running the pipeline does. */
const kindsMax = 4096;

/** Of fewer rows than this for each that the pipeline sees, all are shown to it. */
const rowsPerAskedMin = 4;

/** Rows of a block that are meant: those of a list, or the first `count` of the block. */
interface MeantRows {
  readonly rows: Uint32Array | undefined;
  readonly count: number;
}

/** A row that had to be asked for itself. */
interface OddRow {
  readonly fold: WindowFold;
  readonly value: number;
}

/** What is known of a block's rows before they are counted. */
interface SortedRows {
  /** By place in the list of meant rows. */
  readonly kinds: Uint32Array;
  readonly kindCount: number;
  /** Rows for the pipeline, ascending: the first everyday one of each kind, and the odd ones. */
  readonly asked: Uint32Array;
  /** Numbers by id - 1 of the unwrapped field, NaN where it is not everyday. */
  readonly numbers: Float64Array | undefined;
  readonly numberIds: Uint32Array | undefined;
}

export class FieldFold {
  readonly #plan: RangePlan;
  readonly #pipeline: Pipeline;
  readonly #windows: WindowSteps;
  readonly #table: SeriesTable;
  readonly #takeRow: (row: Row) => { fold: WindowFold; value: number };
  readonly #weighsBytes: boolean;
  readonly #sample: FoldSample = { time: 0, value: 0, count: 1 };
  #kinds = new Uint32Array(1024);
  #folds: (WindowFold | undefined)[] = [];
  readonly #odd = new Map<number, OddRow>();

  constructor(options: {
    plan: RangePlan;
    pipeline: Pipeline;
    windows: WindowSteps;
    table: SeriesTable;
    /** Throws when the row's error ends the query. */
    takeRow: (row: Row) => { fold: WindowFold; value: number };
  }) {
    this.#plan = options.plan;
    this.#pipeline = options.pipeline;
    this.#windows = options.windows;
    this.#table = options.table;
    this.#takeRow = options.takeRow;
    this.#weighsBytes = lineUse(options.plan.fn) === "length";
  }

  /**
   * Adds the rows of a block (undefined: all), each of which counts for some step. `origin`: from
   * offsets to times of samples. Returns how many passed; undefined when the block has to be gone
   * through row by row, and then nothing was added.
   */
  add(
    block: Block,
    scope: BlockScope,
    how: { readonly rows: Uint32Array | undefined; readonly origin: number },
  ): number | undefined {
    const meant = { rows: how.rows, count: how.rows?.length ?? block.rowCount };
    const sorted = this.#sort(block, scope, meant);
    if (sorted === undefined) return undefined;
    this.#ask(block, scope, { meant, sorted });
    const passed =
      sorted.numbers === undefined
        ? this.#countAll(block, meant, sorted)
        : this.#addAll(block, meant, { ...sorted, origin: how.origin });
    this.#odd.clear();
    return passed;
  }

  #sort(block: Block, scope: BlockScope, meant: MeantRows): SortedRows | undefined {
    const { byFields } = this.#pipeline;
    const { fields } = block;
    if (byFields === undefined || fields === undefined || this.#plan.label !== undefined) return;
    if (block.lines !== undefined || block.passing !== undefined) return;
    if (block.metadata.length > 0 || scope.shared !== undefined) return;
    const { unwrapped } = byFields;
    let number: MetadataColumn | undefined;
    if (unwrapped !== undefined) {
      number = fields.find(({ name }) => name === unwrapped.name);
      const { streams } = block.ref.facts;
      // The field would go by another name there.
      const isHidden = streams.some(({ labels }) => labels.has(unwrapped.name));
      if (number === undefined || isHidden) return undefined;
    }
    const kinds = this.#kindsOf(
      block,
      fields.filter((field) => field !== number),
      meant,
    );
    if (kinds === undefined) return undefined;
    const numbers = number === undefined ? undefined : unwrapped?.numbersOf(number);
    const parts = { ...kinds, numbers, numberIds: number?.ids };
    const asked = askedRows(meant, parts);
    return asked === undefined ? undefined : { ...parts, asked };
  }

  /** A number for each combination of stream and fields; undefined when there are too many. */
  #kindsOf(
    { streamOfRow, ref }: Block,
    columns: readonly MetadataColumn[],
    { rows, count }: MeantRows,
  ): Pick<SortedRows, "kinds" | "kindCount"> | undefined {
    let kindCount = streamOfRow === undefined ? 1 : ref.facts.streams.length;
    for (const { values } of columns) kindCount *= values.count + 1;
    if (kindCount > kindsMax) return undefined;
    if (this.#kinds.length < count) this.#kinds = new Uint32Array(count * 2);
    const kinds = this.#kinds;
    if (streamOfRow === undefined) kinds.fill(0, 0, count);
    else pickInto(kinds, streamOfRow, rows, count);
    for (const { ids, values } of columns) addDigit(kinds, ids, { rows, count }, values.count + 1);
    return { kinds, kindCount };
  }

  /** Runs the pipeline for some rows; what became of them is left in #folds and #odd. */
  #ask(
    block: Block,
    scope: BlockScope,
    { meant, sorted }: { readonly meant: MeantRows; readonly sorted: SortedRows },
  ): void {
    const { kinds, kindCount, asked, numbers, numberIds } = sorted;
    const { rows } = meant;
    this.#folds = Array.from({ length: kindCount }, () => undefined);
    this.#table.openBlock(scope.tenant, block);
    let at = 0;
    this.#pipeline.run(block, asked, (row) => {
      const taken = this.#takeRow(row);
      const { index } = row;
      if (numbers !== undefined && isOdd(numbers, numberIds![index]!)) {
        this.#odd.set(index, taken);
        return true;
      }
      if (rows === undefined) at = index;
      else while (rows[at] !== index) at++;
      this.#folds[kinds[at]!] = taken.fold;
      return true;
    });
  }

  /** Adds up rows of one kind that count for the same steps. */
  #countAll(block: Block, meant: MeantRows, { kinds, kindCount }: SortedRows): number {
    const { count, rows } = meant;
    const lengths = this.#weighsBytes ? block.lengths : undefined;
    const counts = new Float64Array(kindCount);
    const weights = new Float64Array(kindCount);
    const sample = this.#sample;
    let passed = 0;
    for (let i = 0; i < count; ) {
      const { from, to, end } = this.#stepsFrom(block, meant, i);
      counts.fill(0);
      weights.fill(0);
      for (let k = i; k < end; k++) counts[kinds[k]!]!++;
      if (lengths !== undefined) {
        for (let k = i; k < end; k++) {
          weights[kinds[k]!]! += lengths[rows === undefined ? k : rows[k]!]!;
        }
      }
      for (let kind = 0; kind < kindCount; kind++) {
        const fold = this.#folds[kind];
        if (fold === undefined || counts[kind] === 0) continue;
        passed += counts[kind]!;
        sample.time = 0;
        sample.count = counts[kind]!;
        sample.value = lengths === undefined ? sample.count : weights[kind]!;
        fold.add(from, to, sample);
      }
      i = end;
    }
    return passed;
  }

  #addAll(block: Block, meant: MeantRows, sorted: SortedRows & { origin: number }): number {
    const { rows, count } = meant;
    const { offsets } = block;
    const how = { ...sorted, offsets, rows };
    this.#sample.count = 1;
    let passed = 0;
    for (let i = 0; i < count; ) {
      const run = this.#stepsFrom(block, meant, i);
      passed += this.#addRun(i, run, how);
      i = run.end;
    }
    return passed;
  }

  /** Rows from place `first` on that have the same steps. Hot, hence a function for itself. */
  #addRun(
    first: number,
    run: { readonly from: number; readonly to: number; readonly end: number },
    how: SortedRows & {
      readonly origin: number;
      readonly offsets: Float64Array;
      readonly rows: Uint32Array | undefined;
    },
  ): number {
    const { kinds, origin, offsets, rows } = how;
    const numbers = how.numbers!;
    const ids = how.numberIds!;
    const folds = this.#folds;
    const sample = this.#sample;
    let passed = 0;
    for (let i = first; i < run.end; i++) {
      const row = rows === undefined ? i : rows[i]!;
      const id = ids[row]!;
      let fold = folds[kinds[i]!];
      let value = id === 0 ? Number.NaN : numbers[id - 1]!;
      if (Number.isNaN(value)) {
        const odd = this.#odd.get(row);
        fold = odd?.fold;
        value = odd?.value ?? 0;
      }
      if (fold === undefined) continue;
      passed++;
      sample.time = origin + offsets[row]!;
      sample.value = value;
      fold.add(run.from, run.to, sample);
    }
    return passed;
  }

  /** The steps of the row at place `i`, and the place behind the last row that has the same. */
  #stepsFrom(
    { offsets, streamOfRow }: Block,
    { rows, count }: MeantRows,
    i: number,
  ): { readonly from: number; readonly to: number; readonly end: number } {
    const windows = this.#windows;
    const first = rows === undefined ? i : rows[i]!;
    const from = windows.firstStep(offsets[first]!);
    const to = windows.endStep(offsets[first]!);
    const last = windows.lastOffsetOf(from, to);
    const stream = streamOfRow?.[first];
    const isSame = (place: number): boolean => {
      const row = rows === undefined ? place : rows[place]!;
      return offsets[row]! <= last && streamOfRow?.[row] === stream;
    };
    // Rows of one stream are sorted by time: by leaps, then by halving.
    let known = i;
    let leap = 1;
    while (known + leap < count && isSame(known + leap)) {
      known += leap;
      leap *= 2;
    }
    let low = known + 1;
    let high = Math.min(known + leap, count);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isSame(middle)) low = middle + 1;
      else high = middle;
    }
    return { from, to, end: low };
  }
}

function pickInto(
  out: Uint32Array,
  source: Uint32Array,
  rows: Uint32Array | undefined,
  count: number,
): void {
  if (rows === undefined) out.set(source.subarray(0, count));
  else for (let i = 0; i < count; i++) out[i] = source[rows[i]!]!;
}

/** Numbers in a mixed radix get one more digit. */
function addDigit(
  numbers: Uint32Array,
  ids: Uint32Array,
  { rows, count }: MeantRows,
  radix: number,
): void {
  if (rows === undefined)
    for (let i = 0; i < count; i++) numbers[i] = numbers[i]! * radix + ids[i]!;
  else for (let i = 0; i < count; i++) numbers[i] = numbers[i]! * radix + ids[rows[i]!]!;
}

function isOdd(numbers: Float64Array, id: number): boolean {
  return id === 0 || Number.isNaN(numbers[id - 1]!);
}

/** Undefined when they are not much fewer than all. */
function askedRows(
  { rows, count }: MeantRows,
  { kinds, kindCount, numbers, numberIds }: Omit<SortedRows, "asked">,
): Uint32Array | undefined {
  const seen = new Uint8Array(kindCount);
  const asked = new Uint32Array(Math.ceil(count / rowsPerAskedMin));
  let askedCount = 0;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i]!;
    const kind = kinds[i]!;
    if (numbers === undefined || !isOdd(numbers, numberIds![row]!)) {
      if (seen[kind] === 1) continue;
      seen[kind] = 1;
    }
    if (askedCount === asked.length) return undefined;
    asked[askedCount++] = row;
  }
  return asked.subarray(0, askedCount);
}

import { RequestError } from "#base";
import type { Limits } from "#config";
import { groupLabels, type LabelGrouping, type Matrix, newSeries, oneGroup } from "#evaluator";
import { type LabelPair, Labels } from "#model";
import { compilePipeline, type Pipeline, type Row } from "#pipeline";
import type { LogExpr } from "#logql";
import type { Block, LogStore } from "#storage";
import { chooseRows } from "./block-rows.ts";
import { type BlockScope, planBlocks } from "./block-scope.ts";
import { addRuns } from "./count-runs.ts";
import { Duplicates } from "./duplicates.ts";
import { addFromFacts, isCountedByFacts, isCountedByStreams } from "./fact-counts.ts";
import { FieldFold } from "./field-fold.ts";
import { lineUse, newFold } from "./fold-of-function.ts";
import type { RangePlan } from "./plan.ts";
import type { QueryRun } from "./query-run.ts";
import { countRead } from "./read-counts.ts";
import { SeriesTable } from "./series-table.ts";
import { type StepGrid, WindowSteps } from "./step-grid.ts";
import { tenantScope } from "./tenant-scope.ts";
import type { FoldSample, WindowFold } from "./window-fold.ts";

/**
 * Runs one range aggregation over the grid. Throws RequestError 400 when an entry carries an error.
 */
export async function runRange(
  store: LogStore,
  run: QueryRun,
  query: {
    readonly plan: RangePlan;
    readonly grid: StepGrid;
    readonly tenants: readonly string[];
    readonly limits: Limits;
    readonly nowNs: () => bigint;
    /** Throws when so many series are too many, for ranges whose series come into the answer. */
    readonly checkCount: ((count: number) => void) | undefined;
  },
): Promise<Matrix> {
  const { plan, grid } = query;
  const scope = tenantScope(query.tenants, plan.log.matchers);
  const pipeline = compileRange(plan, query.nowNs);
  const windows = new WindowSteps(grid, plan);
  const range = windows.entryRange;
  const grouping = plan.fn === "absent_over_time" ? oneGroup : plan.grouping;
  const table = new SeriesTable({
    grouping,
    isMulti: scope.isMulti,
    isIdentity: pipeline.isIdentity || keepsLabels(plan, pipeline),
    newFold: () => newFold(plan, { grid, windows, hold: (bytes) => run.hold(bytes) }),
    hold: (bytes) => run.hold(bytes),
    ...(query.checkCount === undefined ? {} : { checkCount: query.checkCount }),
  });
  const { skip } = pipeline;
  const { limits } = query;
  const blocks = await planBlocks(store, run, { scope, range, skip, limits });
  const fold = new BlockFold({ plan, grid, windows, pipeline, table, run });

  const byFacts = isCountedByFacts(plan, pipeline);
  const plain: BlockScope[] = [];
  const shared: BlockScope[] = [];
  for (const block of inOrderOfArrival(blocks)) {
    if (block.shared !== undefined) shared.push(block);
    else if (!byFacts || !addFromFacts(block, { plan, range, windows, table })) plain.push(block);
  }
  await fold.readAll(store, plain, pipeline.needs);
  // Telling duplicates apart takes the whole entry, whatever the function needs.
  await fold.readAll(store, shared, {
    ...pipeline.needs,
    lines: true,
    metadata: "all",
    search: undefined,
    fields: undefined,
  });
  const matrix = table.finish(grid.stepCount);
  return plan.fn === "absent_over_time" ? invert(matrix, plan.log) : matrix;
}

/** Entries keep the labels they came with: nothing but leading line filters looks at them. */
function keepsLabels(plan: RangePlan, pipeline: Pipeline): boolean {
  return plan.unwrap === undefined && pipeline.stages.every(({ runs }) => runs === "block");
}

export function compileRange(plan: RangePlan, nowNs: () => bigint): Pipeline {
  const { grouping } = plan;
  const counted = plan.label === undefined ? [] : [plan.label];
  const labelsWanted =
    plan.fn === "absent_over_time"
      ? []
      : grouping.without
        ? "all"
        : [...grouping.names, ...counted];
  return compilePipeline(plan.log, {
    labelsWanted,
    lineWanted: lineUse(plan.fn),
    unwrap: plan.unwrap,
    nowNs,
  });
}

/** First and last of equal times go by arrival. */
function inOrderOfArrival(blocks: readonly BlockScope[]): BlockScope[] {
  return [...blocks].sort(
    (a, b) => a.ref.facts.sourceOrder - b.ref.facts.sourceOrder || a.planIndex - b.planIndex,
  );
}

/** Feeds the rows of blocks into the folds of their series. */
class BlockFold {
  readonly #plan: RangePlan;
  readonly #windows: WindowSteps;
  readonly #pipeline: Pipeline;
  readonly #table: SeriesTable;
  readonly #run: QueryRun;
  readonly #duplicates: Duplicates;
  readonly #countsRuns: boolean;
  /** Once a store has searched the lines, nothing is left to be asked of a row but its stream. */
  readonly #countsPassing: boolean;
  /** Time 0 of samples. */
  readonly #originNs: bigint;
  readonly #sample: FoldSample = { time: 0, value: 0, text: "", count: 1 };
  readonly #byFields: FieldFold;

  constructor(options: {
    plan: RangePlan;
    grid: StepGrid;
    windows: WindowSteps;
    pipeline: Pipeline;
    table: SeriesTable;
    run: QueryRun;
  }) {
    this.#plan = options.plan;
    this.#windows = options.windows;
    this.#pipeline = options.pipeline;
    this.#table = options.table;
    this.#run = options.run;
    this.#duplicates = new Duplicates((bytes) => options.run.hold(bytes));
    const { plan, pipeline } = options;
    this.#countsRuns = isCountedByFacts(plan, pipeline);
    const isSearch = pipeline.stages.every(({ runs }) => runs === "block");
    this.#countsPassing = isSearch && isCountedByStreams(plan);
    this.#originNs = options.grid.startNs - options.plan.offsetNs;
    this.#byFields = new FieldFold({ ...options, takeRow: (row) => this.#taken(row) });
  }

  async readAll(
    store: LogStore,
    blocks: readonly BlockScope[],
    needs: Pipeline["needs"],
  ): Promise<void> {
    if (blocks.length === 0) return;
    const scopeOf = new Map(blocks.map((block) => [block.ref, block]));
    const refs = blocks.map((block) => block.ref);
    for await (const block of store.read(refs, needs, this.#run.readOptions)) {
      await this.#run.pause();
      this.#scan(block, scopeOf.get(block.ref)!);
      block.release?.();
    }
    this.#run.checkAlive();
  }

  #scan(block: Block, scope: BlockScope): void {
    const windows = this.#windows;
    windows.setBase(block.baseNs);
    const { passing } = block;
    if (passing?.includes(1) === false) {
      countRead(this.#run, block, block.rowCount);
      return;
    }
    const countsRuns = passing === undefined ? this.#countsRuns : this.#countsPassing;
    if (countsRuns && scope.shared === undefined && block.metadata.length === 0) {
      const weighsBytes = lineUse(this.#plan.fn) === "length";
      const { seen, passed } = addRuns(block, scope, { windows, table: this.#table, weighsBytes });
      countRead(this.#run, block, seen);
      this.#run.counts.entriesAfterFilter += passed;
      return;
    }
    const wantsOffset = windows.haveGaps
      ? (offset: number): boolean => windows.firstStep(offset) < windows.endStep(offset)
      : undefined;
    const choice = { range: windows.entryRange, duplicates: this.#duplicates, wantsOffset };
    const rows = chooseRows(block, scope, choice, (count) => {
      this.#run.counts.duplicatesDropped += count;
    });
    countRead(this.#run, block, rows?.length ?? block.rowCount);
    if (rows?.length === 0) return;
    const origin = Number(block.baseNs - this.#originNs);
    const passed = this.#byFields.add(block, scope, { rows, origin });
    if (passed !== undefined) {
      this.#run.counts.entriesAfterFilter += passed;
      return;
    }
    this.#table.openBlock(scope.tenant, block);
    this.#pipeline.run(block, rows, (row) => this.#addRow(row, block.offsets[row.index]!, origin));
  }

  #taken(row: Row): { fold: WindowFold; value: number } {
    if (row.isErrorFatal) throw pipelineError(row, this.#plan.grouping);
    return { fold: this.#table.foldFor(row), value: this.#valueOf(row) };
  }

  #addRow(row: Row, offset: number, origin: number): true {
    if (row.isErrorFatal) throw pipelineError(row, this.#plan.grouping);
    this.#run.counts.entriesAfterFilter++;
    const from = this.#windows.firstStep(offset);
    const to = this.#windows.endStep(offset);
    if (from >= to) return true;
    const sample = this.#sample;
    sample.time = origin + offset;
    sample.value = this.#valueOf(row);
    if (this.#plan.label !== undefined) {
      const text = row.label(this.#plan.label);
      if (text === undefined || text === "") return true;
      sample.text = text;
    }
    this.#table.foldFor(row).add(from, to, sample);
    return true;
  }

  #valueOf(row: Row): number {
    if (this.#plan.unwrap !== undefined) return row.value;
    return lineUse(this.#plan.fn) === "length" ? row.lineByteLength() : 1;
  }
}

/** Names the series by all labels; where the error is but a label, by what the grouping leaves. */
function pipelineError(row: Row, grouping: LabelGrouping): RequestError {
  const labels = row.isErrorParsed ? groupLabels(row.labels(), grouping) : row.labels();
  const pairs = new Map<string, string>(labels.pairs);
  pairs.set("__error__", row.error);
  if (row.errorDetails !== "") pairs.set("__error_details__", row.errorDetails);
  return new RequestError(
    400,
    `pipeline error: '${row.error}' for series: '${Labels.of(pairs).toString()}'.\n` +
      "Use a label filter to intentionally skip this error. " +
      `(e.g | __error__!="${row.error}").\n` +
      'To skip all potential errors you can match empty errors.(e.g __error__="")\n' +
      "The label filter can also be specified after unwrap. " +
      '(e.g | unwrap latency | __error__="" )\n',
  );
}

/**
 * `absent_over_time`: 1 where there is nothing, labelled by the equality matchers whose name occurs
 * once.
 */
function invert(counts: Matrix, log: LogExpr): Matrix {
  const seen = new Map<string, number>();
  for (const { name } of log.matchers) seen.set(name, (seen.get(name) ?? 0) + 1);
  const pairs = log.matchers
    .filter((matcher) => matcher.op === "=" && matcher.value !== "" && seen.get(matcher.name) === 1)
    .map((matcher): LabelPair => [matcher.name, matcher.value]);
  const series = newSeries(Labels.of(pairs), counts.stepCount);
  const found = counts.series[0]?.present;
  for (let i = 0; i < counts.stepCount; i++) {
    if (found?.[i] === 1) continue;
    series.present[i] = 1;
    series.values[i] = 1;
  }
  return { stepCount: counts.stepCount, series: [series] };
}

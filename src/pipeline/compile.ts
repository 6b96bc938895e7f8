import { type LogExpr, printStage, type Stage } from "#logql";
import type { Block, ColumnNeeds, SkipTerms } from "#storage";
import { BlockBase, errorDetailsLabel, errorLabel, extractedSuffix } from "./base-labels.ts";
import { type CompiledStages, compileStages } from "./compile-stages.ts";
import { RowScope } from "./formats.ts";
import { LabelInterner } from "./label-interner.ts";
import { fieldUseOf } from "./field-use.ts";
import { compileLineFilter, type LineFilter } from "./line-matchers.ts";
import { searchLines } from "./line-search.ts";
import type { FieldUse, Pipeline, PipelineOptions, Row, StageUse } from "./pipeline.ts";
import { labelTermsOf, type Prefilter, prefiltersOf } from "./prefilter.ts";
import { RowState } from "./row-state.ts";
import { skipTermsOf } from "./skip-terms.ts";
import type { LabelNeeds } from "./wanted-labels.ts";

/**
 * Throws RequestError 400 in Loki's words for what a stage refuses at compile time; `parseQuery`
 * has checked all of it before.
 */
export function compilePipeline(log: LogExpr, options: PipelineOptions): Pipeline {
  const leadCount = leadingFilterCount(log.stages);
  const lead = log.stages
    .slice(0, leadCount)
    .flatMap((stage) => (stage.kind === "lineFilter" ? [compileLineFilter(stage)] : []));
  const scope = new RowScope(options.nowNs);
  const compiled = compileStages(log, leadCount, options, scope);
  return new BlockPipeline(log, options, {
    lead,
    prefilters: prefiltersOf(log.stages, leadCount),
    compiled,
  });
}

const inOrderGiven = (rows: Uint32Array | undefined): Uint32Array | undefined => rows;

/** Those of `rows` (undefined: all) whose byte in `passing` is 1. */
function passingRows(passing: Uint8Array, rows: Uint32Array | undefined): Uint32Array {
  const out = new Uint32Array(passing.indexOf(1) < 0 ? 0 : (rows ?? passing).length);
  if (out.length === 0) return out;
  const count = rows === undefined ? takePassing(passing, out) : takeOf(rows, passing, out);
  return out.subarray(0, count);
}

// Loops over rows are functions of their own, so that they are compiled as a whole, once.

/** Writes the passing rows to `out`; returns how many there are, as the next. */
function takePassing(passing: Uint8Array, out: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < passing.length; row++) if (passing[row] === 1) out[count++] = row;
  return count;
}

function takeOf(rows: Uint32Array, passing: Uint8Array, out: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (passing[rows[i]!] === 1) out[count++] = rows[i]!;
  return count;
}

/** Line filters at the start, which see the lines as they are stored. */
function leadingFilterCount(stages: readonly Stage[]): number {
  const end = stages.findIndex((stage) => stage.kind !== "lineFilter");
  return end < 0 ? stages.length : end;
}

class BlockPipeline implements Pipeline {
  readonly needs: ColumnNeeds;
  readonly skip: SkipTerms;
  readonly stages: readonly StageUse[];
  readonly isIdentity: boolean;
  readonly byFields: FieldUse | undefined;
  readonly #lead: readonly LineFilter[];
  readonly #prefilters: readonly Prefilter[];
  readonly #compiled: CompiledStages;
  readonly #row: RowState;

  constructor(
    log: LogExpr,
    options: PipelineOptions,
    parts: {
      lead: readonly LineFilter[];
      prefilters: readonly Prefilter[];
      compiled: CompiledStages;
    },
  ) {
    const { lead, prefilters, compiled } = parts;
    this.#lead = lead;
    this.#prefilters = prefilters;
    this.#compiled = compiled;
    const labelTerms = labelTermsOf(log.stages, log.stages.length - compiled.uses.length);
    this.skip = { ...skipTermsOf(lead), ...(labelTerms.length > 0 ? { labelTerms } : {}) };
    const leading = log.stages.slice(0, log.stages.length - compiled.uses.length);
    this.stages = [
      ...leading.map((stage): StageUse => ({ stage, runs: "block", labelsRead: [] })),
      ...compiled.uses,
    ];
    this.isIdentity = log.stages.length === 0 && options.unwrap === undefined;
    this.byFields = fieldUseOf(log.stages, leading.length, options);
    const { fields } = compiled;
    const lines = lead.length > 0 || compiled.readsLine;
    const search = { filters: leading.map(printStage).join(" "), keepsLines: compiled.readsLine };
    this.needs = {
      lines,
      lengths: options.lineWanted === "length",
      metadata: metadataNeeds(compiled.labels),
      ...(lead.length > 0 ? { search } : {}),
      ...(fields === undefined ? {} : { fields }),
    };
    const { preservesParserErrors } = compiled;
    this.#row = new RowState(new LabelInterner(), { preservesParserErrors });
  }

  run(
    block: Block,
    rows: Uint32Array | undefined,
    sink: (row: Row) => boolean,
    order: (rows: Uint32Array | undefined) => Uint32Array | undefined = inOrderGiven,
  ): void {
    if (block.rowCount === 0) return;
    const base = new BlockBase(block);
    const left = this.#search(base, rows);
    if (left?.length === 0) return;
    const ordered = order(left);
    const row = this.#row;
    row.enterBlock(base);
    const count = ordered === undefined ? block.rowCount : ordered.length;
    for (let i = 0; i < count; i++) {
      row.reset(ordered === undefined ? i : ordered[i]!);
      if (this.#passes(row) && !sink(row)) return;
    }
  }

  /**
   * Rows left by leading line filters, and by those that follow from label filters where no entry
   * comes with the label. The store may have tried the leading ones.
   */
  #search(base: BlockBase, rows: Uint32Array | undefined): Uint32Array | undefined {
    const { lines, passing, ref } = base.block;
    const found = passing === undefined ? rows : passingRows(passing, rows);
    if (lines === undefined || found?.length === 0) return found;
    const implied = this.#prefilters.filter(({ label }) => !base.mayHave(label));
    const filters = implied.map(({ filter }) => filter);
    if (passing === undefined) filters.unshift(...this.#lead);
    if (filters.length === 0) return found;
    return passingRows(searchLines(lines, ref.facts, filters, found), found);
  }

  #passes(row: RowState): boolean {
    const { stages } = this.#compiled;
    for (let i = 0; i < stages.length; i++) if (!stages[i]!(row)) return false;
    return true;
  }
}

/**
 * Columns for the labels that are read. A parsed `x` is called `x_extracted` when there is metadata
 * `x`, and metadata `x` is called so when there is a stream label `x`: both need the column `x`.
 */
function metadataNeeds(labels: LabelNeeds): ColumnNeeds["metadata"] {
  if (labels === "all") return "all";
  const names = new Set([errorLabel, errorDetailsLabel]);
  for (const name of labels) {
    names.add(name);
    if (name.endsWith(extractedSuffix)) names.add(name.slice(0, -extractedSuffix.length));
  }
  return [...names].sort();
}

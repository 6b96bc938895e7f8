import { RequestError } from "#base";
import {
  type LabelFormatStage,
  type LineFilterStage,
  type LineFormatStage,
  type LogExpr,
  printStage,
  type Stage,
} from "#logql";
import type { FieldNeeds } from "#storage";
import { errorDetailsLabel, errorLabel } from "./base-labels.ts";
import { compileDecolorize } from "./decolorize.ts";
import { compileDrop, compileKeep, nameOf } from "./drop-keep.ts";
import {
  compileLabelTemplates,
  compileLineTemplate,
  labelFormat,
  lineFormat,
  type RowScope,
} from "./formats.ts";
import { columnsOr, fieldNeedsOf } from "./field-columns.ts";
import { compileJsonParameters } from "./json-path-stage.ts";
import { compileJson } from "./json-stage.ts";
import { compileLabelFilter } from "./label-filter.ts";
import { labelsOfFilter } from "./label-needs.ts";
import { compileLineFilter, type LineView, passesFilter } from "./line-matchers.ts";
import { compileLogfmt, compileLogfmtParameters } from "./logfmt-stage.ts";
import { compilePattern } from "./pattern-stage.ts";
import type { PipelineOptions, StageUse } from "./pipeline.ts";
import { compileRegexp } from "./regexp-stage.ts";
import type { RowStage, RowState } from "./row-state.ts";
import { compileUnpack } from "./unpack-stage.ts";
import { compileUnwrap } from "./unwrap.ts";
import { addNeeds, type LabelNeeds, removeNeed, WantedLabels } from "./wanted-labels.ts";

/** What is read behind a place in the pipeline. */
interface Demand {
  readonly labels: LabelNeeds;
  readonly line: boolean;
}

export interface CompiledStages {
  readonly stages: readonly RowStage[];
  /** Labels that somebody reads, as the entries come. */
  readonly labels: LabelNeeds;
  readonly readsLine: boolean;
  readonly preservesParserErrors: boolean;
  readonly uses: readonly StageUse[];
  /** What the store may give in place of the first parser's work. */
  readonly fields: FieldNeeds | undefined;
}

/**
 * Stages from `from` on as functions of a row. Goes through them from the last to the first, so
 * that every parser knows what is read behind it; a stage that nobody would notice is left out.
 */
export function compileStages(
  log: LogExpr,
  from: number,
  options: PipelineOptions,
  scope: RowScope,
): CompiledStages {
  const backward: RowStage[] = [];
  let demand: Demand = {
    labels: options.labelsWanted === "all" ? "all" : new Set(options.labelsWanted),
    line: (options.lineWanted ?? "bytes") === "bytes",
  };
  if ((options.lineWanted ?? "bytes") === "length" && log.stages.some(changesLine)) {
    demand = { ...demand, line: true };
  }
  const context = { scope, mayStop: options.labelsWanted !== "all" };
  const { unwrap } = options;
  const isNamed = (name: string): boolean =>
    options.labelsWanted !== "all" && options.labelsWanted.includes(name);
  let comparesError =
    isNamed(errorLabel) ||
    log.stages.some(
      (stage) => stage.kind === "labelFilter" && labelsOfFilter(stage.filter).includes(errorLabel),
    );
  if (unwrap !== undefined) {
    backward.push(compileUnwrap(unwrap, { keepsLabel: isNamed(unwrap.label) }));
    const read = unwrap.filters.flatMap(({ filter }) => labelsOfFilter(filter));
    comparesError ||= read.includes(errorLabel);
    demand = { ...demand, labels: addNeeds(demand.labels, [...read, unwrap.label]) };
  }
  const uses: StageUse[] = [];
  let fields: FieldNeeds | undefined;
  for (let i = log.stages.length - 1; i >= from; i--) {
    const stage = log.stages[i]!;
    const compiled = compileStage(stage, demand, context);
    uses.push({ stage, runs: compiled === undefined ? "no" : "row", labelsRead: listOf(demand) });
    if (compiled === undefined) continue;
    const { wanted } = compiled;
    const place = { from, at: i, readsLineBehind: demand.line };
    const needs = wanted === undefined ? undefined : fieldNeedsOf(log, place, wanted);
    backward.push(needs === undefined ? compiled.run : columnsOr(compiled.run));
    fields = needs ?? fields;
    demand = compiled.demand;
  }
  return {
    stages: backward.reverse(),
    labels: demand.labels,
    readsLine: demand.line,
    preservesParserErrors: comparesError,
    uses: uses.reverse(),
    fields,
  };
}

function listOf({ labels }: Demand): "all" | readonly string[] {
  return labels === "all" ? "all" : [...labels].sort();
}

export function changesLine(stage: Stage): boolean {
  return stage.kind === "lineFormat" || stage.kind === "decolorize" || stage.kind === "unpack";
}

interface Context {
  readonly scope: RowScope;
  readonly mayStop: boolean;
}

interface CompiledStage {
  readonly run: RowStage;
  /** What is read from before the stage on. */
  readonly demand: Demand;
  /** Of parsers. */
  readonly wanted?: WantedLabels;
}

/** Undefined when the stage can be left out. */
function compileStage(stage: Stage, behind: Demand, context: Context): CompiledStage | undefined {
  switch (stage.kind) {
    case "lineFilter":
      return { run: lineFilter(stage), demand: { ...behind, line: true } };
    case "json":
    case "logfmt":
    case "pattern":
    case "regexp":
    case "unpack":
      return compileParser(stage, behind, context);
    case "labelFilter": {
      const labels = addNeeds(behind.labels, labelsOfFilter(stage.filter));
      return { run: compileLabelFilter(stage.filter), demand: { ...behind, labels } };
    }
    case "lineFormat":
      return compileLineFormat(stage, behind, context.scope);
    case "labelFormat":
      return compileLabelFormat(stage, behind, context.scope);
    case "decolorize":
      return behind.line ? { run: compileDecolorize(), demand: behind } : undefined;
    case "drop": {
      const read = stage.choices.flatMap((choice) =>
        choice.kind === "matcher" ? [choice.matcher.name] : [],
      );
      const labels = addNeeds(behind.labels, read);
      return { run: compileDrop(stage), demand: { ...behind, labels } };
    }
    case "keep": {
      const labels = keptNeeds(behind.labels, stage.choices.map(nameOf));
      return { run: compileKeep(stage), demand: { ...behind, labels } };
    }
    case "sort":
    case "limit":
    case "distinct":
      throw new RequestError(400, `stage '${printStage(stage)}' is for log queries only`);
    default:
      return stage satisfies never;
  }
}

/** Of what is read behind a `keep`, only the kept names can still come from before it. */
function keptNeeds(behind: LabelNeeds, kept: readonly string[]): LabelNeeds {
  if (behind === "all") return new Set([...kept, errorLabel, errorDetailsLabel]);
  const left = new Set([...kept, errorLabel, errorDetailsLabel]);
  return new Set([...behind].filter((name) => left.has(name)));
}

type ParserStage = Extract<Stage, { kind: "json" | "logfmt" | "pattern" | "regexp" | "unpack" }>;

function compileParser(
  stage: ParserStage,
  behind: Demand,
  context: Context,
): CompiledStage | undefined {
  const wanted = new WantedLabels(behind.labels, { mayStop: context.mayStop });
  if (wanted.isNone && !(stage.kind === "unpack" && behind.line)) return undefined;
  return { run: parser(stage, wanted), demand: { ...behind, line: true }, wanted };
}

function parser(stage: ParserStage, wanted: WantedLabels): RowStage {
  switch (stage.kind) {
    case "json":
      if (stage.parameters.length > 0) return compileJsonParameters(stage, wanted.needs);
      return compileJson(wanted);
    case "logfmt":
      if (stage.parameters.length > 0) return compileLogfmtParameters(stage, wanted.needs);
      return compileLogfmt(stage, wanted);
    case "pattern":
      return compilePattern(stage, wanted);
    case "regexp":
      return compileRegexp(stage, wanted);
    case "unpack":
      return compileUnpack(wanted);
    default:
      return stage satisfies never;
  }
}

function compileLineFormat(
  stage: LineFormatStage,
  behind: Demand,
  scope: RowScope,
): CompiledStage | undefined {
  if (!behind.line) return undefined;
  const template = compileLineTemplate(stage);
  const labels = addNeeds(behind.labels, template.labelsRead);
  return { run: lineFormat(template, scope), demand: { labels, line: true } };
}

function compileLabelFormat(
  stage: LabelFormatStage,
  behind: Demand,
  scope: RowScope,
): CompiledStage {
  const formats = compileLabelTemplates(stage);
  let { labels, line } = behind;
  for (const { to } of formats) labels = removeNeed(labels, to);
  for (const format of formats) {
    if (format.kind === "rename") labels = addNeeds(labels, [format.from, format.to]);
    else {
      labels = addNeeds(labels, format.template.labelsRead);
      line ||= format.template.readsLine;
    }
  }
  return { run: labelFormat(formats, scope), demand: { labels, line } };
}

function lineFilter(stage: LineFilterStage): RowStage {
  const filter = compileLineFilter(stage);
  const view = new RowLine();
  return (row) => {
    view.enter(row);
    return passesFilter(filter, view);
  };
}

/** The line of a row as filters want it. */
class RowLine implements LineView {
  #row!: RowState;
  buffer: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;

  enter(row: RowState): void {
    this.#row = row;
    this.buffer = row.lineBuffer;
    this.from = row.lineFrom;
    this.to = row.lineTo;
  }

  text(): string {
    return this.#row.line();
  }
}

import type { LabelGrouping } from "#evaluator";
import { isAnswerStage, type LogExpr, parseQuery, printExpr, printStage } from "#logql";
import { compilePipeline, type Pipeline, type StageUse } from "#pipeline";
import type { TimeRange } from "#model";
import type { LogStore } from "#storage";
import type { Clock } from "#world";
import { type BlockScope, planBlocks } from "./block-scope.ts";
import { checkQuery, checkTimes, stepOf } from "./check-request.ts";
import type { QueryRequest } from "./engine.ts";
import { isCountedByFacts, stepsByFacts } from "./fact-counts.ts";
import { entryRange } from "./log-query.ts";
import { gridOf } from "./metric-query.ts";
import { compileRange } from "./metric-range.ts";
import { type PlanNode, planQuery, type RangePlan } from "./plan.ts";
import { queryMemoryBytesDefault, withinLookback } from "./query-engine.ts";
import { QueryRun } from "./query-run.ts";
import { WindowSteps } from "./step-grid.ts";
import { tenantScope } from "./tenant-scope.ts";

/** What a query would do, as plain data for JSON. Times are decimal ns. */
export interface Explanation {
  /** As it was understood. */
  readonly query: string;
  readonly kind: "log" | "metric";
  /** Of a metric query; `range` nodes name their read by number. */
  readonly plan: ExplainedNode | undefined;
  readonly reads: readonly ExplainedRead[];
  /** Stages on the whole answer. */
  readonly answerStages: readonly string[];
  readonly warnings: readonly string[];
}

export type ExplainedNode = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** One pass over the entries of a selector. */
export interface ExplainedRead {
  readonly selector: string;
  readonly tenants: readonly string[];
  readonly startNs: string;
  readonly endNs: string;
  /** Of a range aggregation. */
  readonly aggregation: { readonly fn: string; readonly series: string } | undefined;
  readonly segmentsConsidered: number;
  readonly blocks: {
    readonly read: number;
    /** Ruled out by skip filters. */
    readonly skipped: number;
    /** Answered by what is known of them without reading. */
    readonly answeredByFacts: number;
    /** Of those read: overlap with another source, so whole entries are compared. */
    readonly overlapping: number;
    /**
     * Of those read: known from an index of Loki's alone. There are no skip filters, so every line
     * filter reads them, and their entries and bytes are what the index says.
     */
    readonly estimated: number;
  };
  readonly sources: readonly string[];
  readonly streams: number;
  /** At most: a limit may end the reading earlier. */
  readonly entries: number;
  /** Decoded bytes by column, at most; metadata is not known before it is read. */
  readonly bytesByColumn: {
    readonly timestamps: number;
    readonly lineLengths: number;
    readonly lines: number;
  };
  /** Names of structured metadata that are read. */
  readonly metadata: "all" | readonly string[];
  /** Each a list of alternatives: blocks that can hold none of them are skipped. */
  readonly skipTerms: readonly (readonly string[])[];
  readonly stages: readonly {
    readonly stage: string;
    readonly runs: StageUse["runs"];
    readonly labelsRead: "all" | readonly string[];
  }[];
  /** Bytes to decode in all: what the query costs, more or less. */
  readonly estimatedBytes: number;
}

export interface Explainer {
  /** Plans the query and reads no block. Throws what running it would throw before reading. */
  explain(request: QueryRequest): Promise<Explanation>;
}

/** Sources named in an explanation. */
const sourcesMax = 100;

export function createExplainer(options: { store: LogStore; clock: Clock }): Explainer {
  return { explain: (request) => explain(options, request) };
}

async function explain(
  options: { readonly store: LogStore; readonly clock: Clock },
  asked: QueryRequest,
): Promise<Explanation> {
  checkTimes(asked);
  const expr = parseQuery(asked.text);
  checkQuery(expr, asked);
  const plan = planQuery(expr);
  const request = withinLookback(asked, options.clock);
  using run = new QueryRun({
    clock: options.clock,
    signal: asked.signal,
    timeoutMs: asked.limits.queryTimeoutMs,
    memoryBytesMax: queryMemoryBytesDefault,
  });
  const explaining = { ...options, run, request };
  const reads: ExplainedRead[] = [];
  if (plan.kind === "log") reads.push(await logRead(explaining, plan.log));
  else for (const range of plan.ranges) reads.push(await rangeRead(explaining, range));
  const answer = plan.kind === "log" ? plan.log.stages.filter(isAnswerStage) : [];
  return {
    query: printExpr(expr),
    kind: plan.kind,
    plan: plan.kind === "log" ? undefined : nodeOf(plan.root, plan.ranges),
    reads,
    answerStages: answer.map(printStage),
    warnings: run.warnings,
  };
}

interface Explaining {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly run: QueryRun;
  readonly request: QueryRequest;
}

async function logRead(explaining: Explaining, log: LogExpr): Promise<ExplainedRead> {
  const rows = { ...log, stages: log.stages.filter((stage) => !isAnswerStage(stage)) };
  const nowNs = (): bigint => explaining.clock.nowNs();
  const pipeline = compilePipeline(rows, { labelsWanted: "all", unwrap: undefined, nowNs });
  const needs = { ...pipeline.needs, lines: true, metadata: "all" as const };
  return readOf(explaining, {
    log,
    pipeline,
    needs,
    range: entryRange(explaining.request),
    aggregation: undefined,
    isByFacts: () => false,
  });
}

async function rangeRead(explaining: Explaining, plan: RangePlan): Promise<ExplainedRead> {
  const { request } = explaining;
  const windows = new WindowSteps(gridOf(request, stepOf(request)), plan);
  const range = windows.entryRange;
  const pipeline = compileRange(plan, () => explaining.clock.nowNs());
  const byFacts = isCountedByFacts(plan, pipeline);
  return readOf(explaining, {
    log: plan.log,
    pipeline,
    needs: pipeline.needs,
    range,
    aggregation: { fn: plan.fn, series: groupingText(plan.grouping) },
    isByFacts: (block) =>
      byFacts &&
      block.shared === undefined &&
      stepsByFacts(block, { plan, range, windows }) !== undefined,
  });
}

async function readOf(
  { store, run, request }: Explaining,
  what: {
    readonly log: LogExpr;
    readonly pipeline: Pipeline;
    readonly needs: Pipeline["needs"];
    readonly range: TimeRange;
    readonly aggregation: ExplainedRead["aggregation"];
    readonly isByFacts: (block: BlockScope) => boolean;
  },
): Promise<ExplainedRead> {
  const { log, pipeline, needs, range } = what;
  const scope = tenantScope(request.tenants, log.matchers);
  const { segmentsConsidered, blocksSkipped } = run.counts;
  const { limits } = request;
  const blocks = await planBlocks(store, run, { scope, range, skip: pipeline.skip, limits });
  const read = blocks.filter((block) => !what.isByFacts(block));
  const overlapping = read.filter(({ shared }) => shared !== undefined);
  const bytesByColumn = columnBytes(read, overlapping, needs);
  const { timestamps, lineLengths, lines } = bytesByColumn;
  return {
    selector: printExpr({ ...log, stages: [] }),
    tenants: scope.tenants,
    startNs: String(range.fromNs),
    endNs: String(range.toNs),
    aggregation: what.aggregation,
    segmentsConsidered: run.counts.segmentsConsidered - segmentsConsidered,
    blocks: {
      read: read.length,
      skipped: run.counts.blocksSkipped - blocksSkipped,
      answeredByFacts: blocks.length - read.length,
      overlapping: overlapping.length,
      estimated: read.filter(({ ref }) => ref.facts.isEstimate === true).length,
    },
    sources: [...new Set(blocks.map(({ ref }) => ref.facts.source))].slice(0, sourcesMax),
    streams: streamCount(blocks),
    entries: blocks.reduce((sum, { ref }) => sum + ref.facts.entryCount, 0),
    bytesByColumn,
    metadata: overlapping.length > 0 ? "all" : needs.metadata,
    skipTerms: pipeline.skip.lineTerms.map((term) => term.map((bytes) => bytes.toString("utf8"))),
    stages: pipeline.stages.map(({ stage, ...use }) => ({ stage: printStage(stage), ...use })),
    estimatedBytes: timestamps + lineLengths + lines,
  };
}

function columnBytes(
  read: readonly BlockScope[],
  overlapping: readonly BlockScope[],
  needs: Pipeline["needs"],
): ExplainedRead["bytesByColumn"] {
  const entries = (blocks: readonly BlockScope[]): number =>
    blocks.reduce((sum, { ref }) => sum + ref.facts.entryCount, 0);
  const withLines = needs.lines ? read : overlapping;
  return {
    timestamps: entries(read) * 8,
    lineLengths: entries(needs.lines || needs.lengths ? read : overlapping) * 4,
    lines: withLines.reduce((sum, { ref }) => sum + ref.facts.lineBytes, 0),
  };
}

function streamCount(blocks: readonly BlockScope[]): number {
  const keys = new Set<string>();
  for (const { ref, tenant, streams } of blocks) {
    for (const [i, { labels }] of ref.facts.streams.entries()) {
      if (streams?.[i] !== 0) keys.add(`${tenant}\ud802${labels.key}`);
    }
  }
  return keys.size;
}

function groupingText({ without, names }: LabelGrouping): string {
  return `${without ? "without" : "by"} (${names.join(", ")})`;
}

function nodeOf(node: PlanNode, ranges: readonly RangePlan[]): ExplainedNode {
  switch (node.kind) {
    case "range":
      return { kind: "range", read: ranges.indexOf(node.range), fn: node.range.fn };
    case "aggregation": {
      const { fn, parameter, grouping } = node;
      const input = nodeOf(node.input, ranges);
      return { kind: "aggregation", fn, parameter, grouping: groupingText(grouping), input };
    }
    case "labelReplace": {
      const { target, replacement, source } = node;
      const input = nodeOf(node.input, ranges);
      return { kind: "labelReplace", target, replacement, source, regex: node.regex.source, input };
    }
    case "combine":
    case "set": {
      const left = nodeOf(node.left, ranges);
      return { kind: node.kind, op: node.op, left, right: nodeOf(node.right, ranges) };
    }
    case "vector":
    case "number":
      return { kind: node.kind, value: node.value };
    default:
      return node satisfies never;
  }
}

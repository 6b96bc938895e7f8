/**
 * What the frontend wants to know of a query without running it: how it is spelled when spelled
 * plainly, which entries it reads, and whether its answer depends on anything but these entries.
 */
import {
  type Expr,
  type LogExpr,
  type MetricExpr,
  parseQuery,
  printExpr,
  type RangeAggregation,
} from "#logql";
import type { TimeRange } from "#model";
import type { QueryRequest } from "#query";

export interface QueryShape {
  readonly expr: Expr;
  /** The text as it is printed: queries that differ in white space only have the same. */
  readonly text: string;
  /** Of a metric query, else empty. */
  readonly ranges: readonly RangeAggregation[];
}

/** Undefined when the text is no query: the engine says what is wrong with it. */
export function shapeOfQuery(text: string): QueryShape | undefined {
  try {
    const expr = parseQuery(text);
    return { expr, text: printExpr(expr), ranges: expr.kind === "log" ? [] : rangesOf(expr) };
  } catch {
    return undefined;
  }
}

function rangesOf(expr: MetricExpr): readonly RangeAggregation[] {
  switch (expr.kind) {
    case "rangeAggregation":
      return [expr];
    case "vectorAggregation":
    case "labelReplace":
      return rangesOf(expr.input);
    case "binary":
      return [...rangesOf(expr.left), ...rangesOf(expr.right)];
    case "vector":
    case "number":
      return [];
    default:
      return expr satisfies never;
  }
}

/** How far before and after a step the entries lie that count for it. */
export interface Reach {
  /** The oldest is younger than step - backNs. */
  readonly backNs: bigint;
  /** The youngest is at most at step + aheadNs; negative when all have an offset. */
  readonly aheadNs: bigint;
}

export function reachOf(ranges: readonly RangeAggregation[]): Reach {
  let [backNs, aheadNs] = [0n, 0n];
  for (const [i, { rangeNs, offsetNs }] of ranges.entries()) {
    if (i === 0 || rangeNs + offsetNs > backNs) backNs = rangeNs + offsetNs;
    if (i === 0 || -offsetNs > aheadNs) aheadNs = -offsetNs;
  }
  return { backNs, aheadNs };
}

/** The entries that steps from `firstNs` to `lastNs` look at. */
export function dataRange(
  steps: { readonly firstNs: bigint; readonly lastNs: bigint },
  { backNs, aheadNs }: Reach,
): TimeRange {
  return { fromNs: steps.firstNs - backNs + 1n, toNs: steps.lastNs + aheadNs + 1n };
}

/** Templates can ask for the time of day; `date` does when its argument is no time. */
const asksForNow = /\b(now|date)\b/;

/** The same entries give the same answer at any time. */
export function isTimeless({ expr, ranges }: QueryShape): boolean {
  const logs: readonly LogExpr[] = expr.kind === "log" ? [expr] : ranges.map(({ log }) => log);
  return logs.every((log) => log.stages.every((stage) => !templatesOf(stage).some(isTimely)));
}

function isTimely(template: string): boolean {
  return asksForNow.test(template);
}

function templatesOf(stage: LogExpr["stages"][number]): readonly string[] {
  if (stage.kind === "lineFormat") return [stage.template];
  if (stage.kind !== "labelFormat") return [];
  return stage.formats.flatMap((format) => (format.kind === "template" ? [format.template] : []));
}

const knownLimits = new WeakMap<object, string>();

/**
 * Two requests with the same identity have the same answer at the same moment. All that a request
 * consists of is in it, save for who waits for it.
 */
export function identityOf(request: QueryRequest, shape: QueryShape): string {
  const { signal: _signal, memory: _memory, tags: _tags, text, limits, ...rest } = request;
  // Rules of blocked_queries may look at the spelling.
  const spelling = limits.blockedQueries.length > 0 ? text : "";
  let limitsText = knownLimits.get(limits);
  if (limitsText === undefined) knownLimits.set(limits, (limitsText = asText(limits)));
  return [shape.text, spelling, asText(rest), limitsText].join("\n");
}

function asText(value: object): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? `${part}n` : part,
  );
}

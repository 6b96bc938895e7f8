/** What rules ask of the query engine. */
import { RequestError } from "#base";
import type { LimitsByTenant } from "#config";
import {
  type Expr,
  type LogExpr,
  type MetricExpr,
  parseQuery,
  printMatchers,
  printStage,
} from "#logql";
import { quoteGo } from "#model";
import type { QueryEngine, QueryRequest } from "#query";
import type { TemplateSample } from "./rule-functions.ts";

export interface RuleQueries {
  /** The samples of an instant query; a scalar is one sample without labels. Throws RequestError. */
  instant(question: InstantQuestion): Promise<readonly TemplateSample[]>;
  /** The first entries in [fromMs, toMs), oldest first. Throws RequestError. */
  lines(question: LinesQuestion): Promise<readonly string[]>;
}

export interface InstantQuestion {
  readonly tenant: string;
  readonly text: string;
  readonly atMs: number;
  /** The rule that asks, for logs of slow queries. */
  readonly rule: string;
  readonly signal: AbortSignal;
}

export interface LinesQuestion {
  readonly tenant: string;
  readonly text: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  readonly signal: AbortSignal;
}

export function engineRuleQueries(engine: QueryEngine, limits: LimitsByTenant): RuleQueries {
  const ask = (tenant: string, request: Partial<QueryRequest> & AskedPart) =>
    engine.run({
      tenants: [tenant],
      stepNs: undefined,
      intervalNs: 0n,
      // Of entries; metric queries have none but must say one.
      limit: 1,
      direction: "forward",
      limits: limits.for(tenant),
      ...request,
    });
  return {
    async instant({ tenant, text, atMs, rule, signal }) {
      const atNs = BigInt(Math.round(atMs)) * 1_000_000n;
      const times = { kind: "instant" as const, fromNs: atNs, toNs: atNs };
      const tags = `Source=ruler,Rule=${rule.replaceAll(/[^A-Za-z0-9_:.-]/g, "_")}`;
      const { data } = await ask(tenant, { text, ...times, tags, signal });
      if (data.kind === "scalar") return [{ labels: [], value: data.value }];
      if (data.kind === "vector") return data.samples;
      throw new RequestError(400, "rule result is not a vector or scalar");
    },
    async lines({ tenant, text, fromMs, toMs, count, signal }) {
      const fromNs = BigInt(Math.round(fromMs)) * 1_000_000n;
      const toNs = BigInt(Math.round(toMs)) * 1_000_000n;
      const tags = "Source=ruler";
      const times = { kind: "range" as const, fromNs, toNs };
      const { data } = await ask(tenant, { text, ...times, limit: count, tags, signal });
      if (data.kind !== "streams") return [];
      const entries = data.streams.flatMap((stream) => stream.entries);
      return entries.sort((a, b) => a.position - b.position).map(({ line }) => line);
    },
  };
}

type AskedPart = Pick<QueryRequest, "text" | "kind" | "fromNs" | "toNs" | "signal">;

/** The log query a metric query counts, and the time it looks at: what stands behind an alert. */
export interface BehindAlert {
  readonly text: string;
  readonly rangeMs: number;
  readonly offsetMs: number;
}

/**
 * The first log query in the expression, narrowed to the labels of one of its results where they are
 * labels of entries. Undefined when the expression reads no logs.
 */
export function behindAlert(
  expr: string,
  labels: readonly (readonly [string, string])[],
): BehindAlert | undefined {
  const found = firstRange(parseQuery(expr), true);
  if (found === undefined) return undefined;
  const { log, rangeNs, offsetNs, keepsLabels } = found;
  const narrowed = keepsLabels
    ? labels
        .filter(([, value]) => value !== "")
        .map(([name, value]) => `| ${name}=${quoteGo(value)}`)
    : [];
  const stages = log.stages.map(printStage);
  return {
    text: [printMatchers(log.matchers), ...stages, ...narrowed].join(" "),
    rangeMs: Number(rangeNs / 1_000_000n),
    offsetMs: Number(offsetNs / 1_000_000n),
  };
}

interface FoundRange {
  readonly log: LogExpr;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
  /** The labels of the result are labels of the entries: nothing renamed or joined them. */
  readonly keepsLabels: boolean;
}

function firstRange(expr: Expr, keepsLabels: boolean): FoundRange | undefined {
  if (expr.kind === "log") return { log: expr, rangeNs: 0n, offsetNs: 0n, keepsLabels };
  return firstOfMetric(expr, keepsLabels);
}

function firstOfMetric(expr: MetricExpr, keepsLabels: boolean): FoundRange | undefined {
  switch (expr.kind) {
    case "rangeAggregation":
      return { log: expr.log, rangeNs: expr.rangeNs, offsetNs: expr.offsetNs, keepsLabels };
    case "vectorAggregation":
      return firstOfMetric(expr.input, keepsLabels);
    case "labelReplace":
      return firstOfMetric(expr.input, false);
    case "binary":
      return firstOfMetric(expr.left, keepsLabels) ?? firstOfMetric(expr.right, keepsLabels);
    case "vector":
    case "number":
      return undefined;
    default:
      return expr satisfies never;
  }
}

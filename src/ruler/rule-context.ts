/** What the evaluation of rules needs of the world around it. */
import type { Labels } from "#model";
import type { RuleQueries } from "./rule-queries.ts";

export interface RuleContext {
  readonly queries: RuleQueries;
  /** ruler.external_labels. */
  readonly externalLabels: Readonly<Record<string, string>>;
  /** ruler.external_url. */
  readonly externalUrl: string;
  /** ruler.resend_delay. */
  readonly resendDelayMs: number;
  /** ruler.for_outage_tolerance. */
  readonly outageToleranceMs: number;
  /** ruler.for_grace_period. */
  readonly gracePeriodMs: number;
  /** A template that failed, a label set that is there twice: said, not thrown. */
  warn(message: string, fields: Readonly<Record<string, string>>): void;
}

/** An alert on its way to the Alertmanagers. Times are milliseconds since 1970. */
export interface OutgoingAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly generatorUrl: string;
}

/** A sample on its way to a remote write endpoint; `labels` hold `__name__`. */
export interface OutgoingSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  /** The series has ended: the value is Prometheus' staleness marker, a NaN of its own. */
  readonly isStale: boolean;
}

/** One evaluation of one rule. */
export interface RuleEvaluation {
  readonly tenant: string;
  readonly namespace: string;
  readonly group: string;
  /** The moment the result is of. */
  readonly nowMs: number;
  /** The moment the expression is asked at: `nowMs` less the group's query_offset. */
  readonly queryMs: number;
  readonly intervalMs: number;
  readonly limit: number;
  readonly signal: AbortSignal;
}

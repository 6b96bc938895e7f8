/** A rule that is being run: what it is and what its last evaluation said. */
import type { ActiveAlert } from "./active-alert.ts";
import type { OutgoingAlert, OutgoingSample, RuleContext, RuleEvaluation } from "./rule-context.ts";
import type { Rule } from "./rule-group.ts";

export type RuleHealth = "unknown" | "ok" | "err";

export interface RuleOutcome {
  readonly samples: readonly OutgoingSample[];
  readonly alerts: readonly OutgoingAlert[];
}

export interface RunningRule {
  readonly rule: Rule;
  /** Alerts of an alerting rule, empty for others. */
  readonly active: readonly ActiveAlert[];
  /** Throws RequestError and what queries throw; then alerts are as they were (or, past a limit, gone). */
  evaluate(evaluation: RuleEvaluation, context: RuleContext): Promise<RuleOutcome>;
  /** Markers for all series the rule wrote last: it is going away. */
  end(nowMs: number): readonly OutgoingSample[];
}

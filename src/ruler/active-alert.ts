/**
 * One alert and its way through inactive → pending → firing → resolved, as Prometheus has it
 * (prometheus.io/docs/prometheus/latest/configuration/alerting_rules). Times are milliseconds
 * since 1970, of evaluations, never of the wall clock.
 */
import type { Labels } from "#model";

export type AlertState = "pending" | "firing" | "inactive";

export interface ActiveAlert {
  readonly labels: Labels;
  annotations: Labels;
  state: AlertState;
  value: number;
  /** When the expression began to hold. */
  activeAtMs: number;
  firedAtMs: number | undefined;
  /** Set in state `inactive`: the alert is only kept to be reported as over. */
  resolvedAtMs: number | undefined;
  keepFiringSinceMs: number | undefined;
  lastSentAtMs: number | undefined;
}

/** Alerts that are over go on being reported for so long, in case nobody heard. */
export const resolvedRetentionMs: number = 15 * 60_000;

export interface TransitionRules {
  readonly nowMs: number;
  readonly forMs: number;
  readonly keepFiringForMs: number;
}

/** What one evaluation does to an alert. Returns false when it is to be forgotten. */
export function advanceAlert(
  alert: ActiveAlert,
  holds: boolean,
  { nowMs, forMs, keepFiringForMs }: TransitionRules,
): boolean {
  if (!holds) {
    if (alert.state === "firing" && keepFiringForMs > 0) {
      alert.keepFiringSinceMs ??= nowMs;
      if (nowMs - alert.keepFiringSinceMs < keepFiringForMs) return true;
    }
    if (alert.state === "pending") return false;
    if (alert.resolvedAtMs !== undefined && nowMs - alert.resolvedAtMs > resolvedRetentionMs) {
      return false;
    }
    if (alert.state !== "inactive") {
      alert.state = "inactive";
      alert.resolvedAtMs = nowMs;
    }
    return true;
  }
  alert.keepFiringSinceMs = undefined;
  if (alert.state === "pending" && nowMs - alert.activeAtMs >= forMs) {
    alert.state = "firing";
    alert.firedAtMs = nowMs;
  }
  return true;
}

/** Is it time to tell the Alertmanagers (again)? */
export function needsSending(alert: ActiveAlert, nowMs: number, resendDelayMs: number): boolean {
  if (alert.state === "pending") return false;
  const { lastSentAtMs, resolvedAtMs } = alert;
  if (lastSentAtMs === undefined) return true;
  if (resolvedAtMs !== undefined && resolvedAtMs > lastSentAtMs) return true;
  return lastSentAtMs + resendDelayMs < nowMs;
}

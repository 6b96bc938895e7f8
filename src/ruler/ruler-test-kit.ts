/** A ruler without a world around it: queries answered by a table, outlets that remember. */
import { MemoryObjectStore } from "#objectstore";
import { createLogger, createMetrics, type Logger, type Metrics } from "#telemetry";
import { ManualClock } from "#world";
import { AlertStateStore } from "./alert-state.ts";
import { GroupEvaluator } from "./group-evaluator.ts";
import type { OutgoingAlert, OutgoingSample, RuleContext } from "./rule-context.ts";
import type { TemplateSample } from "./rule-functions.ts";
import type { RuleOutlets } from "./rule-outlets.ts";
import { parseRuleGroup } from "./rule-yaml.ts";

/** A test's `now` at the start: whole minutes are easy to read. */
export const startMs: number = Date.UTC(2026, 0, 10);

export class RulerTestKit {
  readonly clock: ManualClock = new ManualClock({ nowMs: startMs });
  readonly objects: MemoryObjectStore = new MemoryObjectStore({ nowMs: () => startMs });
  readonly states: AlertStateStore = new AlertStateStore(this.objects);
  readonly alerts: OutgoingAlert[] = [];
  readonly samples: OutgoingSample[] = [];
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  readonly logged: string[] = [];
  /** What the next queries answer, by text; an Error is thrown. */
  readonly answers: Map<string, readonly TemplateSample[] | Error> = new Map();
  readonly asked: { text: string; atMs: number }[] = [];
  lines: readonly string[] = [];
  /** Awaited by each query once it is in `asked`. */
  beforeAnswer: () => Promise<void> = async () => undefined;
  context: RuleContext = {
    queries: {
      instant: async ({ text, atMs }) => {
        this.asked.push({ text, atMs });
        await this.beforeAnswer();
        const answer = this.answers.get(text) ?? [];
        if (answer instanceof Error) throw answer;
        return answer;
      },
      lines: async ({ text, count, fromMs, toMs }) => {
        this.asked.push({ text: `${text} [${toMs - fromMs}]`, atMs: toMs });
        return this.lines.slice(0, count);
      },
    },
    externalLabels: { cluster: "c" },
    externalUrl: "http://skald",
    resendDelayMs: 60_000,
    outageToleranceMs: 3_600_000,
    gracePeriodMs: 600_000,
    warn: (message, fields) => this.warnings.push(`${message}: ${fields["reason"]}`),
  };

  readonly outlets: RuleOutlets = {
    notify: (_tenant: string, alerts: readonly OutgoingAlert[]): void => {
      this.alerts.push(...alerts);
    },
    writesSamples: (): boolean => true,
    write: async (_tenant: string, samples: readonly OutgoingSample[]): Promise<void> => {
      this.samples.push(...samples);
    },
  };

  readonly log: Logger = createLogger({
    level: "warn",
    format: "logfmt",
    write: (line) => this.logged.push(line),
  });
  readonly metrics: Metrics = createMetrics({ process: false });

  group(yaml: string): GroupEvaluator {
    const group = parseRuleGroup(yaml);
    return new GroupEvaluator({
      tenant: "t",
      placed: { namespace: "ns", group },
      intervalMs: group.intervalMs || 60_000,
      context: this.context,
      outlets: this.outlets,
      states: this.states,
      clock: this.clock,
      observe: {
        evaluated: ({ error }) => {
          if (error !== undefined) this.errors.push(error);
        },
        failed: ({ what, reason }) => this.errors.push(`${what}: ${reason}`),
      },
    });
  }

  /** What was sent since the last call, as `name=value … from until`, in minutes from the start. */
  takeAlerts(): string[] {
    return this.alerts.splice(0).map(({ labels, startsAtMs, endsAtMs }) => {
      const text = labels.pairs.map(([name, value]) => `${name}=${value}`).join(" ");
      return `${text} ${minutes(startsAtMs)} ${minutes(endsAtMs)}`;
    });
  }

  takeSamples(): string[] {
    return this.samples.splice(0).map(({ labels, value, isStale }) => {
      return `${labels.toString()} ${isStale ? "stale" : value}`;
    });
  }
}

function minutes(timeMs: number): number {
  return (timeMs - startMs) / 60_000;
}

export function sample(labels: Readonly<Record<string, string>>, value: number): TemplateSample {
  return { labels: Object.entries(labels), value };
}

/**
 * Rules over lines in memory, in a time of their own: the distributor, the head, the query engine
 * and the group evaluator of the server, with a clock that goes from evaluation to evaluation.
 */
import { defaultLimits, type Limits, type LimitsByTenant } from "#config";
import { Distributor, Head, HeadBlocks, HeadStore } from "#ingest";
import type { Labels } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { createQueryEngine, type QueryEngine, type QueryResult } from "#query";
import {
  AlertStateStore,
  engineRuleQueries,
  GroupEvaluator,
  type OutgoingSample,
  type PlacedGroup,
  type RuleContext,
  type RuleOutlets,
} from "#ruler";
import { ManualClock } from "#world";
import { MiB } from "#base";
import type { RuleTest, TestEntry } from "./rule-test-format.ts";

const tenant = "test";
/** As many entries as an answer of the server holds by default. */
const logsMax = 5000;
/**
 * Lines of the future are pushed so far ahead: the head gathers its rows anew after every push.
 * Only a negative offset could see them; with one, nothing is pushed ahead.
 */
const aheadMs = 3_600_000;
const looksAhead = /\boffset\s*-/;
/** A batch of lines at one moment is pushed in requests of so many. */
const pushLinesMax = 10_000;

export interface FiringAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

export class RuleTestEngine {
  readonly #test: RuleTest;
  readonly #clock: ManualClock;
  readonly #head: Head;
  readonly #distributor: Distributor;
  readonly #engine: QueryEngine;
  readonly #limits: LimitsByTenant;
  readonly #groups: readonly GroupEvaluator[];
  readonly #recorded = new Map<string, OutgoingSample[]>();
  readonly #signal: AbortSignal;
  readonly #aheadMs: number;
  #pushed = 0;
  #sequence = 0;
  /** What rules and pushes complained of, each once. */
  readonly complaints: Set<string> = new Set();

  constructor(options: {
    readonly test: RuleTest;
    /** In the order of their evaluation. */
    readonly groups: readonly PlacedGroup[];
    readonly intervalMs: number;
    readonly signal: AbortSignal;
  }) {
    const { test, groups, intervalMs, signal } = options;
    this.#test = test;
    this.#signal = signal;
    const texts = [
      ...groups.flatMap(({ group }) => group.rules.map((rule) => JSON.stringify(rule))),
      ...test.expectations.map((one) => ("expr" in one ? one.expr : "")),
    ];
    this.#aheadMs = texts.some((text) => looksAhead.test(text)) ? 0 : aheadMs;
    this.#clock = new ManualClock({ nowMs: test.startMs });
    const clock = this.#clock;
    const limits = limitsOf(test);
    this.#limits = { for: () => limits };
    this.#head = new Head({ clock });
    const store = new HeadStore({ head: this.#head, blocks: new HeadBlocks({ hashSeed: 1 }) });
    this.#engine = createQueryEngine({ store, clock });
    this.#distributor = new Distributor({
      limits: this.#limits,
      clock,
      active: this.#head,
      observer: { received: () => undefined, discarded: () => undefined },
      body: { compressedBytesMax: 1024 * MiB, rawBytesMax: 1024 * MiB },
    });
    const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
    const states = new AlertStateStore(objects);
    const context = this.#context();
    this.#groups = groups.map(
      (placed) =>
        new GroupEvaluator({
          tenant,
          placed,
          intervalMs: placed.group.intervalMs || intervalMs,
          context,
          outlets: this.#outlets,
          states,
          clock,
          observe: {
            evaluated: ({ rule, error }) => {
              if (error === undefined) return;
              this.complaints.add(`rule ${rule.alert || rule.record}: ${error}`);
            },
            failed: ({ what, reason }) => this.complaints.add(`${what}: ${reason}`),
          },
        }),
    );
  }

  /** Evaluates all that is due up to and including this moment, oldest first. */
  async advanceTo(afterMs: number): Promise<void> {
    for (;;) {
      const nextMs = this.#nextEvaluationMs();
      if (nextMs > this.#test.startMs + afterMs) break;
      this.#moveTo(nextMs);
      for (const group of this.#groups) {
        if (this.#dueMs(group) === nextMs) {
          await group.evaluate(nextMs, this.#signal);
          this.#evaluated.add(group);
        }
      }
    }
    this.#moveTo(this.#test.startMs + afterMs);
  }

  readonly #evaluated = new Set<GroupEvaluator>();

  #dueMs(group: GroupEvaluator): number {
    const { startMs } = this.#test;
    return this.#evaluated.has(group) ? group.evaluatedAtMs + group.intervalMs : startMs;
  }

  #nextEvaluationMs(): number {
    return this.#groups.reduce((min, group) => Math.min(min, this.#dueMs(group)), Infinity);
  }

  firing(alert: string, ofGroup: string | undefined): FiringAlert[] {
    const groups = this.#groups.filter(
      ({ placed }) => ofGroup === undefined || placed.group.name === ofGroup,
    );
    return groups
      .flatMap((group) => group.reports())
      .filter(({ rule }) => rule.alert === alert)
      .flatMap(({ alerts }) => alerts.filter(({ state }) => state === "firing"));
  }

  /** Of the last evaluation. */
  recorded(record: string): { labels: Labels; value: number }[] {
    return (this.#recorded.get(record) ?? []).filter(({ isStale }) => !isStale);
  }

  /** As of now. Throws RequestError. */
  ask(text: string, kind: "samples" | "logs"): Promise<QueryResult> {
    const nowNs = this.#clock.nowNs();
    const times =
      kind === "samples"
        ? { kind: "instant" as const, fromNs: nowNs, toNs: nowNs }
        : { kind: "range" as const, fromNs: this.#startNs, toNs: nowNs + 1n };
    return this.#engine.run({
      tenants: [tenant],
      text,
      ...times,
      stepNs: undefined,
      intervalNs: 0n,
      limit: logsMax,
      direction: "forward",
      limits: this.#limits.for(tenant),
      signal: this.#signal,
    });
  }

  get #startNs(): bigint {
    return BigInt(this.#test.startMs) * 1_000_000n;
  }

  #moveTo(nowMs: number): void {
    this.#clock.advance(nowMs - this.#clock.nowMs());
    const { entries, startMs } = this.#test;
    const untilNs = (ms: number): bigint => BigInt(ms - startMs) * 1_000_000n;
    const from = this.#pushed;
    if (from === entries.length || entries[from]!.afterNs > untilNs(nowMs)) return;
    const aheadNs = untilNs(nowMs + this.#aheadMs);
    while (this.#pushed < entries.length && entries[this.#pushed]!.afterNs <= aheadNs) {
      this.#pushed++;
    }
    for (let at = from; at < this.#pushed; at += pushLinesMax) {
      this.#push(entries.slice(at, Math.min(at + pushLinesMax, this.#pushed)));
    }
  }

  #push(entries: readonly TestEntry[]): void {
    const streams = [...Map.groupBy(entries, ({ labels }) => labels)].map(([labels, some]) => ({
      stream: labels.toRecord(),
      values: some.map(({ afterNs, line, metadata }) => [
        String(this.#startNs + afterNs),
        line,
        metadata,
      ]),
    }));
    const { reply, accepted } = this.#distributor.push({
      tenant,
      kind: "loki",
      contentType: "application/json",
      contentEncoding: undefined,
      body: Buffer.from(JSON.stringify({ streams })),
    });
    if (reply.status >= 300) this.complaints.add(`lines refused: ${reply.text.trim()}`);
    if (accepted === undefined) return;
    this.#head.apply({ tenant, batch: accepted.batch, sequence: ++this.#sequence });
  }

  #context(): RuleContext {
    return {
      queries: engineRuleQueries(this.#engine, this.#limits),
      externalLabels: this.#test.externalLabels,
      externalUrl: this.#test.externalUrl,
      resendDelayMs: 60_000,
      outageToleranceMs: Number.MAX_SAFE_INTEGER,
      gracePeriodMs: 0,
      warn: (message, { reason, name }) => this.complaints.add(`${message}: ${name}: ${reason}`),
    };
  }

  readonly #outlets: RuleOutlets = {
    notify: () => undefined,
    writesSamples: () => true,
    write: async (_tenant, samples) => {
      const byName = Map.groupBy(samples, ({ labels }) => labels.get("__name__") ?? "");
      for (const [name, some] of byName) {
        const before = this.#recorded.get(name) ?? [];
        // Rules of one name in several groups write at the same moment.
        const nowMs = some[0]!.timeMs;
        const beside = before.filter(({ timeMs }) => timeMs === nowMs);
        this.#recorded.set(name, [...beside, ...some]);
      }
    },
  };
}

/** No rates, and no labels but those written down, unless the test asks for them. */
function limitsOf({ discoversLabels }: RuleTest): Limits {
  const unbounded = Number.MAX_SAFE_INTEGER;
  return {
    ...defaultLimits,
    ingestionRateBytesPerSecond: unbounded,
    ingestionBurstBytes: unbounded,
    perStreamRateBytesPerSecond: unbounded,
    perStreamBurstBytes: unbounded,
    maxGlobalStreamsPerUser: 0,
    rejectOldSamples: false,
    creationGracePeriodMs: unbounded,
    ...(discoversLabels ? {} : { discoverLogLevels: false, discoverServiceName: [] }),
  };
}

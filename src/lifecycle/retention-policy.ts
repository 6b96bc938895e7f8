/** How long the entries of a stream are kept. Pure. Rules and their order are Loki's. */
import { createHash } from "node:crypto";
import { messageOf, nsPerMs, StoreError } from "#base";
import type { Limits } from "#config";
import { parseLogSelector } from "#logql";
import { type Labels, type Matcher, timestampMinNs } from "#model";
import type { Mask } from "./mask.ts";

interface Rule {
  /** Undefined: every stream that no other rule takes. */
  readonly matchers: readonly Matcher[] | undefined;
  /** 0: for ever. */
  readonly periodMs: number;
  readonly text: string;
}

export type RetentionLimits = Pick<Limits, "retentionPeriodMs" | "retentionStream">;

/** What is masked moves on in steps of this: it is part of the name of remembered results. */
export const cutStepMs = 1000;

export class RetentionPolicy {
  /** The first that selects a stream holds; the last one selects all. */
  readonly #rules: readonly Rule[];
  readonly #ruleOf = new WeakMap<Labels, number>();
  /** Another one for other rules, the same after a restart. */
  readonly digest: string;

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    const text = rules.map((rule) => `${rule.text}\n${rule.periodMs}`).join("\n");
    this.digest = createHash("sha256").update(text).digest("base64url").slice(0, 12);
  }

  /**
   * The rule of the highest priority that selects a stream holds, of equal ones the shortest.
   * Throws StoreError `denied` when a selector cannot be read.
   */
  static of(limits: RetentionLimits): RetentionPolicy {
    const sorted = [...limits.retentionStream].sort(
      (a, b) => b.priority - a.priority || shorter(a.periodMs, b.periodMs),
    );
    const rules = sorted.map(({ selector, periodMs }): Rule => {
      return { matchers: matchersOf(selector), periodMs, text: selector };
    });
    return new RetentionPolicy([
      ...rules,
      { matchers: undefined, periodMs: limits.retentionPeriodMs, text: "" },
    ]);
  }

  /** Nothing ever expires. */
  get isIdle(): boolean {
    return this.#rules.every(({ periodMs }) => periodMs === 0);
  }

  /** 0: for ever. */
  periodMsOf(labels: Labels): number {
    return this.#rules[this.#numberOf(labels)]!.periodMs;
  }

  /** The rule's selector, `default` for what no selector names. */
  ruleTextOf(labels: Labels): string {
    const { text } = this.#rules[this.#numberOf(labels)]!;
    return text === "" ? "default" : text;
  }

  #numberOf(labels: Labels): number {
    let number = this.#ruleOf.get(labels);
    if (number === undefined) {
      number = this.#rules.findIndex(
        ({ matchers }) =>
          matchers === undefined ||
          matchers.every((matcher) => matcher.test(labels.get(matcher.name) ?? "")),
      );
      this.#ruleOf.set(labels, number);
    }
    return number;
  }

  /** Of all streams there may be; undefined when some are kept for ever. */
  get longestMs(): number | undefined {
    const periods = this.#rules.map(({ periodMs }) => periodMs);
    return periods.includes(0) ? undefined : Math.max(...periods);
  }

  /** Undefined when nothing ever expires. */
  get shortestMs(): number | undefined {
    const periods = this.#rules.map(({ periodMs }) => periodMs).filter((ms) => ms > 0);
    return periods.length === 0 ? undefined : Math.min(...periods);
  }

  /** One mask per rule: entries older than its period at `nowMs`. */
  masks(nowMs: number): Mask[] {
    return this.#rules.flatMap(({ periodMs, text, matchers }, number) =>
      periodMs === 0
        ? []
        : [
            {
              name: `retention ${text === "" ? "default" : text}`,
              range: { fromNs: timestampMinNs, toNs: cutNs(nowMs, periodMs) },
              matchers: matchers ?? [],
              selects: (labels: Labels) => this.#numberOf(labels) === number,
              pipeline: undefined,
            },
          ],
    );
  }
}

/** Entries before it are expired. */
export function cutNs(nowMs: number, periodMs: number): bigint {
  const steppedMs = Math.floor(nowMs / cutStepMs) * cutStepMs;
  return BigInt(steppedMs - periodMs) * nsPerMs;
}

function shorter(aMs: number, bMs: number): number {
  if (aMs === bMs) return 0;
  // 0 is the longest.
  if (aMs === 0) return 1;
  return bMs === 0 ? -1 : aMs - bMs;
}

function matchersOf(selector: string): readonly Matcher[] {
  try {
    return parseLogSelector(selector, { requireMatcher: false }).matchers;
  } catch (error) {
    throw new StoreError("denied", `retention_stream: selector ${selector}: ${messageOf(error)}`);
  }
}

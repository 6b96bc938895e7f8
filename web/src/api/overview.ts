// The questions of the overview.
import { askRange, nsOf } from "./questions.ts";
import { askJson } from "./client.ts";
import type { SeriesAnswer, TimeRange } from "./types.ts";

/** Steps over a range, on the grid of the step, and the range widened to whole steps. */
export function stepsOf(range: TimeRange, stepSeconds: number) {
  const stepMs = stepSeconds * 1000;
  return {
    fromSeconds: (Math.floor(range.fromMs / stepMs) * stepMs) / 1000,
    toSeconds: (Math.ceil(range.toMs / stepMs) * stepMs) / 1000,
    stepSeconds,
  };
}

export interface CountQuestion {
  readonly selector: string;
  /** Labels that are kept apart. */
  readonly by: readonly string[];
  readonly range: TimeRange;
  readonly stepSeconds: number;
  readonly signal: AbortSignal;
}

/** Lines in each step; the value at a time counts the step before it. */
export async function askCounts(question: CountQuestion): Promise<readonly SeriesAnswer[]> {
  const { selector, by, range, stepSeconds, signal } = question;
  const { fromSeconds, toSeconds } = stepsOf(range, stepSeconds);
  const { data } = await askRange({
    query: `sum by (${by.join(", ")}) (count_over_time(${selector}[${stepSeconds}s]))`,
    range: { fromMs: (fromSeconds + stepSeconds) * 1000, toMs: toSeconds * 1000 },
    stepSeconds,
    signal,
  });
  return data.resultType === "matrix" ? data.result : [];
}

export interface PatternAnswer {
  readonly pattern: string;
  readonly level?: string;
  /** Seconds and how many lines. */
  readonly samples: readonly (readonly [number, number])[];
}

export async function askPatterns(
  selector: string,
  range: TimeRange,
  { stepSeconds, signal }: { readonly stepSeconds: number; readonly signal: AbortSignal },
): Promise<readonly PatternAnswer[]> {
  const answer = await askJson<{ data?: PatternAnswer[] }>("loki/api/v1/patterns", {
    query: {
      query: selector,
      start: nsOf(range.fromMs),
      end: nsOf(range.toMs),
      step: `${stepSeconds}s`,
    },
    signal,
  });
  return answer.data ?? [];
}

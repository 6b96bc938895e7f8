import type { Matcher, TimeRange } from "#model";
import { type HiddenPatterns, PatternSums } from "./merge-patterns.ts";
import type { Pattern } from "./pattern.ts";
import { decodePatterns } from "./pattern-section.ts";
import type { PatternStore } from "./pattern-store.ts";

/** Label that chooses among the tenants of a question. */
const tenantLabel = "__tenant_id__";

export interface PatternQuestion {
  readonly tenants: readonly string[];
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly stepNs: bigint;
  readonly signal: AbortSignal;
}

/** Patterns over what is in memory and what is in segments. */
export interface PatternQueries {
  /** Most frequent first, at most `patternsMax`. */
  patterns(question: PatternQuestion): Promise<Pattern[]>;
}

export interface PatternSources {
  readonly live: PatternStore;
  /**
   * Sections of kind `patternSectionKind` of the tenant's segments with entries in the range. What
   * cannot be read is left out.
   */
  readonly sections: (
    tenant: string,
    range: TimeRange,
    signal: AbortSignal,
  ) => Promise<readonly Buffer[]>;
  /** What of the tenant is deleted or expired. */
  readonly hidden: (tenant: string, range: TimeRange) => Promise<readonly HiddenPatterns[]>;
}

/** Memory is asked before segments: what moves meanwhile may count twice, but is not missed. */
export function createPatternQueries({ live, sections, hidden }: PatternSources): PatternQueries {
  return {
    patterns: async ({ tenants, matchers, range, stepNs, signal }) => {
      const isMulti = tenants.length > 1;
      const choosing = matchers.filter(({ name }) => isMulti && name === tenantLabel);
      const others = matchers.filter((matcher) => !choosing.includes(matcher));
      const chosen = tenants.filter((tenant) => choosing.every(({ test }) => test(tenant)));
      const sums = new PatternSums({ ...range, matchers: others, stepNs });
      for (const tenant of chosen) {
        sums.hide(await hidden(tenant, range));
        live.addTo(sums, tenant);
        for (const section of await sections(tenant, range, signal)) {
          for (const counts of decodePatterns(section)) sums.add(counts);
        }
        signal.throwIfAborted();
      }
      return sums.patterns();
    },
  };
}

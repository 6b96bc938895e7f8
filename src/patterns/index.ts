/** What lines look like, learned while they come in: templates and how often each came. */
export type { HiddenPatterns } from "./merge-patterns.ts";
export type { Pattern, PatternCounts, PatternRequest } from "./pattern.ts";
export {
  createPatternQueries,
  type PatternQueries,
  type PatternQuestion,
  type PatternSources,
} from "./pattern-queries.ts";
export {
  decodePatterns,
  encodePatterns,
  mergePatternSections,
  patternSectionKind,
} from "./pattern-section.ts";
export { PatternStore, type PatternStoreOptions, type SealedPatterns } from "./pattern-store.ts";

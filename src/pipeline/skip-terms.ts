import type { SkipTerms } from "#storage";
import type { LineFilter, LineMatcher } from "./line-matchers.ts";

/**
 * What lines must contain to pass leading filters, for stores to leave out blocks. A term that
 * proves nothing is left out.
 */
export function skipTermsOf(filters: readonly LineFilter[]): SkipTerms {
  return { lineTerms: filters.flatMap(termsOfFilter) };
}

function termsOfFilter(filter: LineFilter): Buffer[][] {
  if (filter.isNegated) return [];
  const [only, ...others] = filter.matchers;
  if (only === undefined) return [];
  if (others.length === 0) return termsOfMatcher(only);
  // Of several alternatives one must hold: one term of each, joined, is what every passing line
  // must have.
  const joined: Buffer[] = [];
  for (const matcher of filter.matchers) {
    const best = mostSelective(termsOfMatcher(matcher));
    if (best === undefined) return [];
    joined.push(...best);
  }
  return [joined];
}

function termsOfMatcher(matcher: LineMatcher): Buffer[][] {
  switch (matcher.kind) {
    case "literal":
      return [[matcher.bytes]];
    case "literals":
      return [[...matcher.all]];
    case "regex":
      return matcher.regex.requiredLiterals
        .filter((term) => term.length > 0 && term.every((text) => text !== ""))
        .map((term) => term.map((text) => Buffer.from(text)));
    case "pattern":
      return matcher.parts.flatMap((part) => (part.kind === "literal" ? [[part.bytes]] : []));
    case "all":
    case "none":
    case "ip":
      return [];
    default:
      return matcher satisfies never;
  }
}

/** The term whose shortest alternative is longest. */
function mostSelective(terms: readonly Buffer[][]): Buffer[] | undefined {
  let best: Buffer[] | undefined;
  let bestLength = 0;
  for (const term of terms) {
    const length = Math.min(...term.map((bytes) => bytes.length));
    if (length <= bestLength) continue;
    best = term;
    bestLength = length;
  }
  return best;
}

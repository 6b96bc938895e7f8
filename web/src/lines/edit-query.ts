// How "only these" and "not these" of a value change a query; pure.
import {
  type Filter,
  isLogQuery,
  parsersIn,
  withLabelFilter,
  withMatcher,
  withStage,
} from "../logql/query-text.ts";

/** A value of an entry, and where its name was found. */
export interface FieldFilter {
  readonly name: string;
  readonly value: string;
  /** `json` and `logfmt`: in the line itself, which the query does not parse. */
  readonly kind: "label" | "metadata" | "parsed" | "json" | "logfmt";
}

/** The query with the filter: a matcher for a label, a stage for the rest, behind its parser. */
export function withFieldFilter(
  query: string,
  field: FieldFilter,
  operator: Filter["operator"],
): string {
  const { name, value, kind } = field;
  const filter = { name, operator, value };
  if (kind === "label") return withMatcher(query, filter);
  const isParsed = kind !== "json" && kind !== "logfmt";
  if (isParsed || parsersIn(query).includes(kind) || !isLogQuery(query)) {
    return withLabelFilter(query, filter);
  }
  return withLabelFilter(withStage(query, `| ${kind}`), filter);
}

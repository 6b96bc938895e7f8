import type { LabelFilter, Stage } from "#logql";
import { changesLine } from "./compile-stages.ts";
import type { LabelTerm } from "#storage";
import { extractedSuffix } from "./base-labels.ts";
import type { LineFilter, LineMatcher } from "./line-matchers.ts";

/**
 * A line filter that follows from a label filter: `| json | status="503"` passes no line without
 * the bytes `503`. It holds for streams and blocks whose entries do not come with a label of the
 * name.
 */
export interface Prefilter {
  readonly label: string;
  readonly filter: LineFilter;
}

/**
 * Values that stand in a line as they are, unless a character is written as `\u00XX`: the other
 * escapes of JSON and logfmt cannot make these characters.
 */
const plainValue = /^[a-zA-Z0-9_.:@#=+*,;-]{3,}$/;
const escapedAscii = Buffer.from("\\u00");

/**
 * Of the label filters behind `from` leading line filters, as long as every value in question was
 * parsed from the line.
 */
export function prefiltersOf(stages: readonly Stage[], from: number): Prefilter[] {
  const found: Prefilter[] = [];
  for (const stage of stages.slice(from)) {
    if (stage.kind === "labelFilter") found.push(...ofFilter(stage.filter));
    else if (stage.kind === "unpack" || stage.kind === "lineFilter") continue;
    else if (changesLine(stage) || stage.kind === "labelFormat") break;
  }
  return found;
}

/**
 * Labels that every passing row has, for stores to leave out blocks, under the same conditions. A
 * label behind a parser may come from a line; then the line holds its value.
 */
export function labelTermsOf(stages: readonly Stage[], from: number): LabelTerm[] {
  const found: LabelTerm[] = [];
  let isParsed = false;
  for (const stage of stages.slice(from)) {
    if (stage.kind === "labelFilter") found.push(...termsOfFilter(stage.filter, isParsed));
    else if (stage.kind === "unpack") isParsed = true;
    else if (changesLine(stage) || stage.kind === "labelFormat") break;
    else if (parserKinds.has(stage.kind)) isParsed = true;
  }
  return found;
}

const parserKinds: ReadonlySet<Stage["kind"]> = new Set(["json", "logfmt", "pattern", "regexp"]);

function termsOfFilter(filter: LabelFilter, isParsed: boolean): LabelTerm[] {
  if (filter.kind === "and") {
    return [...termsOfFilter(filter.left, isParsed), ...termsOfFilter(filter.right, isParsed)];
  }
  if (filter.kind !== "text" || filter.matcher.op !== "=") return [];
  const { name, value } = filter.matcher;
  // Metadata may go by a name that ends so, though it is not called so where it is stored.
  if (value === "" || name.startsWith("__") || name.endsWith(extractedSuffix)) return [];
  if (!isParsed) return [{ name, value, lines: undefined }];
  return plainValue.test(value) ? [{ name, value, lines: [Buffer.from(value), escapedAscii] }] : [];
}

function ofFilter(filter: LabelFilter): Prefilter[] {
  if (filter.kind === "and") return [...ofFilter(filter.left), ...ofFilter(filter.right)];
  if (filter.kind !== "text" || filter.matcher.op !== "=") return [];
  const { name, value } = filter.matcher;
  if (!plainValue.test(value) || name.startsWith("__")) return [];
  const literals = [Buffer.from(value), escapedAscii];
  const matchers = literals.map((bytes): LineMatcher => ({ kind: "literal", bytes }));
  return [{ label: name, filter: { isNegated: false, matchers } }];
}

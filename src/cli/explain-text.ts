/** The server's explanation of a query as an indented text. Pure. */
import { formatRfc3339Nano } from "#gofmt";
import { listOf, objectOf, timeNsOf } from "./answers.ts";
import { formatByteCount } from "./byte-count.ts";

type Node = Readonly<Record<string, unknown>>;

/** `data` of `/skald/api/v1/explain`. */
export function explainLines(data: Node): string[] {
  const lines = [`${String(data["kind"])} query  ${String(data["query"])}`];
  if (data["plan"] !== undefined) lines.push("", "plan", ...nodeLines(data["plan"], "  "));
  for (const [at, read] of listOf(data["reads"], "reads").entries()) {
    lines.push("", ...readLines(objectOf(read, "a read"), at));
  }
  const answer = listOf(data["answerStages"], "answerStages");
  if (answer.length > 0) lines.push("", `on the whole answer  ${answer.join(" ")}`);
  for (const warning of listOf(data["warnings"], "warnings")) {
    lines.push("", `warning: ${String(warning)}`);
  }
  return lines;
}

/** Members of a node that are nodes themselves, in the order they are printed. */
const inner = ["input", "left", "right"] as const;

function nodeLines(value: unknown, indent: string): string[] {
  const node = objectOf(value, "a node of the plan");
  const facts = Object.entries(node)
    .filter(([name, fact]) => name !== "kind" && !isNode(fact) && fact !== undefined)
    .map(([name, fact]) => factText(name, fact));
  const lines = [`${indent}${[String(node["kind"]), ...facts].join("  ")}`];
  for (const name of inner) {
    if (isNode(node[name])) lines.push(...nodeLines(node[name], `${indent}  `));
  }
  return lines;
}

function isNode(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value;
}

function factText(name: string, fact: unknown): string {
  if (name === "read") return `of read ${Number(fact) + 1}`;
  if (name === "fn" || name === "op" || name === "grouping") return String(fact);
  return `${name} ${typeof fact === "string" ? fact : JSON.stringify(fact)}`;
}

function readLines(read: Node, at: number): string[] {
  const number = (name: string): number => Number(read[name] ?? 0);
  const bytes = objectOf(read["bytesByColumn"], "bytesByColumn");
  const columns = Object.entries(bytes)
    .filter(([, count]) => Number(count) > 0)
    .map(([name, count]) => `${columnNames[name] ?? name} ${formatByteCount(Number(count))}`);
  const moment = (name: string): string => formatRfc3339Nano(timeNsOf(read[name]));
  const rows: (readonly [string, string])[] = [
    ["range", `${moment("startNs")} to ${moment("endNs")}`],
    ["streams", String(number("streams"))],
    ["segments", `${number("segmentsConsidered")} looked at`],
    ["blocks", blocksText(objectOf(read["blocks"], "blocks"))],
    ["entries", `at most ${number("entries")}`],
    ["bytes", `at most ${formatByteCount(number("estimatedBytes"))}: ${columns.join(", ")}`],
    ["metadata", metadataText(read["metadata"])],
    ["filters ask", termsText(listOf(read["skipTerms"], "skipTerms"))],
    ["from", sourcesText(listOf(read["sources"], "sources"))],
  ];
  const aggregation = read["aggregation"];
  const how = aggregation === undefined ? "" : `  ${aggregationText(aggregation)}`;
  return [
    `read ${at + 1}  ${String(read["selector"])}${how}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(12)} ${text}`),
    ...listOf(read["stages"], "stages").map(stageLine),
  ];
}

/** Of Loki's chunks there may be thousands; the answer as JSON has all of them. */
const sourcesShownMax = 8;

function sourcesText(sources: readonly unknown[]): string {
  const shown = sources.slice(0, sourcesShownMax).join(", ");
  const more = sources.length - sourcesShownMax;
  return more > 0 ? `${shown} and ${more} more` : shown || "nothing";
}

const columnNames: Readonly<Record<string, string>> = {
  timestamps: "times",
  lineLengths: "lengths",
  lines: "lines",
};

function blocksText(blocks: Node): string {
  const parts = [`${Number(blocks["read"] ?? 0)} to read`];
  const also: readonly (readonly [string, string])[] = [
    ["skipped", "skipped by filters"],
    ["answeredByFacts", "answered without reading"],
    ["overlapping", "overlapping"],
    ["estimated", "known from Loki's index, which has no filters"],
  ];
  for (const [name, text] of also) {
    if (Number(blocks[name] ?? 0) > 0) parts.push(`${Number(blocks[name])} ${text}`);
  }
  return parts.join(", ");
}

function metadataText(metadata: unknown): string {
  if (metadata === "all") return "all";
  return listOf(metadata, "metadata").join(", ") || "none";
}

function termsText(terms: readonly unknown[]): string {
  if (terms.length === 0) return "nothing: no stage rules out a block";
  return terms
    .map((term) =>
      listOf(term, "a term")
        .map((text) => JSON.stringify(text))
        .join(" or "),
    )
    .join(" and ");
}

function aggregationText(value: unknown): string {
  const { fn, series } = objectOf(value, "aggregation");
  return `${String(fn)} ${String(series)}`;
}

const runTexts: Readonly<Record<string, string>> = {
  block: "searched in whole blocks",
  row: "entry by entry",
  no: "not needed",
};

function stageLine(value: unknown): string {
  const stage = objectOf(value, "a stage");
  const runs = String(stage["runs"]);
  const labels = stage["labelsRead"];
  const read = labels === "all" ? "all labels" : listOf(labels, "labelsRead").join(", ");
  const then = read === "" ? "" : `, then read: ${read}`;
  return `  stage        ${String(stage["stage"])}  (${runTexts[runs] ?? runs}${then})`;
}

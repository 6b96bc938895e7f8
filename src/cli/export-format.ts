/** Entries as lines of a file: JSON, CSV or text. Pure; docs/using/cli.md shows each. */
import { formatRfc3339Nano } from "#gofmt";
import type { Labels } from "#model";
import { type CategorizedEntry, joinedEntry } from "./categorized-entries.ts";

export const exportFormats = ["jsonl", "csv", "text", "raw"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const columnsDefault: readonly string[] = ["timestamp", "line", "labels"];

/** What stands before the first entry. */
export function exportHead(format: ExportFormat, columns: readonly string[]): string {
  return format === "csv" ? csvRow(columns) : "";
}

export function exportText(
  entries: readonly CategorizedEntry[],
  { format, columns }: { format: ExportFormat; columns: readonly string[] },
): string {
  switch (format) {
    case "jsonl":
      return entries.map(jsonLine).join("");
    case "csv":
      return entries.map((entry) => csvRow(columns.map((name) => cellOf(entry, name)))).join("");
    case "text":
      return entries.map(textLine).join("");
    case "raw":
      return entries.map(({ line }) => `${line}\n`).join("");
    default:
      return format satisfies never;
  }
}

/** What `skald push --format=jsonl` takes: labels and structured metadata stay what they are. */
function jsonLine({ timeNs, line, stream, metadata, parsed }: CategorizedEntry): string {
  const object = {
    timestamp: formatRfc3339Nano(timeNs),
    labels: stream.toRecord(),
    ...(metadata.size === 0 ? {} : { structuredMetadata: metadata.toRecord() }),
    ...(parsed.size === 0 ? {} : { parsed: parsed.toRecord() }),
    line,
  };
  return `${JSON.stringify(object)}\n`;
}

function textLine(entry: CategorizedEntry): string {
  const { labels, timeNs, line } = joinedEntry(entry);
  return `${formatRfc3339Nano(timeNs)} ${labels.toString()} ${line}\n`;
}

/** `timestamp`, `line`, `labels` (all, as JSON), or the value of one label. */
function cellOf(entry: CategorizedEntry, column: string): string {
  switch (column) {
    case "timestamp":
      return formatRfc3339Nano(entry.timeNs);
    case "line":
      return entry.line;
    case "labels":
      return JSON.stringify(allLabels(entry).toRecord());
    default:
      return allLabels(entry).get(column) ?? "";
  }
}

function allLabels(entry: CategorizedEntry): Labels {
  return joinedEntry(entry).labels;
}

/** RFC 4180, with a plain newline as the end of a row. */
function csvRow(cells: readonly string[]): string {
  const texts = cells.map((cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${texts.join(",")}\n`;
}

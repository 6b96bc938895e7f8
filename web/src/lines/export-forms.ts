// From the lines of the export route to the lines of a file; pure. What arrives may be cut anywhere.
import type { Labels } from "../api/types.ts";

export const downloadForms = ["ndjson", "csv", "text"] as const;
export type DownloadForm = (typeof downloadForms)[number];

interface ExportedEntry {
  readonly timestamp: string;
  readonly stream: Labels;
  readonly structuredMetadata: Labels;
  readonly parsed: Labels;
  readonly line: string;
}

type ExportedLine = ExportedEntry | { readonly error: string } | { readonly warning: string };

export class ExportConverter {
  readonly #form: DownloadForm;
  readonly #columns: readonly string[];
  readonly #warnings: string[] = [];
  #rest = "";
  #lines = 0;
  #failure = "";

  /** `columns` are names of labels and fields that a table has beside its fixed ones. */
  constructor(form: DownloadForm, columns: readonly string[]) {
    this.#form = form;
    this.#columns = columns;
    this.#isHeadWanted = form === "csv";
  }

  #isHeadWanted: boolean;

  get lines(): number {
    return this.#lines;
  }

  /** What ended the export early; empty when nothing did. */
  get failure(): string {
    return this.#failure;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** What the file gets for the next piece of the answer. */
  convert(text: string): string {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return this.#head() + lines.map((line) => this.#lineOf(line)).join("");
  }

  /** The end of the file. */
  finish(): string {
    const last = this.#rest;
    this.#rest = "";
    return this.#head() + this.#lineOf(last);
  }

  #head(): string {
    if (!this.#isHeadWanted) return "";
    this.#isHeadWanted = false;
    return csvLine(["time", "timestamp_ns", "labels", ...this.#columns, "line"]);
  }

  #lineOf(text: string): string {
    if (text === "") return "";
    const found = JSON.parse(text) as ExportedLine;
    if ("error" in found) this.#failure = found.error;
    else if ("warning" in found) this.#warnings.push(found.warning);
    if (!("timestamp" in found)) return "";
    this.#lines++;
    switch (this.#form) {
      case "ndjson":
        return `${text}\n`;
      case "csv":
        return this.#csvOf(found);
      case "text":
        return `${timeText(found.timestamp)} ${found.line}\n`;
      default:
        return this.#form satisfies never;
    }
  }

  #csvOf(entry: ExportedEntry): string {
    const { timestamp, stream, structuredMetadata, parsed, line } = entry;
    const values = this.#columns.map(
      (name) => parsed[name] ?? structuredMetadata[name] ?? stream[name] ?? "",
    );
    return csvLine([timeText(timestamp), timestamp, JSON.stringify(stream), ...values, line]);
  }
}

/** `2026-01-10T14:03:07.123456789Z`: all digits there are. */
export function timeText(timeNs: string): string {
  const padded = timeNs.padStart(10, "0");
  const seconds = new Date(Number(padded.slice(0, -9)) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${padded.slice(-9)}Z`;
}

/** RFC 4180; a value that a spreadsheet would take for a formula is told apart by an apostrophe. */
function csvLine(values: readonly string[]): string {
  const cells = values.map((value) => {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${cells.join(",")}\r\n`;
}

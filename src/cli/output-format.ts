/** Log entries as text: LogCLI's three formats, and a table. Pure; docs/using/cli.md shows examples. */
import { formatGoTime, type GoZone, loadGoZone } from "#gofmt";
import { Labels } from "#model";
import type { LogEntry } from "./answers.ts";
import { usageError } from "./cli-error.ts";
import { paintByLevel, terminalText } from "./level-colours.ts";
import { tableLines } from "./table-lines.ts";

export const outputModes = ["default", "raw", "jsonl", "table", "chart"] as const;
export type OutputMode = (typeof outputModes)[number];

/** LogCLI's names of layouts, in Go's notation. */
const timestampLayouts: Readonly<Record<string, string>> = {
  rfc3339: "2006-01-02T15:04:05Z07:00",
  rfc3339nano: "2006-01-02T15:04:05.999999999Z07:00",
  rfc822: "02 Jan 06 15:04 MST",
  rfc822z: "02 Jan 06 15:04 -0700",
  stampmilli: "Jan _2 15:04:05.000",
  stampmicro: "Jan _2 15:04:05.000000",
  stampnano: "Jan _2 15:04:05.000000000",
  unixdate: "Mon Jan _2 15:04:05 MST 2006",
};

export const timestampFormats: readonly string[] = Object.keys(timestampLayouts);

export interface FormatOptions {
  readonly mode: OutputMode;
  /** IANA name; undefined for an unknown one is for the caller to refuse. */
  readonly zone: GoZone;
  /** One of `timestampFormats`. */
  readonly timestampFormat: string;
  readonly showLabels: boolean;
  readonly includeLabels: readonly string[];
  readonly excludeLabels: readonly string[];
  /** Labels are padded to at least this many characters. */
  readonly labelsLengthMin: number;
  readonly showCommonLabels: boolean;
  readonly colour: "none" | "levels" | "streams";
  /** The text goes to a terminal: control characters of lines are written out. */
  readonly isForTerminal: boolean;
}

/** The Go layout of one of `timestampFormats`. */
export function layoutOf(timestampFormat: string): string {
  return timestampLayouts[timestampFormat] ?? "";
}

export function zoneOf(name: string, localZone: string): GoZone | undefined {
  return loadGoZone(name === "Local" ? localZone : name);
}

/** Text of entries that belong together (one page): common labels are taken out of all of them. */
export interface FormattedEntries {
  readonly text: string;
  /** What all entries share and the text does not repeat; undefined when nothing was taken out. */
  readonly common: Labels | undefined;
}

export function formatEntries(
  entries: readonly LogEntry[],
  options: FormatOptions,
  mark: { readonly markedAt?: number } = {},
): FormattedEntries {
  switch (options.mode) {
    case "raw":
      return { text: entries.map(({ line }) => `${chomp(line)}\n`).join(""), common: undefined };
    case "jsonl":
      return { text: entries.map((entry) => jsonLine(entry, options)).join(""), common: undefined };
    case "default":
      return formatDefault(entries, options, mark.markedAt);
    case "table":
      return { text: formatTable(entries, options), common: undefined };
    case "chart":
      throw usageError("-o chart is for metric queries", ...chartHints);
    default:
      return options.mode satisfies never;
  }
}

const chartHints = [
  `Count lines: -o chart --step=1m 'sum by (detected_level) (count_over_time({app="a"}[1m]))'`,
];

function chomp(line: string): string {
  return line.endsWith("\n") ? line.slice(0, -1) : line;
}

function jsonLine({ labels, timeNs, line }: LogEntry, { zone }: FormatOptions): string {
  const timestamp = formatGoTime({ ns: timeNs, zone }, timestampLayouts["rfc3339nano"] ?? "");
  return `${JSON.stringify({ labels: labels.toRecord(), line, timestamp })}\n`;
}

function formatDefault(
  entries: readonly LogEntry[],
  options: FormatOptions,
  markedAt: number | undefined,
): FormattedEntries {
  const common = options.showCommonLabels ? Labels.empty : commonLabels(entries);
  const texts = new Map<Labels, string>();
  let width = options.labelsLengthMin;
  if (options.showLabels) {
    for (const { labels } of entries) {
      if (texts.has(labels)) continue;
      const text = shownLabels(labels, common, options).toString();
      width = Math.max(width, text.length);
      texts.set(labels, text);
    }
  }
  const layout = layoutOf(options.timestampFormat);
  let text = "";
  for (const [at, { labels, timeNs, line }] of entries.entries()) {
    const time = formatGoTime({ ns: timeNs, zone: options.zone }, layout);
    if (markedAt !== undefined) text += at === markedAt ? "> " : "  ";
    text += options.colour === "none" ? time : `\u001b[34m${time}\u001b[0m`;
    if (options.showLabels)
      text += ` ${paintLabels(labels, texts.get(labels) ?? "", width, options)}`;
    text += ` ${shownLine(line, labels, options)}\n`;
  }
  return { text, common: common.size === 0 ? undefined : common };
}

function shownLine(line: string, labels: Labels, options: FormatOptions): string {
  const text = options.isForTerminal ? terminalText(chomp(line)) : chomp(line);
  return options.colour === "levels" ? paintByLevel(labels, text) : text;
}

/** A column for each label that not all entries share; the line comes last. */
function formatTable(entries: readonly LogEntry[], options: FormatOptions): string {
  if (entries.length === 0) return "";
  const common = options.showCommonLabels ? Labels.empty : commonLabels(entries);
  const sets = new Map<Labels, Labels>();
  for (const { labels } of entries) sets.set(labels, shownLabels(labels, common, options));
  const found = [...sets.values()].flatMap(({ pairs }) => pairs.map(([name]) => name));
  const names = options.showLabels ? [...new Set(found)].sort() : [];
  const layout = layoutOf(options.timestampFormat);
  const rows = entries.map(({ labels, timeNs, line }) => [
    formatGoTime({ ns: timeNs, zone: options.zone }, layout),
    ...names.map((name) => terminalText(sets.get(labels)?.get(name) ?? "")),
    shownLine(line, labels, options),
  ]);
  const lines = tableLines([["time", ...names, "line"], ...rows]);
  return lines.map((text) => `${text}\n`).join("");
}

function paintLabels(labels: Labels, text: string, width: number, options: FormatOptions): string {
  const padded = text.padEnd(width);
  if (options.colour !== "streams") return padded;
  const colour = streamColours[Number(labels.fingerprint % BigInt(streamColours.length))];
  return `\u001b[${colour}m${padded}\u001b[0m`;
}

/** Foregrounds that are readable on dark and light grounds; blue is the timestamp's. */
const streamColours = [31, 32, 33, 35, 36, 91, 92, 95, 96] as const;

/** Names and values that every entry has. */
export function commonLabels(entries: readonly LogEntry[]): Labels {
  const [first, ...others] = [...new Set(entries.map(({ labels }) => labels))];
  if (first === undefined) return Labels.empty;
  return Labels.ofSorted(
    first.pairs.filter(([name, value]) => others.every((one) => one.get(name) === value)),
  );
}

function shownLabels(labels: Labels, common: Labels, options: FormatOptions): Labels {
  const { includeLabels, excludeLabels } = options;
  return Labels.ofSorted(
    labels.pairs.filter(([name]) => {
      if (common.has(name) || excludeLabels.includes(name)) return false;
      return includeLabels.length === 0 || includeLabels.includes(name);
    }),
  );
}

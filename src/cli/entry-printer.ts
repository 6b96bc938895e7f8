import { Option, type Command } from "commander";
import { collect, oneOf, wholeNumber } from "./arguments.ts";
import type { About, LogEntry } from "./answers.ts";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import {
  formatEntries,
  type FormatOptions,
  outputModes,
  timestampFormats,
} from "./output-format.ts";
import { type OutputMode, zoneOf } from "./output-format.ts";

/** What commander gives for the flags of `addOutput`. */
export interface OutputOptions {
  readonly quiet?: true;
  readonly output: OutputMode;
  readonly timezone: string;
  readonly outputTimestampFormat: string;
  readonly labels: boolean;
  readonly includeLabel?: readonly string[];
  readonly excludeLabel?: readonly string[];
  readonly labelsLength?: number;
  readonly includeCommonLabels?: true;
  readonly coloredOutput?: true;
  readonly stats?: true;
}

export function addOutput(command: Command): Command {
  const formats = timestampFormats.join(", ");
  return command
    .option(
      "-o, --output <mode>",
      "default, raw (lines only) or jsonl",
      oneOf(...outputModes),
      "default",
    )
    .option("-z, --timezone <zone>", "of printed timestamps: Local, UTC, Europe/Berlin", "Local")
    .addOption(
      new Option("-T, --output-timestamp-format <name>", formats)
        .argParser(oneOf(...timestampFormats))
        .default("rfc3339"),
    )
    .option("--no-labels", "do not print labels")
    .option("--include-label <name>", "print this label only (repeatable)", collect)
    .option("--exclude-label <name>", "do not print this label (repeatable)", collect)
    .option("--include-common-labels", "print labels that all entries share on every line")
    .option("--labels-length <n>", "pad labels to this width", wholeNumber(0))
    .option("--colored-output", "a colour for each stream, on a terminal")
    .option("--stats", "print the statistics of the query to stderr");
}

/** Prints pages of entries to stdout, and what is about them to stderr. */
export class EntryPrinter {
  readonly #io: CliIo;
  readonly #format: FormatOptions;
  readonly #isQuiet: boolean;
  readonly #wantsStats: boolean;
  readonly #told = new Set<string>();
  #lastCommon = "";

  constructor(options: OutputOptions, io: CliIo) {
    this.#io = io;
    this.#isQuiet = options.quiet === true;
    this.#wantsStats = options.stats === true;
    const zone = zoneOf(options.timezone, io.localZone);
    if (zone === undefined) {
      throw usageError(`--timezone: ${JSON.stringify(options.timezone)} is not a time zone`);
    }
    const hasColour = io.stdout.isTerminal && (io.env["NO_COLOR"] ?? "") === "";
    const colour = options.coloredOutput === true ? "streams" : "time";
    this.#format = {
      mode: options.output,
      zone,
      timestampFormat: options.outputTimestampFormat,
      showLabels: options.labels,
      includeLabels: options.includeLabel ?? [],
      excludeLabels: options.excludeLabel ?? [],
      labelsLengthMin: options.labelsLength ?? 0,
      showCommonLabels: options.includeCommonLabels === true,
      colour: hasColour ? colour : "none",
    };
  }

  /** The text alone, for a file. */
  textOf(entries: readonly LogEntry[]): string {
    return formatEntries(entries, { ...this.#format, colour: "none" }).text;
  }

  async print(entries: readonly LogEntry[]): Promise<void> {
    const { text, common } = formatEntries(entries, this.#format);
    if (common !== undefined && this.#format.showLabels && common.toString() !== this.#lastCommon) {
      this.#lastCommon = common.toString();
      await this.note(`Common labels: ${this.#lastCommon}`);
    }
    await this.#io.stdout.write(text);
  }

  /** With all labels on every line: what comes bit by bit has no common labels. */
  async printTail(entries: readonly LogEntry[]): Promise<void> {
    await this.#io.stdout.write(
      formatEntries(entries, { ...this.#format, showCommonLabels: true }).text,
    );
  }

  /** To stderr, unless `--quiet`. */
  async note(text: string): Promise<void> {
    if (!this.#isQuiet) await this.#io.stderr.line(text);
  }

  /** Warnings of the server, each once, and statistics when they are asked for. */
  async about({ warnings, stats }: About): Promise<void> {
    for (const warning of warnings) {
      if (this.#told.has(warning)) continue;
      this.#told.add(warning);
      await this.note(`warning: ${warning}`);
    }
    if (!this.#wantsStats) return;
    for (const line of statsLines(stats, "")) await this.#io.stderr.line(line);
  }
}

/** `summary.bytesProcessedPerSecond: 1234`, one number a line. */
function statsLines(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${String(value)}`];
  return Object.entries(value).flatMap(([name, inner]) =>
    statsLines(inner, path === "" ? name : `${path}.${name}`),
  );
}

import { Option, type Command } from "commander";
import { collect, oneOf, wholeNumber } from "./arguments.ts";
import type { About, LogEntry } from "./answers.ts";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { formatEntries, type FormatOptions, layoutOf, timestampFormats } from "./output-format.ts";
import { type OutputMode, zoneOf } from "./output-format.ts";
import { samplesText } from "./print-samples.ts";

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
  readonly color?: "auto" | "always" | "never";
  readonly stats?: true;
}

export const lineModes: readonly OutputMode[] = ["default", "raw", "jsonl", "table"];

/** Flags that few need are taken, but listed by `skald help output` alone: help fits a screen. */
export const rareOutputFlags: readonly (readonly [flags: string, text: string])[] = [
  ["--include-label <name>", "print this label only (repeatable)"],
  ["--exclude-label <name>", "do not print this label (repeatable)"],
  ["--include-common-labels", "print labels that all entries share on every line"],
  ["--labels-length <n>", "pad labels to this width"],
  ["--colored-output", "a colour for each stream"],
];

export function addOutput(command: Command, modes: readonly OutputMode[] = lineModes): Command {
  const option = (flags: string): Option => new Option(flags).hideHelp();
  return command
    .option("-o, --output <mode>", modes.join(", "), oneOf(...modes), "default")
    .option("-z, --timezone <zone>", "of printed times: UTC, Europe/Berlin", "Local")
    .option("--no-labels", "print no labels (more: skald help output)")
    .option(
      "--color <when>",
      "levels: auto (terminals), always, never",
      oneOf("auto", "always", "never"),
      "auto",
    )
    .option("--stats", "print the statistics of the query to stderr")
    .addOption(
      option("-T, --output-timestamp-format <name>")
        .argParser(oneOf(...timestampFormats))
        .default("rfc3339"),
    )
    .addOption(option("--include-label <name>").argParser(collect))
    .addOption(option("--exclude-label <name>").argParser(collect))
    .addOption(option("--include-common-labels"))
    .addOption(option("--labels-length <n>").argParser(wholeNumber(0)))
    .addOption(option("--colored-output"));
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
    const wantsColour = options.color ?? "auto";
    const hasColour =
      wantsColour === "always" ||
      (wantsColour === "auto" && io.stdout.isTerminal && (io.env["NO_COLOR"] ?? "") === "");
    const colour = options.coloredOutput === true ? "streams" : "levels";
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
      isForTerminal: io.stdout.isTerminal,
    };
  }

  /** The text alone, for a file. */
  textOf(entries: readonly LogEntry[]): string {
    return formatEntries(entries, { ...this.#format, colour: "none", isForTerminal: false }).text;
  }

  /** `markedAt`: the entry meant, among its neighbours. */
  async print(
    entries: readonly LogEntry[],
    mark: { readonly markedAt?: number } = {},
  ): Promise<void> {
    const { text, common } = formatEntries(entries, this.#format, mark);
    if (common !== undefined && this.#format.showLabels && common.toString() !== this.#lastCommon) {
      this.#lastCommon = common.toString();
      await this.note(`Common labels: ${this.#lastCommon}`);
    }
    await this.#io.stdout.write(text);
  }

  /** `result` of a metric query. */
  async printSamples(result: unknown): Promise<void> {
    const { mode, zone, timestampFormat } = this.#format;
    const columns = columnsFor(this.#io);
    const timeLayout = layoutOf(timestampFormat);
    await this.#io.stdout.write(samplesText(result, { mode, columns, zone, timeLayout }));
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

/** Of the terminal, or as the environment says for a pipe. */
function columnsFor(io: CliIo): number {
  const told = Number(io.env["COLUMNS"] ?? "");
  const isTold = !io.stdout.isTerminal && Number.isSafeInteger(told) && told >= columnsMin;
  return Math.min(columnsMax, isTold ? told : io.stdout.columns);
}

const columnsMin = 40;
/** Wider charts are not easier to read, and a wrong COLUMNS costs no memory. */
const columnsMax = 500;

/** `summary.bytesProcessedPerSecond: 1234`, one number a line. */
function statsLines(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${String(value)}`];
  return Object.entries(value).flatMap(([name, inner]) =>
    statsLines(inner, path === "" ? name : `${path}.${name}`),
  );
}

import { resolve } from "node:path";
import { Command } from "commander";
import { oneOf, wholeNumber } from "./arguments.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { ExportFile, type ExportQuestion } from "./export-file.ts";
import {
  columnsDefault,
  type ExportFormat,
  exportFormats,
  exportHead,
  exportText,
} from "./export-format.ts";
import { type ExportPage, exportPages, type ExportQuery, exportStart } from "./export-pages.ts";
import type { HttpClient } from "./http-client.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface ExportOptions extends TimeRangeOptions {
  readonly format: ExportFormat;
  readonly columns?: string;
  readonly file?: string;
  readonly overwrite?: true;
  readonly backward?: true;
  readonly batch: number;
  readonly quiet?: true;
}

/** As many entries as a server gives at a time unless it is told otherwise. */
const batchDefault = 5000;

export function exportCommand(context: CommandContext): Command {
  const command = new Command("export")
    .description("Print every entry of a range, or write them to a file that can be resumed.")
    .argument("<query>", "LogQL without aggregation")
    .option(
      "--format <format>",
      "jsonl, csv, text (time, labels, line) or raw (lines)",
      oneOf(...exportFormats),
      "jsonl",
    )
    .option("--columns <names>", "csv: timestamp,line,labels (all as JSON), or names of labels")
    .option("-f, --file <path>", "write here; run again to go on after an interruption")
    .option("--overwrite", "replace the file, begin anew")
    .option("--backward", "newest entries first")
    .option("--batch <n>", "entries asked for at a time", wholeNumber(1), batchDefault);
  addTimeRange(command);
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald export --from=2024-05-01 --to=2024-05-02 -f day.jsonl '{app="checkout"}'`,
    `skald export --since=1d --format=csv --columns=timestamp,status,line \\`,
    `    '{app="checkout"} | json' > day.csv`,
    `skald push --format=jsonl --addr=http://new:3100 day.jsonl`,
  );
  return command.action(async (query: string, options: ExportOptions) => {
    await exportEntries(query, options, context.io);
  });
}

async function exportEntries(query: string, options: ExportOptions, io: CliIo): Promise<void> {
  const client = await clientOf(options, io);
  const range = timeRangeOf(options, io);
  const names = options.columns?.split(",").map((name) => name.trim());
  const columns = names ?? columnsDefault;
  const asked: ExportQuery = {
    query,
    ...range,
    direction: options.backward === true ? "backward" : "forward",
    batchCount: options.batch,
  };
  const look = { format: options.format, columns };
  if (options.file === undefined) return printAll(asked, look, { client, options, io });
  const question = questionOf(asked, look, { client, options });
  const path = resolve(io.folder, options.file);
  await using file = await ExportFile.open(io.files, path, {
    question,
    ...range,
    overwrite: options.overwrite === true,
  });
  const { fromNs, toNs, next: start, entryCount: before } = file.state;
  if (before > 0) await note(io, options, `going on behind ${before} entries`);
  const whole = { ...asked, fromNs: BigInt(fromNs), toNs: BigInt(toNs) };
  const isQuiet = options.quiet === true;
  const watch = new Watch(whole, io, { isQuiet, hasBar: !isQuiet, before });
  for await (const page of exportPages(client, whole, start)) {
    const head = file.state.sizeBytes === 0 ? exportHead(look.format, columns) : "";
    const text = head + exportText(page.entries, look);
    await file.append(text, { entryCount: page.entries.length, next: page.next });
    await watch.page(page);
    // A page is whole in the file before Ctrl-C ends the export.
    io.interrupted.throwIfAborted();
  }
  await watch.end();
  await note(io, options, `wrote ${file.state.entryCount} entries to ${path}`);
}

interface Look {
  readonly format: ExportFormat;
  readonly columns: readonly string[];
}

async function printAll(
  asked: ExportQuery,
  look: Look,
  { client, options, io }: { client: HttpClient; options: ExportOptions; io: CliIo },
): Promise<void> {
  const isQuiet = options.quiet === true;
  // On the screen the entries themselves are the progress.
  const hasBar = !isQuiet && !io.stdout.isTerminal;
  const watch = new Watch(asked, io, { isQuiet, hasBar, before: 0 });
  await io.stdout.write(exportHead(look.format, look.columns));
  for await (const page of exportPages(client, asked, exportStart)) {
    await io.stdout.write(exportText(page.entries, look));
    await watch.page(page);
  }
  await watch.end();
}

/** What of the command line decides the content; how far `now` was does not. */
function questionOf(
  { query, direction }: ExportQuery,
  { format, columns }: Look,
  { client, options }: { client: HttpClient; options: ExportOptions },
): ExportQuestion {
  const { since, from, to } = options;
  const { base } = client.connection;
  return {
    server: `${base.origin}${base.pathname}`,
    tenant: client.connection.headers["X-Scope-OrgID"] ?? "",
    query,
    direction,
    format,
    ...(format === "csv" ? { columns: columns.join(",") } : {}),
    ...(since === undefined ? {} : { "--since": String(since) }),
    ...(from === undefined ? {} : { "--from": from }),
    ...(to === undefined ? {} : { "--to": to }),
  };
}

async function note(io: CliIo, options: ExportOptions, text: string): Promise<void> {
  if (options.quiet !== true) await io.stderr.line(text);
}

/** Progress by the time of the last entry, and warnings once each. */
class Watch {
  readonly #asked: ExportQuery;
  readonly #io: CliIo;
  readonly #bar: ProgressBar;
  readonly #isQuiet: boolean;
  readonly #told = new Set<string>();
  #entryCount: number;

  constructor(
    asked: ExportQuery,
    io: CliIo,
    { isQuiet, hasBar, before }: { isQuiet: boolean; hasBar: boolean; before: number },
  ) {
    this.#asked = asked;
    this.#io = io;
    this.#isQuiet = isQuiet;
    this.#bar = new ProgressBar(io, { isOn: hasBar });
    this.#entryCount = before;
  }

  async page({ entries, warnings }: ExportPage): Promise<void> {
    for (const warning of warnings) {
      if (this.#isQuiet || this.#told.has(warning)) continue;
      this.#told.add(warning);
      await this.#bar.clear();
      await this.#io.stderr.line(`warning: ${warning}`);
    }
    this.#entryCount += entries.length;
    const last = entries.at(-1);
    if (last === undefined) return;
    const { fromNs, toNs, direction } = this.#asked;
    const done = direction === "forward" ? last.timeNs - fromNs : toNs - last.timeNs;
    const share = toNs > fromNs ? Number(done) / Number(toNs - fromNs) : undefined;
    await this.#bar.show({ share, entryCount: this.#entryCount });
  }

  async end(): Promise<void> {
    await this.#bar.clear();
  }
}

import { Command, Option } from "commander";
import { duration, durationOrSeconds, oneOf, wholeNumber } from "./arguments.ts";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addOutput, EntryPrinter, type OutputOptions } from "./entry-printer.ts";
import type { HttpClient } from "./http-client.ts";
import { outputModes } from "./output-format.ts";
import { ProgressBar } from "./progress-bar.ts";
import { type PagedQuery, queryPages } from "./query-pages.ts";
import { type ParallelOptions, queryInParallel } from "./query-parallel.ts";
import { queryStdin, stdinLabels } from "./stdin-query.ts";
import { runTail } from "./tail-command.ts";
import {
  addTimeRange,
  type AskedRange,
  rangeGiven,
  timeRangeOf,
  type TimeRangeOptions,
} from "./time-range.ts";

interface QueryOptions extends OutputOptions, TimeRangeOptions, ParallelOptions {
  readonly limit: number;
  readonly step?: bigint;
  readonly interval?: bigint;
  readonly batch: number;
  readonly forward?: true;
  readonly tail?: true;
  readonly follow?: true;
  readonly delayFor?: bigint;
  readonly stdin?: true;
  readonly stdinFormat: "raw" | "jsonl";
}

/** Flags of LogCLI that read a bucket without a server. */
const bucketFlags = [
  ["--store-config <file>", "storeConfig"],
  ["--remote-schema", "remoteSchema"],
  ["--fetch-schema-from-storage", "fetchSchemaFromStorage"],
  ["--schema-store <name>", "schemaStore"],
] as const;

export function queryCommand(context: CommandContext): Command {
  const command = new Command("query")
    .description("Print the entries (or, for a metric query, the series) of a range of time.")
    .argument("<query>", "LogQL; with --stdin the selector may be left out")
    .option("--limit <n>", "entries to print; 0 for all there are", wholeNumber(0), 30);
  addTimeRange(command)
    .option("--forward", "oldest entries first")
    .option("-t, --tail", "print new entries as they arrive (also -f)")
    .addOption(new Option("-f, --follow").hideHelp())
    .option("--delay-for <duration>", "tail: wait for late entries", durationOrSeconds)
    .option("--step <duration>", "metric queries: distance of points", durationOrSeconds)
    .option("--interval <duration>", "at most one entry per interval", durationOrSeconds)
    .option("--batch <n>", "entries asked for at a time", wholeNumber(1), 1000);
  command
    .option("--stdin", "ask piped lines, without a server")
    .addOption(
      new Option("--stdin-format <format>", "raw or jsonl")
        .argParser(oneOf("raw", "jsonl"))
        .default("raw")
        .hideHelp(),
    );
  addOutput(command, outputModes);
  addParallel(command);
  for (const [flags] of bucketFlags) command.addOption(new Option(flags).hideHelp());
  addConnection(command).addHelpText("after", parallelHelp).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald query '{app="checkout"} |= "error"'`,
    `skald query --since=1d --limit=0 -o jsonl '{app="checkout"}' > checkout.jsonl`,
    `skald query --step=5m 'sum by (app) (rate({env="prod"}[5m]))'`,
  );
  return command.action(async (query: string, options: QueryOptions) => {
    for (const [flags, key] of bucketFlags) {
      if ((options as unknown as Record<string, unknown>)[key] === undefined) continue;
      const name = flags.split(" ")[0];
      throw usageError(`${name} is not supported: buckets are read by a server`);
    }
    const isGiven = command.getOptionValueSource("limit") === "cli";
    if (options.stdin === true) await runStdin(query, options, { io: context.io, isGiven });
    else await runQuery(query, options, context.io);
  });
}

function addParallel(command: Command): void {
  const hidden = (flags: string): Option => new Option(flags).hideHelp();
  command
    .addOption(hidden("--parallel-duration <duration>").argParser(duration))
    .addOption(hidden("--parallel-max-workers <n>").argParser(wholeNumber(1)).default(1))
    .addOption(hidden("--part-path-prefix <path>"))
    .addOption(hidden("--overwrite-completed-parts"))
    .addOption(hidden("--merge-parts"))
    .addOption(hidden("--keep-parts"));
}

const parallelHelp =
  "\nLarge downloads: skald export; in parts, several at a time: skald help output";

async function runStdin(
  query: string,
  options: QueryOptions,
  { io, isGiven }: { io: CliIo; isGiven: boolean },
): Promise<void> {
  const printer = new EntryPrinter(options, io);
  await queryStdin(
    {
      query,
      kind: "range",
      range: rangeGiven(options, io),
      step: options.step,
      interval: options.interval,
      limit: isGiven && options.limit > 0 ? options.limit : undefined,
      format: options.stdinFormat,
      labels: stdinLabels,
    },
    { io, printer },
  );
}

async function runQuery(query: string, options: QueryOptions, io: CliIo): Promise<void> {
  const printer = new EntryPrinter(options, io);
  const range = timeRangeOf(options, io);
  const client = await clientOf(options, io);
  if (options.tail === true || options.follow === true) {
    const { fromNs } = range;
    const delayNs = options.delayFor ?? 0n;
    return runTail({ query, fromNs, limit: options.limit, delayNs }, { client, printer, io });
  }
  const asked = pagedQuery(query, options, range);
  const isParallel = options.parallelMaxWorkers > 1 || options.partPathPrefix !== undefined;
  if (isParallel) return queryInParallel(asked, options, { client, printer, io });
  // On the screen the entries themselves are the progress.
  const hasBar = !io.stdout.isTerminal && options.quiet !== true;
  return printPages(client, asked, { printer, io, hasBar });
}

function pagedQuery(query: string, options: QueryOptions, range: AskedRange): PagedQuery {
  return {
    query,
    ...range,
    direction: options.forward === true ? "forward" : "backward",
    limit: options.limit === 0 ? undefined : options.limit,
    batchCount: options.batch,
    step: seconds(options.step),
    interval: seconds(options.interval),
  };
}

/** Seconds with a fraction, exact to the nanosecond. */
function seconds(ns: bigint | undefined): string | undefined {
  if (ns === undefined) return undefined;
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return fraction === "" ? `${ns / 1_000_000_000n}` : `${ns / 1_000_000_000n}.${fraction}`;
}

async function printPages(
  client: HttpClient,
  query: PagedQuery,
  { printer, io, hasBar }: { printer: EntryPrinter; io: CliIo; hasBar: boolean },
): Promise<void> {
  const bar = new ProgressBar(io, { isOn: hasBar });
  let entryCount = 0;
  for await (const page of queryPages(client, query)) {
    await bar.clear();
    if (page.kind === "samples") await printer.printSamples(page.result);
    else await printer.print(page.entries);
    await printer.about(page.about);
    if (page.kind === "samples") continue;
    entryCount += page.entries.length;
    await bar.show({ share: shareOf(query, page.entries.at(-1)?.timeNs, entryCount), entryCount });
  }
  await bar.clear();
}

/** By time or by the limit, whichever is nearer to its end. */
function shareOf(
  { fromNs, toNs, direction, limit }: PagedQuery,
  lastNs: bigint | undefined,
  entryCount: number,
): number | undefined {
  const ofLimit = limit === undefined ? 0 : entryCount / limit;
  if (lastNs === undefined || toNs <= fromNs) return ofLimit;
  const done = direction === "forward" ? lastNs - fromNs : toNs - lastNs;
  return Math.max(ofLimit, Number(done) / Number(toNs - fromNs));
}

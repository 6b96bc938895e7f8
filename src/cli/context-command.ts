import { Command } from "commander";
import { type LogExpr, printExpr, printMatchers, type Stage } from "#logql";
import { listOf, objectOf, textOf } from "./answers.ts";
import { oneOf, wholeNumber } from "./arguments.ts";
import {
  type CategorizedEntry,
  categorizeHeaders,
  joinedEntry,
  readCategorizedStreams,
  readEntryObject,
} from "./categorized-entries.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addOutput, EntryPrinter, type OutputOptions } from "./entry-printer.ts";
import type { HttpClient } from "./http-client.ts";
import { queryOf } from "./parsed-query.ts";
import { addTimeRange, momentOf, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface ContextOptions extends OutputOptions, TimeRangeOptions {
  readonly time?: string;
  readonly line?: string;
  readonly before: number;
  readonly after: number;
  readonly context?: number;
  readonly matches: number;
  readonly scope: "stream" | "query";
}

/** As many neighbours as a server gives. */
const neighboursMax = 1000;

export function contextCommand(context: CommandContext): Command {
  const command = new Command("context")
    .description("Print the lines around those that a query finds, as grep -C does.")
    .argument("<query>", "LogQL without aggregation; neighbours need not pass its filters")
    .option("-B, --before <n>", "neighbours before", neighbours, 10)
    .option("-A, --after <n>", "neighbours after", neighbours, 10)
    .option("-C, --context <n>", "both", neighbours)
    .option("-m, --matches <n>", "found entries, newest first", wholeNumber(1), 1)
    .option("--time <time>", "the entry of this time, to the nanosecond")
    .option("--line <text>", "with --time: the one of this line")
    .option(
      "--scope <scope>",
      "neighbours in the same stream, or in all that the query selects",
      oneOf("stream", "query"),
      "stream",
    );
  addTimeRange(command);
  addOutput(command);
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald context -C 5 '{app="checkout"} |= "panic"'`,
    `skald context --scope=query --matches=3 '{env="prod"} | json | status=500'`,
  );
  return command.action(async (query: string, options: ContextOptions) => {
    const { io } = context;
    const log = logOf(query);
    const client = await clientOf(options, io);
    const printer = new EntryPrinter(options, io);
    const found = await findEntries({ log, client, options, io });
    for (const [at, entry] of found.entries()) {
      if (at > 0 && options.output === "default") await io.stdout.line("--");
      await printAround(entry, { log, client, options, printer });
    }
  });
}

function neighbours(text: string): number {
  const count = wholeNumber(0)(text);
  if (count <= neighboursMax) return count;
  throw usageError(`no more than ${neighboursMax} neighbours on a side: use skald export`);
}

function logOf(query: string): LogExpr {
  const expr = queryOf(query);
  if (expr.kind === "log") return expr;
  throw usageError("a metric query has no lines", "Give a selector and filters of lines.");
}

/** Stages that change the line would hide which entry is meant. */
const changesLine: ReadonlySet<Stage["kind"]> = new Set(["lineFormat", "decolorize", "unpack"]);

interface Finding {
  readonly log: LogExpr;
  readonly client: HttpClient;
  readonly options: ContextOptions;
  readonly io: CliIo;
}

async function findEntries({ log, client, options, io }: Finding): Promise<CategorizedEntry[]> {
  const exact =
    options.time === undefined ? undefined : momentOf("--time", options.time, io.clock.nowNs());
  const range =
    exact === undefined ? timeRangeOf(options, io) : { fromNs: exact, toNs: exact + 1n };
  const params = new URLSearchParams({
    query: printExpr(log),
    start: String(range.fromNs),
    end: String(range.toNs),
    direction: "backward",
    limit: String(options.line === undefined ? options.matches : neighboursMax),
  });
  const answer = await client.json("/loki/api/v1/query_range", params, categorizeHeaders);
  const data = objectOf(objectOf(answer, "the answer")["data"], "data");
  const found = readCategorizedStreams(data["result"])
    .filter(({ line }) => options.line === undefined || line === options.line)
    .sort((a, b) => (a.timeNs < b.timeNs ? 1 : a.timeNs > b.timeNs ? -1 : 0))
    .slice(0, options.matches);
  if (found.length > 0) return found;
  throw new CliError("no entry is found", {
    hints: ["Look further back with --since=1d, or give --from and --to."],
  });
}

async function printAround(
  entry: CategorizedEntry,
  { log, client, options, printer }: Omit<Finding, "io"> & { readonly printer: EntryPrinter },
): Promise<void> {
  const params = new URLSearchParams({
    query: printMatchers(log.matchers),
    time: String(entry.timeNs),
    stream: entry.stream.toString(),
    before: String(options.context ?? options.before),
    after: String(options.context ?? options.after),
    scope: options.scope,
  });
  if (!log.stages.some(({ kind }) => changesLine.has(kind))) params.set("line", entry.line);
  const answer = objectOf(await client.json("/skald/api/v1/context", params), "the answer");
  const data = objectOf(answer["data"], "data");
  const read = (name: string): CategorizedEntry[] =>
    listOf(data[name], name).map((one) => readEntryObject(one));
  const before = read("before");
  const lines = [...before, readEntryObject(data["entry"]), ...read("after")];
  await printer.print(lines.map(joinedEntry), { markedAt: before.length });
  for (const warning of listOf(answer["warnings"], "warnings")) {
    await printer.note(`warning: ${textOf(warning, "a warning")}`);
  }
}

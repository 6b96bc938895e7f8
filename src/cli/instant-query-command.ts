import { Command } from "commander";
import { readQueryAnswer } from "./answers.ts";
import { wholeNumber } from "./arguments.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addOutput, EntryPrinter, type OutputOptions } from "./entry-printer.ts";
import { outputModes } from "./output-format.ts";
import { sortByTime } from "./query-pages.ts";
import { queryStdin, stdinLabels } from "./stdin-query.ts";
import { momentOf } from "./time-range.ts";

interface InstantOptions extends OutputOptions {
  readonly limit: number;
  readonly now?: string;
  readonly forward?: true;
  readonly stdin?: true;
}

export function instantQueryCommand(context: CommandContext): Command {
  const command = new Command("instant-query")
    .description("Print the value of a metric query at one moment, as JSON.")
    .argument("<query>", "LogQL")
    .option("--now <time>", "the moment: RFC 3339, now-1h, Unix time (default: now)")
    .option("--limit <n>", "entries to print", wholeNumber(1), 30)
    .option("--forward", "oldest entries first")
    .option("--stdin", "ask piped lines instead of a server, as of the last of them");
  addOutput(command, outputModes);
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald instant-query 'sum by (app) (count_over_time({env="prod"}[1h]))'`,
    `skald instant-query --now=2024-05-01T10:00:00Z 'topk(3, rate({app="a"}[5m]))'`,
  );
  return command.action(async (query: string, options: InstantOptions) => {
    const { io } = context;
    const printer = new EntryPrinter(options, io);
    const nowNs = io.clock.nowNs();
    if (options.stdin === true) return askStdin(query, options, { io, printer });
    const timeNs = options.now === undefined ? nowNs : momentOf("--now", options.now, nowNs);
    const direction = options.forward === true ? "forward" : "backward";
    const params = new URLSearchParams({
      query,
      time: String(timeNs),
      limit: String(options.limit),
      direction,
    });
    const client = await clientOf(options, io);
    const answer = readQueryAnswer(await client.json("/loki/api/v1/query", params));
    if (answer.kind === "streams") await printer.print(sortByTime(answer.entries, direction));
    else await printer.printSamples(answer.result);
    await printer.about(answer.about);
  });
}

async function askStdin(
  query: string,
  options: InstantOptions,
  { io, printer }: { io: CliIo; printer: EntryPrinter },
): Promise<void> {
  const { now } = options;
  const range = now === undefined ? {} : { toNs: momentOf("--now", now, io.clock.nowNs()) };
  await queryStdin(
    {
      query,
      kind: "instant",
      range,
      step: undefined,
      interval: undefined,
      limit: undefined,
      format: "raw",
      labels: stdinLabels,
    },
    { io, printer },
  );
}

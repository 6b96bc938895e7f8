import { Command } from "commander";
import { readQueryAnswer } from "./answers.ts";
import { wholeNumber } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addOutput, EntryPrinter, type OutputOptions } from "./entry-printer.ts";
import { outputModes } from "./output-format.ts";
import { sortByTime } from "./query-pages.ts";
import { momentOf } from "./time-range.ts";

interface InstantOptions extends OutputOptions {
  readonly limit: number;
  readonly now?: string;
  readonly forward?: true;
}

export function instantQueryCommand(context: CommandContext): Command {
  const command = new Command("instant-query")
    .description("Print the value of a metric query at one moment, as JSON.")
    .argument("<query>", "LogQL")
    .option("--now <time>", "the moment: RFC 3339, now-1h, Unix time (default: now)")
    .option("--limit <n>", "entries to print", wholeNumber(1), 30)
    .option("--forward", "oldest entries first");
  addOutput(command, outputModes);
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald instant-query 'sum by (app) (count_over_time({env="prod"}[1h]))'`,
    `skald instant-query --now=2024-05-01T10:00:00Z 'topk(3, rate({app="checkout"}[5m]))'`,
  );
  return command.action(async (query: string, options: InstantOptions) => {
    const { io } = context;
    const printer = new EntryPrinter(options, io);
    const nowNs = io.clock.nowNs();
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

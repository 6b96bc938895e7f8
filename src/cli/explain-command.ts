import { Command } from "commander";
import { objectOf } from "./answers.ts";
import { durationOrSeconds, oneOf } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { explainLines } from "./explain-text.ts";
import { momentOf } from "./time-range.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface ExplainOptions extends TimeRangeOptions {
  readonly step?: bigint;
  readonly now?: string;
  readonly output: "default" | "jsonl";
}

export function explainCommand(context: CommandContext): Command {
  const command = new Command("explain")
    .description("Print what a query would read and skip. Nothing is read; Skald only.")
    .argument("<query>", "LogQL")
    .option("--step <duration>", "metric queries: distance of points", durationOrSeconds)
    .option("--now <time>", "as an instant query at this moment");
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default or jsonl (the server's answer)",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald explain --since=1d '{app="checkout"} |= "5f3a9c" | json | status >= 500'`,
    `skald explain --step=5m 'sum by (app) (rate({env="prod"}[5m]))'`,
  );
  return command.action(async (query: string, options: ExplainOptions) => {
    const { io } = context;
    const { fromNs, toNs } = timeRangeOf(options, io);
    const params = new URLSearchParams({ query, start: String(fromNs), end: String(toNs) });
    if (options.step !== undefined) params.set("step", String(Number(options.step) / 1e9));
    if (options.now !== undefined) {
      params.set("time", String(momentOf("--now", options.now, io.clock.nowNs())));
    }
    const client = await clientOf(options, io);
    const answer = objectOf(await client.json("/skald/api/v1/explain", params), "the answer");
    const data = objectOf(answer["data"], "data");
    const lines = options.output === "jsonl" ? [JSON.stringify(data)] : explainLines(data);
    await io.stdout.write(lines.map((line) => `${line}\n`).join(""));
  });
}

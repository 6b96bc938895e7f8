import { Command } from "commander";
import { objectOf } from "./answers.ts";
import { oneOf } from "./arguments.ts";
import { formatByteCount } from "./byte-count.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface StatsOptions extends TimeRangeOptions {
  readonly output: "default" | "jsonl";
}

export function statsCommand(context: CommandContext): Command {
  const command = new Command("stats")
    .description("Print how much the streams of a selector hold: bytes, chunks, streams, entries.")
    .argument("<selector>", 'such as {app="checkout"}');
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default or jsonl (exact numbers)",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(command, `skald stats --since=1d '{app="checkout"}'`);
  return command.action(async (query: string, options: StatsOptions) => {
    const { io } = context;
    const { fromNs, toNs } = timeRangeOf(options, io);
    const params = new URLSearchParams({ query, start: String(fromNs), end: String(toNs) });
    const client = await clientOf(options, io);
    const answer = objectOf(await client.json("/loki/api/v1/index/stats", params), "the answer");
    if (options.output === "jsonl") return io.stdout.line(JSON.stringify(answer));
    const lines = ["bytes", "chunks", "streams", "entries"].map((name) => {
      const value = Number(answer[name] ?? 0);
      return `  ${name}: ${name === "bytes" ? formatByteCount(value) : value}`;
    });
    return io.stdout.line(["{", ...lines, "}"].join("\n"));
  });
}

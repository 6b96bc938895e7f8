import { Command } from "commander";
import { listOf, objectOf, textOf } from "./answers.ts";
import { oneOf } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface LabelsOptions extends TimeRangeOptions {
  readonly query?: string;
  readonly output: "default" | "jsonl";
}

export function labelsCommand(context: CommandContext): Command {
  const command = new Command("labels")
    .description("Print the names of labels, or the values of one.")
    .argument("[name]", "of a label")
    .option("--query <selector>", "only of these streams");
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default (one a line) or jsonl (as JSON strings)",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(command, "skald labels", "skald labels app", `skald labels pod --query '{app="a"}'`);
  return command.action(async (name: string | undefined, options: LabelsOptions) => {
    const { io } = context;
    const { fromNs, toNs } = timeRangeOf(options, io);
    const params = new URLSearchParams({ start: String(fromNs), end: String(toNs) });
    if (options.query !== undefined) params.set("query", options.query);
    const path =
      name === undefined
        ? "/loki/api/v1/labels"
        : `/loki/api/v1/label/${encodeURIComponent(name)}/values`;
    const answer = objectOf(await (await clientOf(options, io)).json(path, params), "the answer");
    const texts = listOf(answer["data"], "data").map((text) => textOf(text, "a label"));
    const lines = options.output === "jsonl" ? texts.map((text) => JSON.stringify(text)) : texts;
    await io.stdout.write(lines.map((text) => `${text}\n`).join(""));
  });
}

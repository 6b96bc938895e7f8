import { Command } from "commander";
import { compareText, type Labels } from "#model";
import { labelsOf, listOf, objectOf } from "./answers.ts";
import { collect, oneOf } from "./arguments.ts";
import { usageError } from "./cli-error.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { tableLines } from "./table-lines.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface SeriesOptions extends TimeRangeOptions {
  readonly match?: readonly string[];
  readonly analyzeLabels?: true;
  readonly output: "default" | "jsonl";
}

export function seriesCommand(context: CommandContext): Command {
  const command = new Command("series")
    .description("Print the streams that match.")
    .argument("[selector...]", 'such as {app="checkout"}; several: any of them')
    .option("--match <selector>", "as an option (repeatable)", collect)
    .option("--analyze-labels", "count the values of each label instead");
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default or jsonl",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald series '{app="checkout"}'`,
    `skald series --since=1d --analyze-labels '{env="prod"}'`,
  );
  return command.action(async (selectors: readonly string[], options: SeriesOptions) => {
    const { io } = context;
    const { fromNs, toNs } = timeRangeOf(options, io);
    const params = new URLSearchParams({ start: String(fromNs), end: String(toNs) });
    const asked = [...selectors, ...(options.match ?? [])];
    if (asked.length === 0) throw usageError("which streams?", `For all: skald series '{}'`);
    for (const selector of asked) params.append("match", selector);
    const client = await clientOf(options, io);
    const answer = objectOf(await client.json("/loki/api/v1/series", params), "the answer");
    const streams = listOf(answer["data"], "data").map((one) => labelsOf(one, "a stream"));
    if (options.analyzeLabels === true) {
      await io.stdout.write(analysis(streams).join("\n") + "\n");
      return;
    }
    const isJson = options.output === "jsonl";
    const texts = streams.map((labels) =>
      isJson ? JSON.stringify(labels.toRecord()) : labels.toString(),
    );
    await io.stdout.write(texts.map((text) => `${text}\n`).join(""));
  });
}

/** Labels with the most values first: those are the ones that make many streams. */
export function analysis(streams: readonly Labels[]): string[] {
  const byName = new Map<string, { readonly values: Set<string>; count: number }>();
  for (const { pairs } of streams) {
    for (const [name, value] of pairs) {
      const found = byName.get(name) ?? { values: new Set(), count: 0 };
      byName.set(name, found);
      found.values.add(value);
      found.count++;
    }
  }
  const rows = [...byName]
    .toSorted(([a, x], [b, y]) => y.values.size - x.values.size || compareText(a, b))
    .map(([name, { values, count }]) => [name, String(values.size), String(count)]);
  return [
    `Total Streams:  ${streams.length}`,
    `Unique Labels:  ${byName.size}`,
    "",
    ...tableLines([["Label Name", "Unique Values", "Found In Streams"], ...rows]),
  ];
}

import { Command } from "commander";
import { listOf, objectOf, textOf } from "./answers.ts";
import { durationOrSeconds, oneOf, wholeNumber } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { sparkline } from "./sparkline.ts";
import { tableLines } from "./table-lines.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface PatternsOptions extends TimeRangeOptions {
  readonly step?: bigint;
  readonly limit: number;
  readonly output: "default" | "jsonl";
}

interface FoundPattern {
  readonly pattern: string;
  readonly level: string;
  readonly counts: readonly number[];
  readonly total: number;
}

export function patternsCommand(context: CommandContext): Command {
  const command = new Command("patterns")
    .description("Print the patterns of the lines of a selector, the most frequent first.")
    .argument("<selector>", 'such as {app="checkout"}')
    .option("--limit <n>", "patterns to print; 0 for all", wholeNumber(0), 30)
    .option("--step <duration>", "distance of points", durationOrSeconds);
  addTimeRange(command).option(
    "-o, --output <mode>",
    "default or jsonl (with the samples)",
    oneOf("default", "jsonl"),
    "default",
  );
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald patterns '{app="checkout"}'`,
    `skald query '{app="checkout"} |> "<_> timeout after <_>"'   # the lines of one`,
  );
  return command.action(async (query: string, options: PatternsOptions) => {
    const { io } = context;
    const { fromNs, toNs } = timeRangeOf(options, io);
    const params = new URLSearchParams({ query, start: String(fromNs), end: String(toNs) });
    if (options.step !== undefined) params.set("step", String(Number(options.step) / 1e9));
    const client = await clientOf(options, io);
    const answer = objectOf(await client.json("/loki/api/v1/patterns", params), "the answer");
    const all = listOf(answer["data"], "data");
    const shown = options.limit === 0 ? all.length : options.limit;
    const found = all.map(patternOf).sort((a, b) => b.total - a.total);
    const lines =
      options.output === "jsonl"
        ? all.slice(0, shown).map((one) => JSON.stringify(one))
        : tableLines([
            ["count", "level", "trend", "pattern"],
            ...found.slice(0, shown).map(({ total, level, counts, pattern }) => {
              return [String(total), level, sparkline(counts, { width: trendColumns }), pattern];
            }),
          ]);
    await io.stdout.write(lines.map((line) => `${line}\n`).join(""));
  });
}

/** Leaves room for the pattern in 80 columns. */
const trendColumns = 16;

function patternOf(value: unknown): FoundPattern {
  const object = objectOf(value, "a pattern");
  const counts = listOf(object["samples"], "samples").map((sample) =>
    Number(listOf(sample, "a sample")[1]),
  );
  return {
    pattern: textOf(object["pattern"], "pattern"),
    level: textOf(object["level"] ?? "", "level"),
    counts,
    total: counts.reduce((sum, count) => sum + count, 0),
  };
}

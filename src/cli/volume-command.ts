import { Command } from "commander";
import { objectOf } from "./answers.ts";
import { collect, durationOrSeconds, wholeNumber } from "./arguments.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { addTimeRange, timeRangeOf, type TimeRangeOptions } from "./time-range.ts";

interface VolumeOptions extends TimeRangeOptions {
  readonly limit: number;
  readonly targetLabels?: readonly string[];
  readonly aggregateByLabels?: true;
  readonly step?: bigint;
}

/** Bytes of the whole range. */
export function volumeCommand(context: CommandContext): Command {
  const command = addVolume(
    new Command("volume").description("Print the bytes of each series in a range, as JSON."),
  );
  addExamples(
    command,
    `skald volume --since=1d '{env="prod"}'`,
    `skald volume --targetLabels=app --targetLabels=pod '{env="prod"}'`,
  );
  return command.action((query: string | undefined, options: VolumeOptions) =>
    printVolume({ path: "/loki/api/v1/index/volume", query, options, context }),
  );
}

/** Bytes of each step. */
export function volumeRangeCommand(context: CommandContext): Command {
  const command = addVolume(
    new Command("volume-range")
      .alias("volume_range")
      .description("Print the bytes of each series over time, as JSON."),
  ).option("--step <duration>", "distance of the points", durationOrSeconds);
  addExamples(command, `skald volume-range --since=1d --step=1h '{env="prod"}'`);
  return command.action((query: string | undefined, options: VolumeOptions) =>
    printVolume({ path: "/loki/api/v1/index/volume_range", query, options, context }),
  );
}

function addVolume(command: Command): Command {
  command
    .argument("[selector]", "which streams (default: all)")
    .option("--limit <n>", "the largest", wholeNumber(1), 30)
    .option("--targetLabels, --target-labels <name>", "group by it (repeatable)", collect)
    .option("--aggregateByLabels, --aggregate-by-labels", "one for each label");
  addTimeRange(command);
  return addConnection(command).addHelpText("after", connectionHelp);
}

async function printVolume({
  path,
  query = "{}",
  options,
  context: { io },
}: {
  path: string;
  query: string | undefined;
  options: VolumeOptions;
  context: CommandContext;
}): Promise<void> {
  const { fromNs, toNs } = timeRangeOf(options, io);
  const params = new URLSearchParams({
    query,
    start: String(fromNs),
    end: String(toNs),
    limit: String(options.limit),
    aggregateBy: options.aggregateByLabels === true ? "labels" : "series",
  });
  const names = (options.targetLabels ?? []).flatMap((text) => text.split(","));
  if (names.length > 0) params.set("targetLabels", names.join(","));
  if (options.step !== undefined) params.set("step", `${options.step / 1_000_000n}ms`);
  const client = await clientOf(options, io);
  const answer = objectOf(await client.json(path, params), "the answer");
  await io.stdout.line(JSON.stringify(objectOf(answer["data"], "data")["result"], null, 2));
}

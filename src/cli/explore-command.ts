import { Command } from "commander";
import { messageOf } from "#base";
import { duration } from "./arguments.ts";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, clientOf, type CommandContext, connectionHelp } from "./command-context.ts";
import { addConnection } from "./connection.ts";
import { Explorer } from "./explorer.ts";
import { zoneOf } from "./output-format.ts";

interface ExploreOptions {
  readonly since: string;
  readonly timezone: string;
}

export function exploreCommand(context: CommandContext): Command {
  const command = new Command("explore")
    .description("Look around in logs on a full screen: tail, search, unfold, filter.")
    .argument("[query]", "LogQL without aggregation (default: asked for)")
    .option("--since <duration>", "how far to look back", "1h")
    .option("-z, --timezone <zone>", "of printed times: UTC, Europe/Berlin", "Local");
  addConnection(command).addHelpText("after", connectionHelp);
  addExamples(
    command,
    `skald explore '{app="checkout"}'`,
    `skald explore --since=15m '{env="prod"} |= "error"'    # then ? for the keys`,
  );
  return command.action(async (query: string | undefined, options: ExploreOptions) => {
    await explore(query ?? "", options, context.io);
  });
}

async function explore(query: string, options: ExploreOptions, io: CliIo): Promise<void> {
  const { terminal } = io;
  if (terminal === undefined) {
    throw usageError("explore needs a terminal", "In a pipe, use skald query or skald tail.");
  }
  try {
    duration(options.since);
  } catch (error) {
    throw usageError(`--since: ${messageOf(error)}`);
  }
  const zone = zoneOf(options.timezone, io.localZone);
  if (zone === undefined) throw usageError(`--timezone: ${options.timezone} is not a time zone`);
  const client = await clientOf(options, io);
  await new Explorer({ client, io, terminal, zone, query, since: options.since }).run();
}

import { Command } from "commander";
import { MiB } from "#base";
import { formatQuery, ParseError, parseQuery } from "#logql";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addExamples, type CommandContext } from "./command-context.ts";
import { underline } from "./report-failure.ts";

/** Far above any query; keeps a log file on stdin from being read as one. */
const queryBytesMax: number = MiB;

export function fmtCommand(context: CommandContext): Command {
  const command = new Command("fmt")
    .description("Print a query broken into lines and indented. Needs no server.")
    .argument("[query]", "LogQL (default: from standard input)");
  addExamples(
    command,
    `skald fmt 'sum by(app)(rate({env="prod"}|="error"[5m]))'`,
    "skald fmt < query.logql",
  );
  return command.action(async (query: string | undefined) => {
    const { io } = context;
    const text = query ?? (await readQuery(io));
    await io.stdout.line(format(text));
  });
}

function format(query: string): string {
  try {
    return formatQuery(parseQuery(query, { checkStages: false }));
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new CliError(error.message, { hints: underline(query, error.message) ?? [] });
  }
}

async function readQuery(io: CliIo): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of io.stdin) {
    parts.push(Buffer.from(part));
    bytes += part.length;
    if (bytes > queryBytesMax) throw new CliError("a query longer than 1 MiB is none");
  }
  return Buffer.concat(parts).toString("utf8").trim();
}

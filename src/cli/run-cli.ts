/** Arguments → the command they name → its exit code. */
import { Command, CommanderError } from "commander";
import { bucketCommand } from "./bucket-command.ts";
import { splitServerFlags } from "./bucket-source.ts";
import { canaryCommand } from "./canary-command.ts";
import { withTwoDashes } from "./canary-flags.ts";
import { exitOk, exitUsage } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { CommandContext } from "./command-context.ts";
import { type CliPorts, commandFirst, helpFlags } from "./command-line.ts";
import { completionCommand } from "./completion-command.ts";
import type { KnownCommand } from "./completion-words.ts";
import { contextCommand } from "./context-command.ts";
import { deleteCommand } from "./delete-command.ts";
import { detectedFieldsCommand } from "./detected-fields-command.ts";
import { explainCommand } from "./explain-command.ts";
import { exploreCommand } from "./explore-command.ts";
import { exportCommand } from "./export-command.ts";
import { doctorHelpText } from "./doctor-help.ts";
import { fmtCommand } from "./fmt-command.ts";
import { canaryFlagsHelpText } from "./canary-flags.ts";
import { connectionHelpText, exitCodesHelpText, outputHelpText, topLevelHelp } from "./help.ts";
import { inspectCommand } from "./inspect-command.ts";
import { instantQueryCommand } from "./instant-query-command.ts";
import { labelsCommand } from "./labels-command.ts";
import { patternsCommand } from "./patterns-command.ts";
import { pushCommand } from "./push-command.ts";
import { queryCommand } from "./query-command.ts";
import { reportFailure } from "./report-failure.ts";
import { retentionCommand } from "./retention-command.ts";
import { rulesCommand } from "./rules-command.ts";
import { seriesCommand } from "./series-command.ts";
import { statsCommand } from "./stats-command.ts";
import { tailCommand } from "./tail-command.ts";
import { tokenCommand } from "./token-command.ts";
import { volumeCommand, volumeRangeCommand } from "./volume-command.ts";

const commands: readonly ((context: CommandContext) => Command)[] = [
  queryCommand,
  instantQueryCommand,
  tailCommand,
  contextCommand,
  exploreCommand,
  exportCommand,
  pushCommand,
  labelsCommand,
  seriesCommand,
  statsCommand,
  volumeCommand,
  volumeRangeCommand,
  detectedFieldsCommand,
  patternsCommand,
  explainCommand,
  deleteCommand,
  retentionCommand,
  rulesCommand,
  fmtCommand,
  inspectCommand,
  tokenCommand,
  bucketCommand,
  canaryCommand,
];

const topics: ReadonlyMap<string, () => string> = new Map([
  ["connection", connectionHelpText],
  ["exit-codes", exitCodesHelpText],
  ["doctor", doctorHelpText],
  ["output", outputHelpText],
  ["canary-flags", canaryFlagsHelpText],
]);

/** Runs one command to its end. Never throws for what a user or a server did. */
export async function runCli(all: readonly string[], io: CliIo, ports?: CliPorts): Promise<number> {
  const { own: argv, serverFlags } =
    all[0] === "bucket" ? splitServerFlags(all) : { own: all, serverFlags: [] };
  const openBucket = ports?.openBucket;
  const context: CommandContext = { io, openBucket, serverFlags, exitCode: exitOk };
  const said = { out: "", err: "" };
  // The clock's timers let a process end; a command that only waits is not over.
  const keepAlive = setInterval(() => undefined, 2 ** 30);
  try {
    const help = helpFor(argv);
    if (help !== undefined) await io.stdout.write(help);
    else await programOf(context, said).parseAsync(argumentsOf(argv), { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return await reportFailure(error, io);
    await io.stdout.write(said.out);
    await io.stderr.write(said.err);
    return error.exitCode === 0 ? exitOk : exitUsage;
  } finally {
    clearInterval(keepAlive);
  }
}

/** Help and faults of the command line are gathered in `said`. */
function programOf(context: CommandContext, said: { out: string; err: string }): Command {
  const program = new Command("skald");
  const output = {
    writeOut: (text: string): void => {
      said.out += text;
    },
    writeErr: (text: string): void => {
      said.err += text;
    },
    getOutHelpWidth: () => helpColumns,
    getErrHelpWidth: () => helpColumns,
  };
  for (const make of commands) program.addCommand(make(context));
  program.addCommand(completionCommand(context, () => program.commands.map(knownCommand)));
  const settle = (command: Command, path: string): void => {
    command.exitOverride().configureOutput(output).configureHelp({ minWidthToWrap: 20 });
    if (command !== program) command.showHelpAfterError(`(${path} --help)`);
    for (const inner of command.commands) settle(inner, `${path} ${inner.name()}`);
  };
  settle(program, "skald");
  return program.showHelpAfterError("(skald help lists the commands)");
}

function knownCommand(command: Command): KnownCommand {
  return {
    name: command.name(),
    options: command.options.map(({ short, long, required, optional }) => {
      return { short, long, takesValue: required || optional };
    }),
    commands: command.commands.map(knownCommand),
  };
}

/** What every terminal has. */
const helpColumns = 80;

function helpFor(argv: readonly string[]): string | undefined {
  const [first, second] = argv;
  if (first === undefined || (helpFlags.has(first) && second === undefined)) return topLevelHelp();
  return first === "help" && second !== undefined ? topics.get(second)?.() : undefined;
}

/** The canary's flags have one dash, as loki-canary's; all others are LogCLI's. */
function argumentsOf(argv: readonly string[]): readonly string[] {
  return argv[0] === "canary" ? withTwoDashes(argv) : commandFirst(argv);
}

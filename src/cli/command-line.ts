/** What the arguments ask for, told without loading the commands themselves. */
import type { OpenBucket } from "./bucket-source.ts";
import type { CliIo } from "./cli-io.ts";
import { connectionFlags } from "./connection-flags.ts";

export const helpFlags: ReadonlySet<string> = new Set(["-h", "--help", "help"]);

/**
 * Whether these arguments (without program and script) are for `runCli`. Not: none at all, `serve`,
 * and flags, which are the server's; but LogCLI's flags may stand before a command.
 */
export function isCliCommand(argv: readonly string[]): boolean {
  const first = commandFirst(argv)[0];
  return (
    first !== undefined && first !== "serve" && (helpFlags.has(first) || !first.startsWith("-"))
  );
}

/** What commands need that only the server has. */
export interface CliPorts {
  readonly openBucket: OpenBucket;
}

/**
 * Runs one command to its end. Never throws for what a user or a server did. Commands are loaded now:
 * a server never needs them.
 */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  ports?: CliPorts,
): Promise<number> {
  const commands = await import("./run-cli.ts");
  return commands.runCli(argv, io, ports);
}

/** LogCLI's flags for the connection may come first: `logcli --addr=… query …`. */
export function commandFirst(argv: readonly string[]): readonly string[] {
  const leading: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (!argument.startsWith("-")) return [argument, ...leading, ...argv.slice(at + 1)];
    const takesValue = leadingFlags.get(argument.split("=")[0]!);
    if (takesValue === undefined) return argv;
    leading.push(argument);
    if (takesValue && !argument.includes("=") && at + 1 < argv.length) leading.push(argv[++at]!);
  }
  return argv;
}

const leadingFlags: ReadonlyMap<string, boolean> = new Map<string, boolean>([
  ...connectionFlags.map(({ flags, kind }): [string, boolean] => [
    flags.split(" ")[0]!,
    kind !== "flag",
  ]),
  ["--quiet", false],
  ["-q", false],
  ["--output", true],
  ["-o", true],
  ["--timezone", true],
  ["-z", true],
  ["--stats", false],
  ["--stdin", false],
]);

import type { Command } from "commander";
import type { OpenBucket } from "./bucket-source.ts";
import type { CliIo } from "./cli-io.ts";
import { connectionOf } from "./connection.ts";
import { HttpClient } from "./http-client.ts";

/** What the commands of one run share. */
export interface CommandContext {
  readonly io: CliIo;
  /** Opens object stores; undefined where there is no server to do so. */
  readonly openBucket: OpenBucket | undefined;
  /** Flags of the server on the command line of `skald bucket`. */
  readonly serverFlags: readonly string[];
  /** Set by a command that did its work and found a fault; thrown failures bring their own. */
  exitCode: number;
}

/** What stands below the options in a command's help. */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`,
  );
}

export const connectionHelp =
  "\nServer, tenant: --addr, --org-id … or LOKI_ADDR …; see: skald help connection";

export async function clientOf(options: object, io: CliIo): Promise<HttpClient> {
  return new HttpClient(await connectionOf(options as Record<string, unknown>, io), io);
}

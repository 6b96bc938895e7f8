/** The commands behind `bin/skald`, except the server itself. */
export { type CliIo, systemIo, TextSink } from "./cli-io.ts";
export { topLevelHelp } from "./help.ts";
export { isCliCommand, runCli } from "./run-cli.ts";

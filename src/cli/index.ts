/** The commands behind `bin/skald`, except the server itself. */
export type { BucketWhere, OpenedBucket } from "./bucket-source.ts";
export { CliError } from "./cli-error.ts";
export { type CliIo, systemIo, TextSink } from "./cli-io.ts";
export { doctorHelpText } from "./doctor-help.ts";
export { type CliPorts, isCliCommand, runCli } from "./command-line.ts";

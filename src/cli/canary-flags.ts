/** The canary's flags: loki-canary's names and defaults, with one dash or two. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { duration, wholeNumber } from "./arguments.ts";
import { addConnection } from "./connection.ts";
import { tableLines } from "./table-lines.ts";

export interface CanaryFlags {
  readonly interval: bigint;
  readonly size: number;
  readonly wait: bigint;
  readonly maxWait: bigint;
  readonly late: bigint;
  readonly pruneinterval: bigint;
  readonly buckets: number;
  readonly port: number;
  readonly push: boolean;
  readonly labelname: string;
  readonly labelvalue: string;
  readonly streamname: string;
  readonly streamvalue: string;
  readonly queryAppend: string;
  readonly queryTimeout: bigint;
  readonly writeTimeout: bigint;
  readonly writeMinBackoff: bigint;
  readonly writeMaxBackoff: bigint;
  readonly writeMaxRetries: number;
  readonly outOfOrderPercentage: number;
  readonly outOfOrderMin: bigint;
  readonly outOfOrderMax: bigint;
  readonly spotCheckInterval: bigint;
  readonly spotCheckMax: bigint;
  readonly spotCheckQueryRate: bigint;
  readonly spotCheckInitialWait: bigint;
  readonly metricTestInterval: bigint;
  readonly metricTestRange: bigint;
  readonly for?: bigint;
}

type Row = readonly [
  flags: string,
  text: string,
  read: (text: string) => unknown,
  otherwise: string,
];

const textValue = (text: string): string => text;

function percentage(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError("It is a whole number from 0 to 100.");
}

function switchValue(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("It is true or false.");
}

const rows: readonly Row[] = [
  ["--interval <duration>", "between two entries", duration, "1s"],
  ["--size <bytes>", "of a line", wholeNumber(1), "100"],
  ["--wait <duration>", "for an entry on the tail", duration, "60s"],
  ["--max-wait <duration>", "for an entry by queries before it is missing", duration, "5m"],
  ["--late <duration>", "heard later than this, an entry is late", duration, "5s"],
  ["--pruneinterval <duration>", "how often entries are decided, asked for", duration, "60s"],
  ["--port <port>", "of /metrics, /ready, /suspend and /resume; 0 is any", wholeNumber(0), "3500"],
  ["--buckets <n>", "of the latency histogram", wholeNumber(1), "10"],
  ["--labelname <name>", "first label of the stream", textValue, "name"],
  ["--labelvalue <value>", "its value", textValue, "loki-canary"],
  ["--streamname <name>", "second label of the stream", textValue, "stream"],
  ["--streamvalue <value>", "its value", textValue, "stdout"],
  ["--query-append <text>", "LogQL after the selector", textValue, ""],
  ["--query-timeout <duration>", "of a query", duration, "10s"],
  ["--write-timeout <duration>", "of a push", duration, "10s"],
  ["--write-min-backoff <duration>", "before a push is tried again", duration, "500ms"],
  ["--write-max-backoff <duration>", "doubled up to this", duration, "5m"],
  ["--write-max-retries <n>", "before a push is given up", wholeNumber(0), "10"],
  ["--out-of-order-percentage <n>", "of entries written with an older time", percentage, "0"],
  ["--out-of-order-min <duration>", "how much older at least", duration, "30s"],
  ["--out-of-order-max <duration>", "and at most", duration, "60s"],
  ["--spot-check-interval <duration>", "how often an entry is kept to ask later", duration, "15m"],
  ["--spot-check-max <duration>", "how long it is asked for", duration, "4h"],
  ["--spot-check-query-rate <duration>", "how often kept entries are asked for", duration, "1m"],
  ["--spot-check-initial-wait <duration>", "before the first question", duration, "10s"],
  ["--metric-test-interval <duration>", "how often entries are counted by query", duration, "1h"],
  ["--metric-test-range <duration>", "over which they are counted", duration, "24h"],
];

/** What a first look needs; `skald help canary-flags` lists the others. */
const usual: ReadonlySet<string> = new Set([
  "--interval",
  "--size",
  "--wait",
  "--max-wait",
  "--port",
  "--labelname",
  "--labelvalue",
  "--out-of-order-percentage",
  "--spot-check-interval",
  "--metric-test-interval",
]);

const nameOf = (flags: string): string => flags.split(" ")[0] ?? "";

/** The text of `skald help canary-flags`. */
export function canaryFlagsHelpText(): string {
  const lines = rows
    .filter(([flags]) => !usual.has(nameOf(flags)))
    .map(([flags, text, , otherwise]) => [`  ${nameOf(flags)}`, otherwise, text]);
  const names = aliases.map(([flags]) => nameOf(flags));
  return `Rare flags of skald canary, what they are by default; one dash or two.

${tableLines(lines).join("\n")}

Of loki-canary, for the connection:
  ${names.join(" ")}

Examples
  skald canary -addr=localhost:3100 -spot-check-max=1h -query-append='| json'
`;
}

/** Other names of the connection's flags. */
const aliases: readonly (readonly [flags: string, means: string, text: string])[] = [
  ["--user <name>", "username", "as --username"],
  ["--pass <text>", "password", "as --password"],
  ["--tenant-id <tenant>", "orgId", "as --org-id"],
  ["--ca-file <file>", "caCert", "as --ca-cert"],
  ["--cert-file <file>", "cert", "as --cert"],
  ["--key-file <file>", "key", "as --key"],
  ["--insecure [bool]", "tlsSkipVerify", "as --tls-skip-verify"],
  ["--tls [bool]", "tls", "the address is https://"],
];

const keyOf = (flags: string): string => new Option(flags).attributeName();

export function addCanaryFlags(command: Command): Command {
  for (const [flags, text, read, otherwise] of rows) {
    const option = new Option(flags, text).argParser(read);
    command.addOption(
      option.default(read(otherwise), otherwise || "none").hideHelp(!usual.has(nameOf(flags))),
    );
  }
  command.addOption(
    new Option("--push [bool]", "send entries; false: print them, for an agent to ship")
      .argParser(switchValue)
      .preset("true")
      .default(true),
  );
  command.addOption(
    new Option(
      "--for <duration>",
      "end after this with a summary; exit code 1 when a check failed",
    ).argParser(duration),
  );
  addConnection(command);
  for (const [flags, , text] of aliases) {
    const option = new Option(flags, text).hideHelp();
    const isSwitch = flags.endsWith("[bool]");
    command.addOption(isSwitch ? option.argParser(switchValue).preset("true") : option);
  }
  return command;
}

/** The same flags as `connectionOf` knows them. */
export function connectionFlagsOf(
  given: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const known: Record<string, unknown> = { ...given };
  for (const [flags, means] of aliases) {
    const value = given[keyOf(flags)];
    if (value !== undefined && means !== "tls" && value !== false) known[means] = value;
  }
  const address = known["addr"] ?? env["LOKI_ADDR"] ?? env["LOKI_ADDRESS"];
  if (typeof address === "string" && address !== "") {
    const hasScheme = /^[a-z]+:\/\//i.test(address);
    known["addr"] = !hasScheme && given["tls"] === true ? `https://${address}` : address;
  }
  return known;
}

/** Go's flags have one dash; commander's long ones have two. */
export function withTwoDashes(argv: readonly string[]): readonly string[] {
  return argv.map((argument) => (/^-[a-z][a-z-]+/.test(argument) ? `-${argument}` : argument));
}

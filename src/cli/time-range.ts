import type { Command } from "commander";
import { formatRfc3339Nano } from "#gofmt";
import type { CliIo } from "./cli-io.ts";
import { duration, parseMoment } from "./arguments.ts";
import { usageError } from "./cli-error.ts";

export interface TimeRangeOptions {
  readonly since?: bigint;
  readonly from?: string;
  readonly to?: string;
}

/** [fromNs, toNs). */
export interface AskedRange {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

const sinceDefaultNs = 3_600_000_000_000n;

export function addTimeRange(command: Command): Command {
  return command
    .option("--since <duration>", "how far to look back (default: 1h)", duration)
    .option("--from <time>", "start (inclusive): 2024-05-01T10:00:00Z, now-2h")
    .option("--to <time>", "end (exclusive; default: now)");
}

/** `--from` wins over `--since`, which counts back from `--to`. */
export function timeRangeOf(options: TimeRangeOptions, io: CliIo): AskedRange {
  const nowNs = io.clock.nowNs();
  const toNs = options.to === undefined ? nowNs : momentOf("--to", options.to, nowNs);
  const fromNs =
    options.from === undefined
      ? toNs - (options.since ?? sinceDefaultNs)
      : momentOf("--from", options.from, nowNs);
  if (fromNs > toNs) {
    const [from, to] = [formatRfc3339Nano(fromNs), formatRfc3339Nano(toNs)];
    throw usageError(`--from (${from}) is after --to (${to})`);
  }
  return { fromNs, toNs };
}

/** Only what the user gave of it: piped lines bring their own range. */
export function rangeGiven(options: TimeRangeOptions, io: CliIo): Partial<AskedRange> {
  const { fromNs, toNs } = timeRangeOf(options, io);
  const hasFrom = options.from !== undefined || options.since !== undefined;
  return {
    ...(hasFrom ? { fromNs } : {}),
    ...(options.to === undefined ? {} : { toNs }),
  };
}

export function momentOf(flag: string, text: string, nowNs: bigint): bigint {
  const value = parseMoment(text, nowNs);
  if (value !== undefined) return value;
  const forms = "2024-05-01T10:00:00Z, 2024-05-01, now, now-2h, 30m (ago), or Unix time";
  throw usageError(`${flag}: ${JSON.stringify(text)} is not a time`, `Times are written ${forms}.`);
}

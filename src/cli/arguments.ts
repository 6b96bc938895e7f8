/** Values of flags: numbers, durations and times, as LogCLI takes them and a little more. */
import { InvalidArgumentError } from "commander";
import { nsPerSecond } from "#base";
import { GoParseError, parseRfc3339Nano } from "#gofmt";
import { parseDuration } from "#logql";

/** For commander: a whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`It is a whole number of at least ${min}.`);
  };
}

/** For commander: one of a list. */
export function oneOf<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It is one of ${choices.join(", ")}.`);
  };
}

/** For commander: collects a flag that may be repeated. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** `90s`, `1h30m`, `7d`, `2w`; nanoseconds, not negative. Undefined when it is no duration. */
function durationNs(text: string): bigint | undefined {
  const value = parseDuration(text);
  return value === undefined || value < 0n ? undefined : value;
}

/** For commander: a duration in nanoseconds. */
export function duration(text: string): bigint {
  const value = durationNs(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError("It is a duration such as 30s, 5m, 1h30m or 7d.");
}

/** For commander: a duration, or a plain number of seconds. */
export function durationOrSeconds(text: string): bigint {
  if (/^\d+$/.test(text)) return BigInt(text) * nsPerSecond;
  return duration(text);
}

const unixSecondsDigitsMax = 10;

/**
 * A time, given `nowNs`: RFC 3339 (`2024-05-01T10:00:00Z`, also with nanoseconds, or only the
 * date), `now`, `now-1h`, `1h` or `-1h` (ago), or Unix time in seconds (up to ten digits) or
 * nanoseconds. Undefined when it is none of these.
 */
export function parseMoment(text: string, nowNs: bigint): bigint | undefined {
  const unix = /^\d+$/.exec(text);
  if (unix !== null) {
    return text.length <= unixSecondsDigitsMax ? BigInt(text) * nsPerSecond : BigInt(text);
  }
  if (text === "now") return nowNs;
  const relative = /^(?:now\s*)?-\s*(.+)$/.exec(text);
  const ago = durationNs(relative?.[1] ?? text);
  if (ago !== undefined) return nowNs - ago;
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
  try {
    return parseRfc3339Nano(isDate ? `${text}T00:00:00Z` : text);
  } catch (error) {
    if (error instanceof GoParseError) return undefined;
    throw error;
  }
}

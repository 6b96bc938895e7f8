import { RequestError } from "#base";
import { GoParseError, parseRfc3339Nano } from "#gofmt";
import type { Clock } from "#world";
import type { Parameters } from "./parameters.ts";

const nsPerSecond = 1_000_000_000n;
const defaultSinceNs = 3600n * nsPerSecond;

/**
 * A time as Loki reads it: a text with a `.` (or an exponent) is seconds as a double, up to ten digits are seconds, more
 * are nanoseconds, else RFC 3339. Undefined for an empty text. Throws RequestError 400.
 */
export function parseTime(text: string, what: string): bigint | undefined {
  if (text === "") return undefined;
  if (/^[+-]?\d+$/.test(text)) {
    const value = BigInt.asIntN(64, BigInt(text.replace("+", "")));
    return text.length <= 10 ? value * nsPerSecond : value;
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return secondsToNs(Number(text));
  try {
    return parseRfc3339Nano(text);
  } catch (error) {
    if (!(error instanceof GoParseError)) throw error;
    const message = `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new RequestError(400, `could not parse '${what}' parameter: ${message}`);
  }
}

/** Whole seconds and the fraction apart, so that what a double holds of the fraction is kept. */
function secondsToNs(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * nsPerSecond + BigInt(Math.round((seconds - whole) * 1e9));
}

export interface Bounds {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * `start`, `end` and `since`: `end` defaults to now, `start` to `since` (or `defaultSinceNs`, an hour) before the earlier of
 * `end` and now.
 */
export function parseBounds(
  parameters: Parameters,
  clock: Clock,
  sinceNs: bigint = defaultSinceNs,
): Bounds {
  const now = clock.nowNs();
  const since = parseSince(parameters.get("since")) ?? sinceNs;
  const endNs = parseTime(parameters.get("end"), "end") ?? now;
  const endOrNow = endNs > now ? now : endNs;
  const startNs = parseTime(parameters.get("start"), "start") ?? endOrNow - since;
  return { startNs, endNs };
}

function parseSince(text: string): bigint | undefined {
  if (text === "") return undefined;
  try {
    return parsePrometheusDuration(text);
  } catch (error) {
    if (error instanceof RequestError) {
      throw new RequestError(400, `could not parse 'since' parameter: ${error.message}`);
    }
    throw error;
  }
}

const unitsNs: Readonly<Record<string, bigint>> = {
  ms: 1_000_000n,
  s: nsPerSecond,
  m: 60n * nsPerSecond,
  h: 3600n * nsPerSecond,
  d: 86_400n * nsPerSecond,
  w: 7n * 86_400n * nsPerSecond,
  y: 365n * 86_400n * nsPerSecond,
};
const unitOrder = ["y", "w", "d", "h", "m", "s", "ms"];

/** A duration as Prometheus writes it: `1w2d`, `5m`, `90s`; units from large to small, each once. In nanoseconds. */
export function parsePrometheusDuration(text: string): bigint {
  if (text === "0") return 0n;
  if (text === "") throw new RequestError(400, "empty duration string");
  let rest = text;
  let total = 0n;
  let lastUnit = -1;
  while (rest !== "") {
    const match = /^(\d+)([^\d]*)/.exec(rest);
    if (match === null) {
      throw new RequestError(400, `not a valid duration string: ${JSON.stringify(text)}`);
    }
    const unit = match[2]!;
    const index = unitOrder.indexOf(unit);
    if (index < 0) {
      throw new RequestError(
        400,
        `unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
      );
    }
    if (index <= lastUnit) {
      throw new RequestError(400, `not a valid duration string: ${JSON.stringify(text)}`);
    }
    lastUnit = index;
    total += BigInt(match[1]!) * unitsNs[unit]!;
    rest = rest.slice(match[0].length);
  }
  return total;
}

import { RequestError } from "#base";
import { GoParseError, parseGoFloat, parseGoInt, parseRfc3339Nano } from "#gofmt";
import { quoteGo } from "#model";
import type { Clock } from "#world";
import type { Parameters } from "./parameters.ts";

const nsPerSecond = 1_000_000_000n;
const defaultSinceNs = 3600n * nsPerSecond;
const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/**
 * A time as Loki reads it: a text with a `.` is seconds as a double, up to ten characters of digits
 * are seconds, more are nanoseconds, else RFC 3339. Undefined for an empty text. Throws
 * RequestError 400, which names the parameter only when `what` is given.
 */
export function parseTime(text: string, what?: string): bigint | undefined {
  if (text === "") return undefined;
  const seconds = text.includes(".") ? quietly(() => parseGoFloat(text)) : undefined;
  if (seconds !== undefined) return secondsToNs(seconds);
  try {
    const value = parseGoInt(text, { base: 10 });
    return text.length <= 10 ? value * nsPerSecond : value;
  } catch (error) {
    if (!(error instanceof GoParseError)) throw error;
    const time = quietly(() => parseRfc3339Nano(text));
    if (time !== undefined) return time;
    const prefix = what === undefined ? "" : `could not parse '${what}' parameter: `;
    throw new RequestError(400, prefix + error.message);
  }
}

function quietly<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof GoParseError) return undefined;
    throw error;
  }
}

/** Whole seconds and the fraction apart, so that what a double holds of the fraction is kept. */
function secondsToNs(seconds: number): bigint {
  const whole = Math.trunc(seconds);
  const ns = BigInt(whole) * nsPerSecond + BigInt(Math.trunc((seconds - whole) * 1e9));
  if (ns > int64Max) return int64Max;
  return ns < int64Min ? int64Min : ns;
}

export interface Bounds {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * `start`, `end` and `since`: `end` defaults to now, `start` to `since` (or `sinceNs`, an hour)
 * before the earlier of `end` and now.
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

/**
 * A step or interval: seconds as a number, or a duration as Prometheus writes it. Undefined when
 * missing. Throws RequestError 400.
 */
export function parseStep(text: string): bigint | undefined {
  if (text === "") return undefined;
  const seconds = quietly(() => parseGoFloat(text));
  if (seconds !== undefined) {
    const ns = seconds * 1e9;
    if (ns > Number(int64Max) || ns < Number(int64Min)) {
      const what = `cannot parse ${quoteGo(text)} to a valid duration`;
      throw new RequestError(400, `${what}. It overflows int64`);
    }
    return Number.isNaN(ns) ? int64Min : BigInt(Math.trunc(ns));
  }
  try {
    return parsePrometheusDuration(text);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(400, `cannot parse ${quoteGo(text)} to a valid duration`);
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

/**
 * A duration as Prometheus writes it: `1w2d`, `5m`, `90s`; units from large to small, each once. In
 * nanoseconds. Throws RequestError 400 in Prometheus' words.
 */
export function parsePrometheusDuration(text: string): bigint {
  if (text === "0") return 0n;
  if (text === "") throw new RequestError(400, "empty duration string");
  const invalid = `not a valid duration string: ${quoteGo(text)}`;
  let rest = text;
  let total = 0n;
  let lastUnit = -1;
  while (rest !== "") {
    const match = /^([0-9]{1,20})([^0-9]+)/.exec(rest);
    if (match === null) throw new RequestError(400, invalid);
    const [taken, digits = "", unit = ""] = match;
    const index = unitOrder.indexOf(unit);
    if (index < 0) {
      throw new RequestError(400, `unknown unit ${quoteGo(unit)} in duration ${quoteGo(text)}`);
    }
    if (index <= lastUnit) throw new RequestError(400, invalid);
    lastUnit = index;
    total += BigInt(digits) * unitsNs[unit]!;
    if (total > int64Max) throw new RequestError(400, "duration out of range");
    rest = rest.slice(taken.length);
  }
  return total;
}

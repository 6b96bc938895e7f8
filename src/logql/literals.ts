/**
 * Numbers, durations and byte sizes as LogQL reads and prints them. Three dialects of durations
 * meet here: ranges (Prometheus: whole numbers, units large to small), label filters and offsets
 * (Go's: fractions, any order, no unit above `h`; or else as a range), and Go's canonical text
 * (`1h0m0s`).
 */

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Units of a range, largest first: the order in which they must stand. */
const rangeUnits: readonly (readonly [unit: string, ms: bigint])[] = [
  ["y", 365n * 86_400_000n],
  ["w", 7n * 86_400_000n],
  ["d", 86_400_000n],
  ["h", 3_600_000n],
  ["m", 60_000n],
  ["s", 1_000n],
  ["ms", 1n],
];

/** Go keeps durations in an int64 of nanoseconds: about 292 years. */
const durationNsMax = 2n ** 63n - 1n;

/** A literal's value, or what is wrong with it in Loki's words. */
export type Literal<T> = { readonly value: T } | { readonly fault: string };

/** The text between `[` and `]`. */
export function parseRangeDuration(text: string): Literal<bigint> {
  if (text === "0") return { value: 0n };
  if (text === "") return { fault: "empty duration string" };
  const invalid = { fault: `not a valid duration string: ${JSON.stringify(text)}` };
  let totalNs = 0n;
  let lastUnit = -1;
  let at = 0;
  while (at < text.length) {
    const digits = /^[0-9]+/.exec(text.slice(at))?.[0];
    if (digits === undefined) return invalid;
    at += digits.length;
    const unit = /^[^0-9]+/.exec(text.slice(at))?.[0];
    if (unit === undefined) return invalid;
    at += unit.length;
    const index = rangeUnits.findIndex(([name]) => name === unit);
    if (index < 0) {
      const quoted = JSON.stringify(unit);
      return { fault: `unknown unit ${quoted} in duration ${JSON.stringify(text)}` };
    }
    if (index <= lastUnit) return invalid;
    lastUnit = index;
    totalNs += BigInt(digits) * rangeUnits[index]![1] * 1_000_000n;
    if (totalNs > durationNsMax) return { fault: "duration out of range" };
  }
  return { value: totalNs };
}

/** `1.5h`, `-10m`, `1h2m`, `1d`: a duration outside brackets; undefined when the text is none. */
export function parseDuration(text: string): bigint | undefined {
  const go = parseGoDuration(text);
  if (go !== undefined) return go;
  const negative = text.startsWith("-");
  const range = parseRangeDuration(negative ? text.slice(1) : text);
  if ("fault" in range) return undefined;
  return negative ? -range.value : range.value;
}

function parseGoDuration(text: string): bigint | undefined {
  const match = /^([-+]?)((?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(
    text,
  );
  if (match === null) return undefined;
  let totalNs = 0n;
  for (const part of match[2]!.matchAll(/([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const unit = unitNs[part[3]!]!;
    const fraction = part[2]!;
    totalNs += BigInt(part[1] === "" ? "0" : part[1]!) * unit;
    if (fraction !== "") totalNs += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    if (totalNs > durationNsMax) return undefined;
  }
  return match[1] === "-" ? -totalNs : totalNs;
}

/**
 * As Prometheus prints a range: `5m`, `1h30m`, `1d`, `90s` as `1m30s`; what is below a millisecond
 * is cut.
 */
export function formatRangeDuration(ns: bigint): string {
  let ms = ns / 1_000_000n;
  if (ms === 0n) return "0s";
  let out = "";
  for (const [unit, unitMs] of rangeUnits) {
    const isCalendar = unit === "y" || unit === "w" || unit === "d";
    if (ms < unitMs || (isCalendar && ms % unitMs !== 0n)) continue;
    out += `${ms / unitMs}${unit}`;
    ms %= unitMs;
  }
  return out;
}

/** As Go prints a time.Duration: `1h0m0s`, `1.5s`, `250µs`, `-10m0s`, `0s`. */
export function formatGoDuration(ns: bigint): string {
  if (ns < 0n) return `-${formatGoDuration(-ns)}`;
  if (ns === 0n) return "0s";
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return `${decimal(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${decimal(ns, 6)}ms`;
  const minutes = ns / unitNs["m"]!;
  const seconds = `${decimal(ns % unitNs["m"]!, 9)}s`;
  if (minutes === 0n) return seconds;
  if (minutes < 60n) return `${minutes}m${seconds}`;
  return `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value / 10^digits` without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits);
  const fraction = (value % scale).toString().padStart(digits, "0").replace(/0+$/, "");
  return fraction === "" ? `${value / scale}` : `${value / scale}.${fraction}`;
}

/** Powers of 1000 and of 1024 by their lower-case unit (github.com/dustin/go-humanize's table). */
const byteUnits: ReadonlyMap<string, number> = new Map([
  ["b", 1],
  ...["k", "m", "g", "t", "p", "e"].flatMap((prefix, i): [string, number][] => [
    [prefix, 1000 ** (i + 1)],
    [`${prefix}b`, 1000 ** (i + 1)],
    [`${prefix}i`, 1024 ** (i + 1)],
    [`${prefix}ib`, 1024 ** (i + 1)],
  ]),
]);

/** `1.5KB`, `2MiB`; undefined when the text is no byte size (a bare number is none). */
export function parseBytes(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([A-Za-z]+)$/.exec(text);
  if (match === null) return undefined;
  const unit = byteUnits.get(match[2]!.toLowerCase());
  if (unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return bytes < 2 ** 64 ? bytes : undefined;
}

/**
 * As Loki prints a byte size (`5.0kB`, `20kB`, `42B`), rounded to two or three digits; where that
 * would lose something, the exact number of bytes instead, so that what is printed reads back the
 * same.
 */
export function formatBytes(bytes: number): string {
  // `0B` would read as the start of a binary number.
  if (bytes === 0) return "0kB";
  const rounded = humanizeBytes(bytes);
  return parseBytes(rounded) === bytes ? rounded : `${formatDecimal(bytes)}B`;
}

function humanizeBytes(bytes: number): string {
  if (bytes < 10) return `${bytes}B`;
  let exponent = 0;
  while (exponent < 6 && bytes >= 1000 ** (exponent + 1)) exponent++;
  const value = Math.floor((bytes / 1000 ** exponent) * 10 + 0.5) / 10;
  const unit = ["B", "kB", "MB", "GB", "TB", "PB", "EB"][exponent]!;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}${unit}`;
}

/**
 * A number literal as Go's ParseFloat takes it, underscores and hexadecimal mantissas with an
 * exponent included.
 */
export function parseNumber(text: string): Literal<number> {
  const parsing = `strconv.ParseFloat: parsing ${JSON.stringify(text)}`;
  const plain = text.replaceAll("_", "");
  let value: number;
  if (/^[-+]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$/.test(plain)) value = Number(plain);
  else {
    const hex = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([-+]?[0-9]+)$/.exec(plain);
    if (hex === null || hex[1]! + hex[2]! === "") return { fault: `${parsing}: invalid syntax` };
    const mantissa = Number(BigInt(`0x${hex[1]}${hex[2]}`));
    value = mantissa * 2 ** (Number(hex[3]) - 4 * hex[2]!.length);
  }
  return Number.isFinite(value) ? { value } : { fault: `${parsing}: value out of range` };
}

/** Shortest decimal without an exponent. */
export function formatDecimal(value: number): string {
  const text = String(value);
  const match = /^(-?)([0-9])(?:\.([0-9]+))?e([-+][0-9]+)$/.exec(text);
  if (match === null) return text;
  const [, sign, first, rest = "", exponentText] = match;
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${first}${rest}`;
  return `${sign}${first}${rest.padEnd(exponent, "0")}`;
}

/** As Go's `%v`: an exponent of two digits at least when it is below -4 or above 20. */
export function formatGoFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const [mantissa, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 21) return formatDecimal(value);
  const sign = exponent < 0 ? "-" : "+";
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** As Go's `%f`: six decimals. */
export function formatFixed(value: number): string {
  if (!Number.isFinite(value)) return formatGoFloat(value);
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

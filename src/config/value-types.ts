import { formatGoDuration } from "#gofmt";

/**
 * How a setting is written and what it becomes. In memory: durations are milliseconds (fractions
 * allowed), sizes are bytes, times are nanoseconds since 1970 as bigint (0: none).
 */
export type ValueTypeName =
  | "bool"
  | "bytes"
  /** A list that Loki writes as one string with commas. */
  | "csv"
  /** A duration that Loki prints in Prometheus' notation (`1w`); both kinds read both notations. */
  | "days"
  | "duration"
  | "float"
  | "int"
  /** A list, or one string with commas. */
  | "list"
  | "map"
  | "path"
  | "secret"
  | "string"
  | "time"
  | "url";

export interface ValueType {
  readonly name: ValueTypeName;
  /** When not empty: the only texts allowed. */
  readonly choices: readonly string[];
}

export type Value =
  | undefined
  | string
  | number
  | boolean
  | bigint
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Parsed, or what is wrong with the text. */
export type Parsed = { readonly value: Value } | { readonly expected: string };

const expectations: Readonly<Record<ValueTypeName, string>> = {
  bool: "true or false",
  csv: "words with commas between",
  bytes: "a size such as 4MB, 256KB or a number of bytes",
  days: "a duration such as 1h, 30m, 7d or 0",
  duration: "a duration such as 1h, 30m, 10s or 0",
  float: "a number",
  int: "a whole number",
  list: "a list of strings",
  map: "a map of strings",
  path: "a path",
  secret: "a string",
  string: "a string",
  time: "a time such as 2026-01-31T00:00:00Z",
  url: "a URL",
};

export function expectationOf(type: ValueType): string {
  if (type.choices.length > 0) return `one of ${type.choices.join(", ")}`;
  return expectations[type.name];
}

/** Reads one text as the type says. Lists take commas, maps `a=b,c=d` (as flags write them). */
export function parseText(type: ValueType, text: string): Parsed {
  const value = readText(type, text);
  if (value === undefined) return { expected: expectationOf(type) };
  if (type.choices.length > 0 && !type.choices.includes(asText(value))) {
    return { expected: expectationOf(type) };
  }
  return { value };
}

function readText(type: ValueType, text: string): Value {
  switch (type.name) {
    case "bool":
      return readBool(text);
    case "bytes":
      return readBytes(text);
    case "days":
    case "duration":
      return readDuration(text);
    case "float":
      return readNumber(text);
    case "int":
      return readInt(text);
    case "csv":
    case "list":
      return text === "" ? [] : text.split(",").map((part) => part.trim());
    case "map":
      return readMap(text);
    case "time":
      return readTime(text);
    case "path":
    case "secret":
    case "string":
    case "url":
      return text;
    default:
      return type.name satisfies never;
  }
}

/** The words that YAML 1.1 and Go's flags take for true and false. */
const trueWords = new Set(["true", "t", "1", "yes", "y", "on"]);
const falseWords = new Set(["false", "f", "0", "no", "n", "off"]);

function readBool(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (trueWords.has(word)) return true;
  return falseWords.has(word) ? false : undefined;
}

function readNumber(text: string): number | undefined {
  const isNumber = /^[+-]?(\d[\d_]*(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return isNumber ? Number(text.replaceAll("_", "")) : undefined;
}

function readInt(text: string): number | undefined {
  if (/^[+-]?0x[0-9a-f]+$/i.test(text)) {
    const size = Number(text.replace(/^[+-]/, ""));
    return text.startsWith("-") ? -size : size;
  }
  const value = /^[+-]?\d[\d_]*$/.test(text) ? Number(text.replaceAll("_", "")) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

const sizePattern = /^([+-]?\d+(?:\.\d+)?)\s*(?:([KMGTPE]?)I?B|([KMGTPE])I?)?$/i;
/** As Loki prints sizes of two units: `63KiB1023B`. */
const sizeOfTwo = /^(\d+[KMGTPE]I?B)(\d.*)$/i;
const sizeLetters = ["", "K", "M", "G", "T", "P", "E"];

/** 1 KB is 1024 bytes, as Loki's sizes are. */
function readBytes(text: string): number | undefined {
  const [, first, rest] = sizeOfTwo.exec(text) ?? [];
  if (first !== undefined && rest !== undefined) {
    const sum = (readBytes(first) ?? Number.NaN) + (readBytes(rest) ?? Number.NaN);
    return Number.isSafeInteger(sum) ? sum : undefined;
  }
  const found = sizePattern.exec(text.trim());
  if (found === null) return readInt(text);
  const letter = (found[2] ?? found[3] ?? "").toUpperCase();
  const bytes = Math.trunc(Number(found[1]) * 1024 ** sizeLetters.indexOf(letter));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const msPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

const durationPart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|[smhdwy])/y;

/** Go's durations and Prometheus' (`d`, `w`, `y`), also mixed; of bare numbers only 0. */
function readDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const signed = /^([+-]?)(.+)$/.exec(text);
  const body = signed?.[2] ?? "";
  let totalMs = 0;
  let at = 0;
  while (at < body.length) {
    durationPart.lastIndex = at;
    const part = durationPart.exec(body);
    if (part === null) return undefined;
    totalMs += Number(part[1]) * (msPerUnit[part[2] ?? ""] ?? Number.NaN);
    at = durationPart.lastIndex;
  }
  if (body === "" || !Number.isFinite(totalMs)) return undefined;
  return signed?.[1] === "-" ? -totalMs : totalMs;
}

const timePattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** Nanoseconds since 1970; a time without a zone is UTC. Empty and `0`: none. */
function readTime(text: string): bigint | undefined {
  if (text === "" || text === "0") return 0n;
  const found = timePattern.exec(text);
  if (found === null) return undefined;
  const ms = Date.parse(found[1] === undefined || found[4] !== undefined ? text : `${text}Z`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n;
}

function readMap(text: string): Value {
  const map: Record<string, string> = {};
  if (text === "") return map;
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    if (at < 1) return undefined;
    map[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return map;
}

/** The value as Loki's `/config` writes it; reading it again gives the same value. */
export function printValue(type: ValueType, value: Value): unknown {
  switch (type.name) {
    case "bytes":
      return printBytes(Number(value));
    case "csv":
      return (value as readonly string[]).join(",");
    case "days":
      return printDays(Number(value));
    case "duration":
      return printDuration(Number(value));
    case "time":
      return value === 0n ? "0" : new Date(Number(BigInt(value as bigint) / 1_000_000n)).toJSON();
    case "bool":
    case "float":
    case "int":
    case "list":
    case "map":
    case "path":
    case "secret":
    case "string":
    case "url":
      return value;
    default:
      return type.name satisfies never;
  }
}

function printBytes(bytes: number): string | number {
  if (bytes <= 0) return bytes === 0 ? "0B" : bytes;
  let size = bytes;
  let power = 0;
  while (size % 1024 === 0 && power < sizeLetters.length - 1) {
    size /= 1024;
    power++;
  }
  return `${size}${sizeLetters[power] ?? ""}B`;
}

function printDuration(ms: number): string {
  const whole = Math.trunc(ms);
  return formatGoDuration(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}

const dayUnits = ["d", "h", "m", "s", "ms"] as const;

function printDays(ms: number): string {
  if (ms < 0 || !Number.isInteger(ms)) return printDuration(ms);
  if (ms === 0) return "0s";
  for (const unit of ["y", "w"]) {
    const unitMs = msPerUnit[unit] ?? 1;
    if (ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  let rest = ms;
  let text = "";
  for (const unit of dayUnits) {
    const unitMs = msPerUnit[unit] ?? 1;
    const count = Math.trunc(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}

/** A text as it is; `otherwise` for what was not given. */
export function asText(value: Value, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "logfmt" | "json";

/** Named values of one event. Secrets never go in; errors go in as their message. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** Skald's own log: one line per event, on stderr. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The level in force; may be changed while running. */
  level: LogLevel;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Where lines go, each with its newline. */
  readonly write: (line: string) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const { write } = options;
  const isLogfmt = options.format === "logfmt";
  const destination: DestinationStream = {
    write: (line) => write(isLogfmt ? toLogfmt(line) : line),
  };
  const inner = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "msg",
    },
    destination,
  );
  return wrap(inner);
}

function wrap(inner: PinoLogger): Logger {
  const say =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void =>
      inner[level](printable(fields), event);
  return {
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    get level(): LogLevel {
      return inner.level as LogLevel;
    },
    set level(level: LogLevel) {
      inner.level = level;
    },
  };
}

function printable(fields: LogFields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) out[name] = typeof value === "bigint" ? value.toString() : value;
  }
  return out;
}

/** A line of JSON → `ts=… level=… msg="…" name=value`; values with spaces, quotes or controls are quoted. */
function toLogfmt(line: string): string {
  const event = JSON.parse(line) as Record<string, unknown>;
  const { time, level, msg, ...fields } = event;
  const parts = Object.entries({ ts: time, level, msg, ...fields }).map(
    ([name, value]) => `${name}=${logfmtValue(String(value))}`,
  );
  return `${parts.join(" ")}\n`;
}

/** Controls (Unicode's Cc) by their numbers: the first class by name makes V8 read Unicode's tables. */
// oxlint-disable-next-line no-control-regex
const bareValue = /^[^\s"=\\\x00-\x1f\x7f-\x9f]+$/;

function logfmtValue(text: string): string {
  return bareValue.test(text) ? text : JSON.stringify(text);
}

/** Methods of times, durations, months and weekdays: those of Go's that return one value. */

import {
  type CivilTime,
  civilTime,
  formatGoTime,
  goDurationSeconds,
  unixSecondsOf,
  utcZone,
} from "#gofmt";
import type { GoFunction, ParameterType } from "./go-function.ts";
import { integerText, timeText } from "./print.ts";
import { FunctionError } from "./template-error.ts";
import {
  type Evaluated,
  GoInteger,
  GoTime,
  type GoValue,
  int64,
  integer,
  type IntegerType,
} from "./values.ts";

type Methods<Receiver> = Readonly<Record<string, (receiver: Receiver) => GoFunction>>;

export function findMethod(value: GoValue, name: string): GoFunction | undefined {
  if (value instanceof GoTime) return lookup(timeMethods, name)?.(value);
  if (!(value instanceof GoInteger) || !value.type.startsWith("time.")) return undefined;
  if (name === "String") return method([], () => integerText(value));
  return value.type === "time.Duration" ? lookup(durationMethods, name)?.(value) : undefined;
}

function lookup<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function method(
  parameters: readonly ParameterType[],
  run: (args: readonly Evaluated[]) => Evaluated,
): GoFunction {
  return { parameters, run };
}

function civilPart(
  pick: (civil: CivilTime) => number,
  type: IntegerType = "int",
): (time: GoTime) => GoFunction {
  return (time) =>
    method([], () => {
      const civil = civilTime(time.moment);
      if (civil === undefined) throw new FunctionError("time outside the calendar");
      return new GoInteger(BigInt(pick(civil)), type);
    });
}

function unixIn(unitNs: bigint): (time: GoTime) => GoFunction {
  return (time) =>
    method([], () => {
      const { ns } = time.moment;
      const down = ns % unitNs < 0n ? 1n : 0n;
      return int64(ns / unitNs - down);
    });
}

function otherTime(args: readonly Evaluated[]): bigint {
  const [other] = args;
  return other instanceof GoTime ? other.moment.ns : 0n;
}

/** Methods with several results exist, but a template that names them fails. */
function flawed(flaw: string): () => GoFunction {
  return () => ({ parameters: [], flaw, run: () => undefined });
}

function secondResult(name: string, type: string): () => GoFunction {
  const signature = `invalid function signature for ${name}`;
  return flawed(`${signature}: second return value should be error; is ${type}`);
}

function threeResults(name: string): () => GoFunction {
  return flawed(`function ${name} has 3 return values; should be 1 or 2`);
}

function durationOf(args: readonly Evaluated[]): bigint {
  const [duration] = args;
  return duration instanceof GoInteger ? duration.value : 0n;
}

function duration(ns: bigint): GoInteger {
  const limit = 2n ** 63n;
  const clamped = ns < -limit ? -limit : ns >= limit ? limit - 1n : ns;
  return new GoInteger(clamped, "time.Duration");
}

function shifted(time: GoTime, ns: bigint): GoTime {
  return new GoTime({ ns: time.moment.ns + ns, zone: time.moment.zone });
}

/** Go counts from the year 1 when it rounds times. */
const roundingEpochNs = -62_135_596_800_000_000_000n;

/** `AddDate`: fields overflow into the next ones, as `time.Date` normalises them. */
function addDate(time: GoTime, args: readonly Evaluated[]): GoTime {
  const civil = civilTime(time.moment);
  const [years = 0, months = 0, days = 0] = args.map((arg) =>
    arg instanceof GoInteger ? Number(arg.value) : 0,
  );
  if (civil === undefined) throw new FunctionError("time outside the calendar");
  const date = new Date(0);
  date.setUTCFullYear(civil.year + years, civil.month - 1 + months, civil.day + days);
  date.setUTCHours(civil.hour, civil.minute, civil.second);
  const local = date.getTime() / 1000;
  if (!Number.isFinite(local)) throw new FunctionError("time outside the calendar");
  const { zone } = time.moment;
  const guess = zone.offsetSecondsAt(local);
  const seconds = local - zone.offsetSecondsAt(local - guess);
  return new GoTime({ ns: BigInt(seconds) * 1_000_000_000n + BigInt(civil.nanosecond), zone });
}

const timeMethods: Methods<GoTime> = {
  Add: (time) => method(["time.Duration"], (args) => shifted(time, durationOf(args))),
  AddDate: (time) => method(["int", "int", "int"], (args) => addDate(time, args)),
  After: (time) => method(["time.Time"], (args) => time.moment.ns > otherTime(args)),
  Before: (time) => method(["time.Time"], (args) => time.moment.ns < otherTime(args)),
  Clock: threeResults("Clock"),
  Compare: (time) =>
    method(["time.Time"], (args) => {
      const other = otherTime(args);
      return integer(time.moment.ns < other ? -1 : time.moment.ns > other ? 1 : 0);
    }),
  Date: threeResults("Date"),
  Day: civilPart((civil) => civil.day),
  Equal: (time) => method(["time.Time"], (args) => time.moment.ns === otherTime(args)),
  Format: (time) =>
    method(["string"], ([layout]) =>
      formatGoTime(time.moment, typeof layout === "string" ? layout : ""),
    ),
  Hour: civilPart((civil) => civil.hour),
  ISOWeek: secondResult("ISOWeek", "int"),
  IsZero: (time) => method([], () => time.moment.ns === roundingEpochNs),
  Local: (time) => method([], () => new GoTime({ ns: time.moment.ns, zone: utcZone })),
  Minute: civilPart((civil) => civil.minute),
  Month: civilPart((civil) => civil.month, "time.Month"),
  Nanosecond: civilPart((civil) => civil.nanosecond),
  Round: (time) =>
    method(["time.Duration"], (args) => shifted(time, roundingOf(time, durationOf(args)))),
  Second: civilPart((civil) => civil.second),
  String: (time) => method([], () => timeText(time)),
  Sub: (time) => method(["time.Time"], (args) => duration(time.moment.ns - otherTime(args))),
  Truncate: (time) =>
    method(["time.Duration"], (args) => {
      const step = durationOf(args);
      if (step <= 0n) return time;
      return shifted(time, -((time.moment.ns - roundingEpochNs) % step));
    }),
  UTC: (time) => method([], () => new GoTime({ ns: time.moment.ns, zone: utcZone })),
  Unix: (time) => method([], () => int64(unixSecondsOf(time.moment.ns))),
  UnixMicro: unixIn(1000n),
  UnixMilli: unixIn(1_000_000n),
  UnixNano: unixIn(1n),
  Weekday: civilPart((civil) => civil.weekday, "time.Weekday"),
  Year: civilPart((civil) => civil.year),
  YearDay: civilPart((civil) => civil.yearDay),
  Zone: secondResult("Zone", "int"),
  ZoneBounds: secondResult("ZoneBounds", "time.Time"),
};

function roundingOf(time: GoTime, step: bigint): bigint {
  if (step <= 0n) return 0n;
  const rest = (time.moment.ns - roundingEpochNs) % step;
  return rest * 2n < step ? -rest : step - rest;
}

const durationMethods: Methods<GoInteger> = {
  Abs: (value) => method([], () => duration(value.value < 0n ? -value.value : value.value)),
  Hours: (value) => method([], () => goDurationSeconds(value.value) / 3600),
  Microseconds: (value) => method([], () => int64(value.value / 1000n)),
  Milliseconds: (value) => method([], () => int64(value.value / 1_000_000n)),
  Minutes: (value) => method([], () => goDurationSeconds(value.value) / 60),
  Nanoseconds: (value) => method([], () => int64(value.value)),
  Round: (value) =>
    method(["time.Duration"], (args) => {
      const step = durationOf(args);
      if (step <= 0n) return value;
      const magnitude = value.value < 0n ? -value.value : value.value;
      const rest = magnitude % step;
      const rounded = rest * 2n < step ? magnitude - rest : magnitude - rest + step;
      return duration(value.value < 0n ? -rounded : rounded);
    }),
  Seconds: (value) => method([], () => goDurationSeconds(value.value)),
  Truncate: (value) =>
    method(["time.Duration"], (args) => {
      const step = durationOf(args);
      return step <= 0n ? value : duration(value.value - (value.value % step));
    }),
};

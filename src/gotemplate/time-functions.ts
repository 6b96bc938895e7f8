/** Times: the entry's, now, and texts read by Go layouts. The local zone is UTC. */

import {
  formatGoTime,
  GoParseError,
  type GoZone,
  loadGoZone,
  parseGoInt,
  parseGoTime,
  unixSecondsOf,
  utcZone,
  zeroMoment,
} from "#gofmt";
import { ofStrings, stringAt, timeAt, valueAt } from "./arguments.ts";
import type { FunctionContext, FunctionTable, GoFunction } from "./go-function.ts";
import { FunctionError } from "./template-error.ts";
import { type Evaluated, GoInteger, GoTime, isShowable } from "./values.ts";

const nsPerSecond = 1_000_000_000n;

function utc(ns: bigint): GoTime {
  return new GoTime({ ns, zone: utcZone });
}

/** A text that does not parse is the zero time. */
function parseOrZero(text: string, options: { layout: string; zone: GoZone }): GoTime {
  try {
    const moment = parseGoTime(text, options);
    return isShowable(moment) ? new GoTime(moment) : new GoTime(zeroMoment);
  } catch (error) {
    if (error instanceof GoParseError) return new GoTime(zeroMoment);
    throw error;
  }
}

/** `date` takes a time or a number of seconds; anything else stands for now. */
function date(args: readonly Evaluated[], context: FunctionContext): string {
  const value = valueAt(args, 1);
  let ns = context.scope.nowNs();
  if (value instanceof GoTime) ns = value.moment.ns;
  else if (value instanceof GoInteger && /^int(?:32|64)?$/.test(value.type)) {
    ns = value.value * nsPerSecond;
  }
  const text = formatGoTime({ ns, zone: utcZone }, stringAt(args, 0));
  context.charge(text.length);
  return text;
}

function epoch(count: (ns: bigint) => bigint): GoFunction {
  return {
    parameters: ["time.Time"],
    run: (args) => count(timeAt(args, 0)?.moment.ns ?? 0n).toString(),
  };
}

/** How many nanoseconds a number of that many digits counts. */
const nsByDigits: ReadonlyMap<number, bigint> = new Map([
  [5, 86_400n * nsPerSecond],
  [10, nsPerSecond],
  [13, 1_000_000n],
  [16, 1000n],
  [19, 1n],
]);

function unixToTime(text: string): GoTime {
  let count: bigint;
  try {
    count = parseGoInt(text, { base: 10 });
  } catch (error) {
    if (!(error instanceof GoParseError)) throw error;
    throw new FunctionError(`unable to parse time '${text}': ${error.message}`);
  }
  const unitNs = nsByDigits.get(text.length);
  if (unitNs === undefined) throw new FunctionError(`unable to parse time '${text}'`);
  return utc(count * unitNs);
}

export const timeFunctions: FunctionTable = {
  __timestamp__: { parameters: [], run: (_, context) => utc(context.scope.timestampNs()) },
  date: { parameters: ["string", "any"], run: date },
  now: { parameters: [], run: (_, context) => utc(context.scope.nowNs()) },
  toDate: {
    parameters: ["string", "string"],
    run: (args) => parseOrZero(stringAt(args, 1), { layout: stringAt(args, 0), zone: utcZone }),
  },
  toDateInZone: {
    parameters: ["string", "string", "string"],
    run: (args) => {
      const zone = loadGoZone(stringAt(args, 1)) ?? utcZone;
      return parseOrZero(stringAt(args, 2), { layout: stringAt(args, 0), zone });
    },
  },
  unixEpoch: epoch(unixSecondsOf),
  unixEpochMillis: epoch((ns) => unixSecondsOf(ns * 1000n)),
  unixEpochNanos: epoch((ns) => BigInt.asIntN(64, ns)),
  unixToTime: { parameters: ["string"], run: (args) => unixToTime(stringAt(args, 0)) },
};

/** Kept beside the times because it, too, reads the entry rather than its arguments. */
export const lineFunctions: FunctionTable = {
  __line__: { ...ofStrings(0, () => ""), run: (_, context) => context.scope.line() },
};

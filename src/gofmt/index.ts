/** Go's notation of numbers, durations, byte sizes and times, as LogQL inherited it. */
export { parseHumanBytes } from "./byte-size.ts";
export {
  formatGoDuration,
  goDurationSeconds,
  parseGoDuration,
  parseGoDurationSeconds,
} from "./duration.ts";
export { decomposeFloat, formatFixed, formatGeneral, formatScientific } from "./float-format.ts";
export { formatGoFloat, formatSampleValue, parseGoFloat, parseGoInt } from "./number.ts";
export { GoParseError } from "./parse-error.ts";
export { quoteGoRune, quoteGoString } from "./quote.ts";
export { formatRfc3339Nano, parseRfc3339Nano } from "./rfc3339.ts";
export {
  type CivilTime,
  civilTime,
  formatGoTime,
  type GoMoment,
  unixSecondsOf,
  zeroMoment,
} from "./time-format.ts";
export { monthNames, weekdayNames } from "./time-layout.ts";
export { parseGoTime } from "./time-parse.ts";
export { type GoZone, loadGoZone, utcZone } from "./time-zone.ts";

/** From texts to numbers: sizes, durations, integers, floats, and `default` for what is empty. */

import { parseGoDurationSeconds, parseHumanBytes } from "#gofmt";
import { ofStrings, valueAt } from "./arguments.ts";
import type { FunctionTable } from "./go-function.ts";
import { readFloat, readInteger } from "./number-reading.ts";
import { integer, isTrue } from "./values.ts";

export const conversionFunctions: FunctionTable = {
  bytes: ofStrings(1, parseHumanBytes),
  default: {
    parameters: ["any"],
    rest: "any",
    run: (args) => (isTrue(valueAt(args, 1)) ? valueAt(args, 1) : valueAt(args, 0)),
  },
  duration: ofStrings(1, parseGoDurationSeconds),
  duration_seconds: ofStrings(1, parseGoDurationSeconds),
  float64: { parameters: ["any"], run: (args) => readFloat(valueAt(args, 0)) },
  int: { parameters: ["any"], run: (args) => integer(readInteger(valueAt(args, 0))) },
};

/** Whole-number arithmetic in int64, which wraps around. */

import { valueAt, values } from "./arguments.ts";
import type { FunctionTable, GoFunction } from "./go-function.ts";
import { readInteger } from "./number-reading.ts";
import { FunctionError } from "./template-error.ts";
import { int64 } from "./values.ts";

function ofTwo(run: (left: bigint, right: bigint) => bigint): GoFunction {
  return {
    parameters: ["any", "any"],
    run: (args) => int64(run(readInteger(valueAt(args, 0)), readInteger(valueAt(args, 1)))),
  };
}

function ofMany(run: (left: bigint, right: bigint) => bigint): GoFunction {
  return {
    parameters: ["any"],
    rest: "any",
    run: (args) =>
      int64(
        values(args)
          .map(readInteger)
          .reduce((left, right) => BigInt.asIntN(64, run(left, right))),
      ),
  };
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new FunctionError("runtime error: integer divide by zero");
  return value;
}

export const integerFunctions: FunctionTable = {
  add: {
    parameters: [],
    rest: "any",
    run: (args) => int64(values(args).reduce((sum, value) => sum + readInteger(value), 0n)),
  },
  div: ofTwo((left, right) => left / divisor(right)),
  max: ofMany((left, right) => (left > right ? left : right)),
  min: ofMany((left, right) => (left < right ? left : right)),
  mod: ofTwo((left, right) => left % divisor(right)),
  mul: ofMany((left, right) => left * right),
  sub: ofTwo((left, right) => left - right),
};

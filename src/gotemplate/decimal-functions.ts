/**
 * Arithmetic on decimals: `addf 0.1 0.2` is 0.3. Operands are the shortest decimals of their
 * floats; sums and products are exact, quotients have 16 digits after the point, halves rounded
 * away from zero. The result is a float64 again.
 */

import { Big } from "big.js";
import { countAt, valueAt, values } from "./arguments.ts";
import type { FunctionTable, GoFunction } from "./go-function.ts";
import { readFloat } from "./number-reading.ts";
import { FunctionError } from "./template-error.ts";
import type { GoValue } from "./values.ts";
import { formatGoFloat } from "#gofmt";

const quotientDigits = 16;
const Decimal = Big();
Decimal.DP = quotientDigits;
Decimal.RM = 1;

function decimal(value: GoValue): Big {
  const float = readFloat(value);
  if (!Number.isFinite(float)) {
    throw new FunctionError(`Cannot create a Decimal from ${formatGoFloat(float)}`);
  }
  return new Decimal(float);
}

function divide(left: Big, right: Big): Big {
  if (right.eq(0)) throw new FunctionError("decimal division by 0");
  return left.div(right);
}

function fold(run: (left: Big, right: Big) => Big): GoFunction {
  return {
    parameters: ["any"],
    rest: "any",
    run: (args) => Number(values(args).map(decimal).reduce(run).toString()),
  };
}

function foldFloats(run: (left: number, right: number) => number): GoFunction {
  return {
    parameters: ["any"],
    rest: "any",
    run: (args) =>
      values(args)
        .map(readFloat)
        .reduce((left, right) => run(left, right)),
  };
}

/** The digits after the point are cut towards the past: from `roundOn` of a unit on, up. */
function round(value: number, options: { digits: number; roundOn: number }): number {
  const power = 10 ** options.digits;
  const scaled = power * value;
  const isUp = scaled - Math.trunc(scaled) >= options.roundOn;
  return (isUp ? Math.ceil(scaled) : Math.floor(scaled)) / power;
}

export const decimalFunctions: FunctionTable = {
  addf: {
    parameters: [],
    rest: "any",
    run: (args) => {
      const sum = values(args).reduce((total, value) => total.plus(decimal(value)), decimal(0));
      return Number(sum.toString());
    },
  },
  ceil: { parameters: ["any"], run: (args) => Math.ceil(readFloat(valueAt(args, 0))) },
  divf: fold(divide),
  floor: { parameters: ["any"], run: (args) => Math.floor(readFloat(valueAt(args, 0))) },
  maxf: foldFloats(Math.max),
  minf: foldFloats(Math.min),
  mulf: fold((left, right) => left.times(right)),
  round: {
    parameters: ["any", "int"],
    rest: "float64",
    run: (args) => {
      const [, , roundOn] = args;
      return round(readFloat(valueAt(args, 0)), {
        digits: countAt(args, 1),
        roundOn: typeof roundOn === "number" ? roundOn : 0.5,
      });
    },
  },
  subf: fold((left, right) => left.minus(right)),
};

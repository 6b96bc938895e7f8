/** Reading arguments that have their declared type already, and functions made of plain ones. */

import type { FunctionContext, GoFunction, ParameterType } from "./go-function.ts";
import { type Evaluated, GoInteger, GoTime, type GoValue, unbox } from "./values.ts";

export function stringAt(args: readonly Evaluated[], index: number): string {
  const value = args[index];
  return typeof value === "string" ? value : "";
}

/** An `int` parameter; past 2^53 it is only ever compared with lengths. */
export function countAt(args: readonly Evaluated[], index: number): number {
  const value = args[index];
  return value instanceof GoInteger ? Number(value.value) : 0;
}

export function timeAt(args: readonly Evaluated[], index: number): GoTime | undefined {
  const value = args[index];
  return value instanceof GoTime ? value : undefined;
}

/** An `interface {}` parameter. */
export function valueAt(args: readonly Evaluated[], index: number): GoValue {
  return unbox(args[index]) ?? null;
}

export function values(args: readonly Evaluated[]): readonly GoValue[] {
  return args.map((_, index) => valueAt(args, index));
}

/** A function of strings; its result counts against the execution's limit. */
export function ofStrings(
  count: number,
  run: (...texts: string[]) => string | boolean | number,
): GoFunction {
  const parameters = Array.from({ length: count }, (): ParameterType => "string");
  return {
    parameters,
    run: (args, context) =>
      charged(run(...parameters.map((_, index) => stringAt(args, index))), context),
  };
}

export function charged<T extends Evaluated>(value: T, context: FunctionContext): T {
  if (typeof value === "string") context.charge(value.length);
  return value;
}

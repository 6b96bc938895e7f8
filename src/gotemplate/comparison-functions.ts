/** `eq ne lt le gt ge`: values of one kind compare, unlike kinds are an error. */

import type { FunctionTable, GoFunction } from "./go-function.ts";
import { valueText } from "./print.ts";
import { FunctionError } from "./template-error.ts";
import { compareStrings } from "./text-bytes.ts";
import { type Evaluated, GoInteger, GoTime, type GoValue, typeName, unbox } from "./values.ts";

type BasicKind = "bool" | "float" | "int" | "other" | "string";

function kindOf(value: GoValue | undefined): BasicKind {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "string";
  return value instanceof GoInteger ? "int" : "other";
}

function inner(value: Evaluated): GoValue | undefined {
  return unbox(value) ?? undefined;
}

function incompatible(left: GoValue, right: GoValue): FunctionError {
  const types = `${typeName(left)} and ${typeName(right)}`;
  return new FunctionError(`incompatible types for comparison: ${types}`);
}

function areEqual(left: GoValue | undefined, right: GoValue | undefined): boolean {
  const kind = kindOf(left);
  if (kind !== kindOf(right)) {
    if (left === undefined || right === undefined) return false;
    throw incompatible(left ?? null, right ?? null);
  }
  if (left instanceof GoInteger && right instanceof GoInteger) return left.value === right.value;
  if (kind !== "other") return left === right;
  if (left === undefined || right === undefined) return left === right;
  if (left instanceof GoTime && right instanceof GoTime) {
    return left.moment.ns === right.moment.ns && left.moment.zone === right.moment.zone;
  }
  if (left instanceof GoTime || right instanceof GoTime) {
    throw new FunctionError(
      `non-comparable types ${valueText(left)}: ${typeName(left)}, ` +
        `${typeName(right)}: ${valueText(right)}`,
    );
  }
  throw new FunctionError(`non-comparable type ${valueText(right)}: ${typeName(right)}`);
}

function isLess(left: GoValue | undefined, right: GoValue | undefined): boolean {
  const kind = kindOf(left);
  if (kind === "other" || kindOf(right) === "other") {
    throw new FunctionError("invalid type for comparison");
  }
  if (kind !== kindOf(right)) throw incompatible(left ?? null, right ?? null);
  if (left instanceof GoInteger && right instanceof GoInteger) return left.value < right.value;
  if (typeof left === "number" && typeof right === "number") return left < right;
  if (typeof left === "string" && typeof right === "string") {
    return compareStrings(left, right) < 0;
  }
  throw new FunctionError("invalid type for comparison");
}

function ofTwo(
  run: (left: GoValue | undefined, right: GoValue | undefined) => boolean,
): GoFunction {
  return { parameters: ["value", "value"], run: ([left, right]) => run(inner(left), inner(right)) };
}

export const comparisonFunctions: FunctionTable = {
  /** True when the first equals any of the others. */
  eq: {
    parameters: ["value"],
    rest: "value",
    run: ([first, ...others]) => {
      if (others.length === 0) throw new FunctionError("missing argument for comparison");
      return others.some((other) => areEqual(inner(first), inner(other)));
    },
  },
  ge: ofTwo((left, right) => !isLess(left, right)),
  gt: ofTwo((left, right) => !isLess(left, right) && !areEqual(left, right)),
  le: ofTwo((left, right) => isLess(left, right) || areEqual(left, right)),
  lt: ofTwo(isLess),
  ne: ofTwo((left, right) => !areEqual(left, right)),
};

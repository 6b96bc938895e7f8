/** `fromJson`: JSON text → maps, slices, strings, float64, booleans, nil. Bad text gives nil. */

import { stringAt } from "./arguments.ts";
import type { FunctionTable } from "./go-function.ts";
import { jsonDepthMax } from "./limits.ts";
import { compareStrings } from "./text-bytes.ts";
import { GoMap, GoSlice, type GoValue } from "./values.ts";

/** undefined when it is nested deeper than allowed. */
function convert(value: unknown, depth: number): GoValue | undefined {
  if (depth > jsonDepthMax) return undefined;
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "boolean") return value;
  // Beyond float64 Go stores nothing; JavaScript reads an infinity.
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) {
    const items: GoValue[] = [];
    for (const element of value) {
      const item = convert(element, depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return new GoSlice(items);
  }
  if (typeof value !== "object" || value === null) return null;
  const entries = new Map<string, GoValue>();
  const pairs = Object.entries(value).sort(([left], [right]) => compareStrings(left, right));
  for (const [key, element] of pairs) {
    const item = convert(element, depth + 1);
    if (item === undefined) return undefined;
    entries.set(key.toWellFormed(), item);
  }
  return new GoMap(entries);
}

function fromJson(text: string): GoValue {
  try {
    const value: unknown = JSON.parse(text);
    return convert(value, 0) ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export const jsonFunctions: FunctionTable = {
  fromJson: {
    parameters: ["string"],
    run: (args, context) => {
      const text = stringAt(args, 0);
      context.charge(text.length);
      return fromJson(text);
    },
  },
};

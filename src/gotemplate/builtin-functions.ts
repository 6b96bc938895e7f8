/** The rest of text/template's own functions: logic, `len`, `index`, `slice`, printing, `call`. */

import { charged, stringAt, values } from "./arguments.ts";
import type { FunctionTable } from "./go-function.ts";
import { sprint, sprintln } from "./print.ts";
import { sprintf } from "./printf.ts";
import { FunctionError } from "./template-error.ts";
import { byteLength, sliceBytes, toBytes } from "./text-bytes.ts";
import {
  Boxed,
  type Evaluated,
  GoInteger,
  GoMap,
  GoSlice,
  type GoValue,
  integer,
  isTrue,
  LabelMap,
  typeName,
  unbox,
} from "./values.ts";

function lengthOf(value: GoValue | undefined): number {
  if (value === null) throw new FunctionError("len of nil pointer");
  if (value === undefined) {
    throw new FunctionError("reflect: call of reflect.Value.Type on zero Value");
  }
  if (typeof value === "string") return byteLength(value);
  if (value instanceof GoSlice) return value.items.length;
  if (value instanceof GoMap) return value.entries.size;
  if (value instanceof LabelMap) return value.scope.labels().length;
  throw new FunctionError(`len of type ${typeName(value)}`);
}

/** An index up to `max`, inclusive: Go checks the end itself only when it takes the element. */
function position(index: GoValue | undefined, max: number): number {
  if (index === undefined || index === null) {
    throw new FunctionError("cannot index slice/array with nil");
  }
  if (!(index instanceof GoInteger)) {
    throw new FunctionError(`cannot index slice/array with type ${typeName(index)}`);
  }
  if (index.value < 0n || index.value > BigInt(max)) {
    throw new FunctionError(`index out of range: ${index.value}`);
  }
  return Number(index.value);
}

function keyOf(index: GoValue | undefined): string {
  if (typeof index === "string") return index;
  if (index === undefined || index === null) {
    throw new FunctionError("value is nil; should be of type string");
  }
  throw new FunctionError(`value has type ${typeName(index)}; should be string`);
}

function elementOf(item: GoValue, index: GoValue | undefined): Evaluated {
  if (typeof item === "string") {
    const at = position(index, byteLength(item));
    const byte = toBytes(item)[at];
    if (byte === undefined) throw new FunctionError("reflect: string index out of range");
    return new GoInteger(BigInt(byte), "uint8");
  }
  if (item instanceof GoSlice) {
    const at = position(index, item.items.length);
    const element = item.items[at];
    if (element === undefined) throw new FunctionError("reflect: slice index out of range");
    return new Boxed(element);
  }
  if (item instanceof GoMap) return new Boxed(item.entries.get(keyOf(index)) ?? null);
  if (item instanceof LabelMap) return item.scope.label(keyOf(index)) ?? "";
  throw new FunctionError(`can't index item of type ${typeName(item)}`);
}

function index(args: readonly Evaluated[]): Evaluated {
  const [first, ...indexes] = args;
  let item: Evaluated = first;
  const start = unbox(first);
  if (start === undefined || start === null) throw new FunctionError("index of untyped nil");
  for (const key of indexes) {
    const current = unbox(item);
    if (current === undefined || current === null) throw new FunctionError("index of nil pointer");
    item = elementOf(current, unbox(key));
  }
  return item;
}

function slice(args: readonly Evaluated[]): Evaluated {
  const [first, ...indexes] = args;
  const item = unbox(first);
  if (item === undefined || item === null) throw new FunctionError("slice of untyped nil");
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`);
  const isString = typeof item === "string";
  if (!isString && !(item instanceof GoSlice)) {
    throw new FunctionError(`can't slice item of type ${typeName(item)}`);
  }
  if (isString && indexes.length === 3) throw new FunctionError("cannot 3-index slice a string");
  const length = lengthOf(item);
  const positions = indexes.map((entry) => position(unbox(entry), length));
  const { from, to, limit } = {
    from: positions[0] ?? 0,
    to: positions[1] ?? length,
    limit: positions[2] ?? length,
  };
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  if (to > limit) throw new FunctionError(`invalid slice index: ${to} > ${limit}`);
  return isString ? sliceBytes(item, from, to) : new GoSlice(item.items.slice(from, to));
}

export const builtinFunctions: FunctionTable = {
  // `and`, `or` and `call` are decided where calls are made (calls.ts): they see their operands.
  and: { parameters: ["value"], rest: "value", run: ([value]) => value },
  call: { parameters: ["value"], rest: "value", run: ([value]) => value },
  or: { parameters: ["value"], rest: "value", run: ([value]) => value },

  index: { parameters: ["value"], rest: "value", run: index },
  len: { parameters: ["value"], run: ([value]) => integer(lengthOf(unbox(value))) },
  not: { parameters: ["value"], run: ([value]) => !isTrue(unbox(value)) },
  print: {
    parameters: [],
    rest: "any",
    run: (args, context) => charged(sprint(values(args)), context),
  },
  printf: {
    parameters: ["string"],
    rest: "any",
    run: (args, context) => {
      return charged(sprintf(stringAt(args, 0), values(args.slice(1))), context);
    },
  },
  println: {
    parameters: [],
    rest: "any",
    run: (args, context) => charged(sprintln(values(args)), context),
  },
  slice: {
    parameters: ["value"],
    rest: "value",
    run: (args, context) => charged(slice(args), context),
  },
};

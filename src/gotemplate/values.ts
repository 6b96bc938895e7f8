/**
 * Go values as a template sees them. Strings, booleans and float64 are JavaScript's own; `null` is
 * a nil interface; `undefined` is "no value", Go's invalid reflect.Value. Bytes of a string that
 * are not UTF-8 are the lone surrogates U+DC80…U+DCFF (text-bytes.ts).
 */

import { civilTime, type GoMoment } from "#gofmt";
import type { TemplateScope } from "./template.ts";

export type IntegerType =
  | "int"
  | "int32"
  | "int64"
  | "uint8"
  | "time.Duration"
  | "time.Month"
  | "time.Weekday";

export class GoInteger {
  readonly value: bigint;
  readonly type: IntegerType;
  constructor(value: bigint, type: IntegerType) {
    this.value = value;
    this.type = type;
  }
}

export class GoTime {
  readonly moment: GoMoment;
  constructor(moment: GoMoment) {
    this.moment = moment;
  }
}

/** `[]interface {}` of a JSON text. */
export class GoSlice {
  readonly items: readonly GoValue[];
  constructor(items: readonly GoValue[]) {
    this.items = items;
  }
}

/** `map[string]interface {}` of a JSON text. Keys are sorted by their bytes. */
export class GoMap {
  readonly entries: ReadonlyMap<string, GoValue>;
  constructor(entries: ReadonlyMap<string, GoValue>) {
    this.entries = entries;
  }
}

/** The labels of the entry, `map[string]string`, read when asked for. */
export class LabelMap {
  readonly scope: TemplateScope;
  constructor(scope: TemplateScope) {
    this.scope = scope;
  }
}

export type GoValue =
  | string
  | boolean
  | number
  | null
  | GoInteger
  | GoTime
  | GoSlice
  | GoMap
  | LabelMap;

/** An element of a map or slice of `interface {}`: Go remembers that its type is an interface. */
export class Boxed {
  readonly value: GoValue;
  constructor(value: GoValue) {
    this.value = value;
  }
}

/** What evaluation passes around. */
export type Evaluated = GoValue | Boxed | undefined;

export function unbox(value: Evaluated): GoValue | undefined {
  return value instanceof Boxed ? value.value : value;
}

/** The dynamic type's name as Go prints it; `<nil>` for nil. */
export function typeName(value: GoValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "float64";
  if (value instanceof GoInteger) return value.type;
  if (value instanceof GoTime) return "time.Time";
  if (value instanceof GoSlice) return "[]interface {}";
  return value instanceof GoMap ? "map[string]interface {}" : "map[string]string";
}

/** Go's truth: not the zero value of its type. A time is always true. */
export function isTrue(value: GoValue | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "string") return value !== "";
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (value instanceof GoInteger) return value.value !== 0n;
  if (value instanceof GoSlice) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof LabelMap) return value.scope.labels().length > 0;
  return true;
}

export function integer(value: bigint | number): GoInteger {
  return new GoInteger(BigInt(value), "int");
}

export function int64(value: bigint): GoInteger {
  return new GoInteger(BigInt.asIntN(64, value), "int64");
}

/** Is the moment inside the calendar the runtime can show? */
export function isShowable(moment: GoMoment): boolean {
  return civilTime(moment) !== undefined;
}

/** Values as Go's fmt prints them with `%v`, and the spacing of Print and Println. */

import {
  formatGoDuration,
  formatGoFloat,
  formatGoTime,
  monthNames,
  quoteGoString,
  weekdayNames,
} from "#gofmt";
import { compareStrings } from "./text-bytes.ts";
import {
  GoInteger,
  GoMap,
  GoSlice,
  GoTime,
  type GoValue,
  LabelMap,
  typeName,
  unbox,
  type Evaluated,
} from "./values.ts";

/** `Time.String`. */
export function timeText(time: GoTime): string {
  return formatGoTime(time.moment, "2006-01-02 15:04:05.999999999 -0700 MST");
}

export function integerText(integer: GoInteger): string {
  if (integer.type === "time.Duration") return formatGoDuration(integer.value);
  if (integer.type === "time.Month") return monthNames[Number(integer.value) - 1] ?? "";
  if (integer.type === "time.Weekday") return weekdayNames[Number(integer.value)] ?? "";
  return integer.value.toString();
}

/** Key and value of a map in Go's order. */
export function mapEntries(map: GoMap | LabelMap): readonly (readonly [string, GoValue])[] {
  const entries = map instanceof GoMap ? [...map.entries] : [...map.scope.labels()];
  return entries.sort((left, right) => compareStrings(left[0], right[0]));
}

/** `%v`. */
export function valueText(value: GoValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return formatGoFloat(value);
  if (value instanceof GoInteger) return integerText(value);
  if (value instanceof GoTime) return timeText(value);
  if (value instanceof GoSlice) return `[${value.items.map(valueText).join(" ")}]`;
  const entries = mapEntries(value);
  return `map[${entries.map(([key, item]) => `${key}:${valueText(item)}`).join(" ")}]`;
}

/** `%#v`: as Go source. */
export function sourceText(value: GoValue): string {
  if (value === null) return "interface {}(nil)";
  if (typeof value === "string") return quoteGoString(value, { asciiOnly: false });
  if (value instanceof GoInteger) {
    return value.type === "uint8" ? `0x${value.value.toString(16)}` : value.value.toString();
  }
  if (value instanceof GoSlice) {
    return `${typeName(value)}{${value.items.map(sourceText).join(", ")}}`;
  }
  if (value instanceof GoMap || value instanceof LabelMap) {
    const entries = mapEntries(value).map(
      ([key, item]) => `${quoteGoString(key, { asciiOnly: false })}:${sourceText(item)}`,
    );
    return `${typeName(value)}{${entries.join(", ")}}`;
  }
  return valueText(value);
}

/** What an action prints; no value is `<no value>`. */
export function printedText(value: Evaluated): string {
  const inner = unbox(value);
  return inner === undefined ? "<no value>" : valueText(inner);
}

/** `fmt.Sprint`: a blank between two operands when neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  let text = "";
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    const isSpaced = index > 0 && typeof value !== "string" && typeof before !== "string";
    text += (isSpaced ? " " : "") + valueText(value);
  }
  return text;
}

/** `fmt.Sprintln`. */
export function sprintln(values: readonly GoValue[]): string {
  return `${values.map(valueText).join(" ")}\n`;
}

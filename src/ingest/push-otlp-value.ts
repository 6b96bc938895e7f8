import type { LabelPair } from "#model";
import { labelNameOf } from "./push-metadata-name.ts";

/**
 * A value of OpenTelemetry's common.proto AnyValue. Strings stay where they are in the request's
 * bytes.
 */
export type AnyValue =
  | { readonly kind: "empty" }
  | { readonly kind: "string"; readonly from: number; readonly to: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "int"; readonly text: string }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "bytes"; readonly value: Buffer }
  | { readonly kind: "list"; readonly values: readonly AnyValue[] }
  | { readonly kind: "map"; readonly pairs: readonly KeyValue[] };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export const emptyValue: AnyValue = { kind: "empty" };

/** Values nested deeper than this are refused: no exporter does it, and reading them recurses. */
export const valueDepthMax = 64;

/** What a request says, as decoded; strings of values lie in the bytes it was decoded from. */
export interface OtlpResource {
  attributes: KeyValue[];
  droppedAttributesCount: number;
  scopes: OtlpScope[];
}

export interface OtlpScope {
  name: string;
  version: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  records: OtlpRecord[];
}

export interface OtlpRecord {
  timeNs: bigint;
  observedNs: bigint;
  severityNumber: number;
  severityText: string;
  body: AnyValue;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  flags: number;
  traceId: string;
  spanId: string;
  eventName: string;
}

export function newResource(): OtlpResource {
  return { attributes: [], droppedAttributesCount: 0, scopes: [] };
}

export function newScope(): OtlpScope {
  return { name: "", version: "", attributes: [], droppedAttributesCount: 0, records: [] };
}

export function newRecord(): OtlpRecord {
  return {
    timeNs: 0n,
    observedNs: 0n,
    severityNumber: 0,
    severityText: "",
    body: emptyValue,
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
    traceId: "",
    spanId: "",
    eventName: "",
  };
}

/** As the collector's own AsString: JSON for lists and maps, base64 for bytes. */
export function valueText(value: AnyValue, bytes: Buffer): string {
  switch (value.kind) {
    case "empty":
      return "";
    case "string":
      return bytes.toString("utf8", value.from, value.to);
    case "bool":
      return String(value.value);
    case "int":
      return value.text;
    case "double":
      return doubleText(value.value);
    case "bytes":
      return value.value.toString("base64");
    case "list":
    case "map":
      return valueJson(value, bytes);
    default:
      return value satisfies never;
  }
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** As Go marshals it: keys sorted, `<`, `>` and `&` escaped; of equal keys the last. */
function valueJson(value: AnyValue, bytes: Buffer): string {
  switch (value.kind) {
    case "empty":
      return "null";
    case "string":
    case "bytes":
      return jsonText(valueText(value, bytes));
    case "double":
      return Number.isFinite(value.value) ? doubleText(value.value) : "null";
    case "bool":
    case "int":
      return valueText(value, bytes);
    case "list":
      return `[${value.values.map((item) => valueJson(item, bytes)).join(",")}]`;
    case "map": {
      const byKey = new Map(value.pairs.map((pair) => [pair.key, pair.value]));
      const keys = [...byKey.keys()].sort((a, b) => (a < b ? -1 : 1));
      const members = keys.map((key) => `${jsonText(key)}:${valueJson(byKey.get(key)!, bytes)}`);
      return `{${members.join(",")}}`;
    }
    default:
      return value satisfies never;
  }
}

function jsonText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Adds an attribute as labels: maps become one label a leaf, names joined with `_`. Empty values
 * are left out.
 */
export function flattenAttribute(
  attribute: KeyValue,
  bytes: Buffer,
  into: LabelPair[],
  prefix = "",
): void {
  const name = prefix === "" ? attribute.key : `${prefix}_${attribute.key}`;
  if (attribute.value.kind === "map") {
    for (const pair of attribute.value.pairs) flattenAttribute(pair, bytes, into, name);
    return;
  }
  const text = valueText(attribute.value, bytes);
  if (text !== "") into.push([labelNameOf(name), text]);
}

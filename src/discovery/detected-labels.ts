import type { Labels } from "#model";
import { isNumber } from "./field-type.ts";

export interface DetectedLabel {
  readonly label: string;
  /** Distinct values. */
  readonly cardinality: number;
}

/** Labels people choose by whatever their values look like. */
const alwaysShown: ReadonlySet<string> = new Set(["cluster", "namespace", "instance", "pod"]);

/** Of results over several tenants; nothing the streams were labelled with. */
const tenantLabel = "__tenant_id__";

/** The texts that Go's uuid.Parse takes. */
const uuid = /^(?:urn:uuid:|\{)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$|^[0-9a-f]{32}$/i;

/**
 * The labels of these streams, sorted by name, but for those that only identify: all their values
 * are numbers or UUIDs.
 */
export function detectLabels(streams: Iterable<Labels>): DetectedLabel[] {
  const valuesOf = new Map<string, Set<string>>();
  for (const labels of streams) {
    for (const [name, value] of labels.pairs) {
      if (name === tenantLabel) continue;
      let values = valuesOf.get(name);
      if (values === undefined) valuesOf.set(name, (values = new Set()));
      values.add(value);
    }
  }
  return [...valuesOf]
    .filter(([name, values]) => alwaysShown.has(name) || !values.values().every(isIdentifier))
    .map(([label, values]) => ({ label, cardinality: values.size }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

function isIdentifier(value: string): boolean {
  return isNumber(value) || uuid.test(value);
}

import { compareText, type LabelPair, Labels } from "#model";
import type { Limits } from "#config";
import { levelOfPairs } from "./level-fields.ts";
import { discoverServiceName, serviceNameLabel } from "./service-name.ts";

/** Why something was not accepted: Loki's metric label and the text for the client. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** What the distributor knows of a stream from its labels and the tenant's limits alone. */
export interface StreamLabels {
  readonly labels: Labels;
  /** As error texts show it. */
  readonly text: string;
  /** Set when no entry of this stream can be accepted. */
  readonly refusal: Refusal | undefined;
  /** detected_level of entries that have none themselves, taken from a label. */
  readonly level: string | undefined;
}

/**
 * Adds service_name, sorts, drops empty values and validates. Pairs may come in any order and
 * repeat names.
 */
export function streamLabelsOf(pairs: readonly LabelPair[], limits: Limits): StreamLabels {
  const present = pairs.filter(([, value]) => value !== "");
  const serviceName = discoverServiceName(present, limits.discoverServiceName);
  if (serviceName !== undefined) present.push([serviceNameLabel, serviceName]);
  const sorted = present.sort((a, b) => compareText(a[0], b[0]));
  const labels = Labels.ofSorted(sorted);
  const text = labels.toString();
  return {
    labels,
    text,
    refusal: refusalOf(sorted, text, limits),
    level: levelOfPairs(sorted, limits.logLevelFields),
  };
}

function refusalOf(
  sorted: readonly LabelPair[],
  text: string,
  limits: Limits,
): Refusal | undefined {
  if (sorted.length === 0) {
    const message = "error at least one label pair is required per stream";
    return { reason: "missing_labels", message };
  }
  const named = sorted.some(([name]) => name === serviceNameLabel);
  const count = sorted.length - (named ? 1 : 0);
  const countMax = limits.maxLabelNamesPerSeries;
  if (count > countMax) {
    return {
      reason: "max_label_names_per_series",
      message: `entry for stream '${text}' has ${count} label names; limit ${countMax}`,
    };
  }
  let previous = "";
  for (const [name, value] of sorted) {
    if (Buffer.byteLength(name) > limits.maxLabelNameLength) {
      const message = `stream '${text}' has label name too long: '${name}'`;
      return { reason: "label_name_too_long", message };
    }
    if (Buffer.byteLength(value) > limits.maxLabelValueLength) {
      const message = `stream '${text}' has label value too long: '${value}'`;
      return { reason: "label_value_too_long", message };
    }
    if (name === previous) {
      const message = `stream '${text}' has duplicate label name: '${name}'`;
      return { reason: "duplicate_label_names", message };
    }
    previous = name;
  }
  return undefined;
}

/** Labels every stream of the tenant must have (enforced_labels). */
export function missingEnforcedLabels(
  stream: StreamLabels,
  tenant: string,
  enforced: readonly string[],
): Refusal | undefined {
  const missing = enforced.filter((name) => !stream.labels.has(name));
  if (missing.length === 0) return undefined;
  const names = missing.join(",");
  return {
    reason: "missing_enforced_labels",
    message: `missing required labels ${names} for user ${tenant} for stream ${stream.text}`,
  };
}

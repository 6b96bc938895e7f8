// How lines are shown: what a person prefers is kept in the browser, what belongs to the view is in the
// address.
import { computed, type ReadonlySignal, type Signal } from "@preact/signals";
import { change, parameter } from "../state/location.ts";
import { oneOf, stored } from "../state/stored.ts";
import type { Entry } from "./entry.ts";

export const isWrapped: Signal<boolean> = stored("lines.wrap", (value) => value !== false);
export const isPretty: Signal<boolean> = stored("lines.pretty", (value) => value === true);

export const timeLooks = ["time", "date", "ago", "none"] as const;
export type TimeLook = (typeof timeLooks)[number];
export const timeLook: Signal<TimeLook> = stored(
  "lines.time",
  oneOf(["date", "time", "ago", "none"]),
);

const columnsText = parameter("cols");
/** More columns than this leave no room for the line. */
export const columnsMax = 12;

/** Names of labels and fields that are shown before the line. */
export const columns: ReadonlySignal<readonly string[]> = computed(() =>
  columnsText.value === "" ? [] : columnsText.value.split(",").slice(0, columnsMax),
);

export function toggleColumn(name: string): void {
  const before = columns.peek();
  const next = before.includes(name) ? before.filter((one) => one !== name) : [...before, name];
  change({ cols: next.slice(-columnsMax).join(",") }, "replace");
}

/** Of a parsed field, structured metadata, or a label: later ones win, as in LogQL. */
export function valueOf(entry: Entry, name: string): string | undefined {
  return entry.parsed[name] ?? entry.metadata[name] ?? entry.labels[name];
}

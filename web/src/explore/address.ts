// The parameters of Explore's address.
import { computed, type ReadonlySignal } from "@preact/signals";
import type { TimeRange } from "../api/types.ts";
import { parameter } from "../state/location.ts";
import { type ChosenRange, rangeDefault, resolveRange } from "../state/time-range.ts";

export const query: ReadonlySignal<string> = parameter("q");
const from = parameter("from", rangeDefault.from);
const to = parameter("to", rangeDefault.to);
const directionText = parameter("dir", "backward");
const limitText = parameter("limit");

export const chosenRange: ReadonlySignal<ChosenRange> = computed(() => ({
  from: from.value,
  to: to.value,
}));

export const direction: ReadonlySignal<"forward" | "backward"> = computed(() =>
  directionText.value === "forward" ? "forward" : "backward",
);

const limitDefault = 1_000;
/** What a server takes by default is 5000; more comes page by page. */
const limitMax = 5_000;

/** Entries of a page. */
export const limit: ReadonlySignal<number> = computed(() => {
  const wanted = Number.parseInt(limitText.value, 10);
  return wanted > 0 ? Math.min(wanted, limitMax) : limitDefault;
});

export const chartKinds = ["line", "area", "bars"] as const;
export type ChartKind = (typeof chartKinds)[number];
const chartText = parameter("chart");
export const chartKind: ReadonlySignal<ChartKind> = computed(
  () => chartKinds.find((kind) => kind === chartText.value) ?? "line",
);

/** What is unfolded below the toolbar. */
export const openPanel: ReadonlySignal<string> = parameter("panel");

/** Between automatic runs; 0 when off. */
export const refreshes: readonly (readonly [name: string, seconds: number])[] = [
  ["", 0],
  ["5s", 5],
  ["10s", 10],
  ["30s", 30],
  ["1m", 60],
  ["5m", 300],
];
export const refresh: ReadonlySignal<string> = parameter("refresh");

export function rangeNow(): TimeRange {
  return resolveRange(chosenRange.peek(), Date.now());
}

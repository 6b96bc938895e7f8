import { dayText, type PlacedTable } from "./bucket.ts";
import type { MigrateResult } from "./migrate.ts";

/** An entry of `schema_config.configs` that makes migrated days be read from segments. */
export type NewPeriod =
  | { readonly from: string; readonly store: "skald" }
  | {
      readonly from: string;
      readonly store: "tsdb";
      /** As it was before. */
      readonly table: PlacedTable;
    };

/**
 * Which periods to write once tables were migrated: `skald` where a run of complete tables begins,
 * and what was there before where an incomplete one follows. Days without a table have no data, so
 * they can be of either. Empty when nothing is complete.
 */
export function periodsAfter({ complete, incomplete }: MigrateResult): NewPeriod[] {
  const done = new Set(complete.map(({ table }) => table.number));
  for (const { table } of incomplete) done.delete(table.number);
  const all = [...complete, ...incomplete].sort((a, b) => a.table.number - b.table.number);
  const periods: NewPeriod[] = [];
  let isNative = false;
  for (const placed of all) {
    const { number } = placed.table;
    if (done.has(number) === isNative) continue;
    isNative = done.has(number);
    if (isNative) periods.push({ from: dayText(number), store: "skald" });
    else periods.push({ from: dayText(number), store: "tsdb", table: placed });
  }
  // Before the first migrated day everything is as it was.
  return periods[0]?.store === "tsdb" ? periods.slice(1) : periods;
}

/**
 * Index tables: one folder of index files per UTC day. A chunk is listed in every table it
 * touches, a query reads every table its range touches; the period that a table's day falls in
 * gives the prefix and the version of its files. Layout: docs/formats/loki-index.md.
 */
import { day } from "#base";
import { indexVersionOfSchema } from "./limits.ts";

/** What of a schema period decides where its index lies. Periods are sorted by `fromMs`. */
export interface TablePeriod {
  /** Start, inclusive: midnight UTC, ms. */
  readonly fromMs: number;
  /** `v9` … `v14`. */
  readonly schema: string;
  /** `index.prefix`, such as `index_`. */
  readonly indexPrefix: string;
  /** `index.path_prefix`, such as `index/`: no slash in front, one at the end. */
  readonly pathPrefix: string;
}

export interface IndexTable<P extends TablePeriod = TablePeriod> {
  /** Days since 1970. */
  readonly number: number;
  /** Prefix and number: `index_20089`. */
  readonly name: string;
  /** Path prefix, name, slash: `index/index_20089/`. */
  readonly keyPrefix: string;
  readonly period: P;
  /** Version of the files written into it. */
  readonly version: IndexVersion;
}

/** Versions of index files that exist; 2 for schemas up to v12, 3 for v13, 4 for v14. */
export type IndexVersion = 2 | 3 | 4;

/**
 * Loki finds the number in the last five characters of a table's name, so days outside
 * 10000 (1997) … 99999 (2243) have no table that it reads.
 */
export const tableNumberMin = 10_000;
export const tableNumberMax = 99_999;

export function tableNumberOf(ms: number): number {
  return Math.floor(ms / day);
}

/** First millisecond of a table's day, and the first one after it. */
export function tableDay(number: number): { fromMs: number; toMs: number } {
  return { fromMs: number * day, toMs: (number + 1) * day };
}

export function tableOf<P extends TablePeriod>(
  periods: readonly P[],
  number: number,
): IndexTable<P> | undefined {
  const period = periods.findLast((candidate) => tableNumberOf(candidate.fromMs) <= number);
  if (period === undefined || number < tableNumberMin || number > tableNumberMax) return undefined;
  const name = `${period.indexPrefix}${number}`;
  return {
    number,
    name,
    keyPrefix: `${period.pathPrefix}${name}/`,
    period,
    version: indexVersionOfSchema(period.schema),
  };
}

/**
 * The tables that list a chunk (both ends inclusive, ms), or that a query over these milliseconds
 * reads, in order of days. Days before the first period have no table. A range is walked from its
 * first table that can exist to its last, at most `tableNumberMax - tableNumberMin + 1` of them.
 */
export function tablesOf<P extends TablePeriod>(
  periods: readonly P[],
  range: { fromMs: number; throughMs: number },
): IndexTable<P>[] {
  const first = periods[0];
  if (first === undefined) return [];
  const earliest = Math.max(tableNumberMin, tableNumberOf(first.fromMs));
  const from = Math.max(earliest, tableNumberOf(range.fromMs));
  const through = Math.min(tableNumberMax, tableNumberOf(range.throughMs));
  const tables: IndexTable<P>[] = [];
  for (let number = from; number <= through; number++) {
    const table = tableOf(periods, number);
    if (table !== undefined) tables.push(table);
  }
  return tables;
}

/**
 * A folder's name below a path prefix → its table; `undefined` for what is no table of these
 * periods (another prefix, a number that is not five digits, the `delete_requests` folder).
 */
export function parseTableName<P extends TablePeriod>(
  periods: readonly P[],
  name: string,
): IndexTable<P> | undefined {
  const digits = name.slice(-5);
  if (!/^\d{5}$/.test(digits)) return undefined;
  const table = tableOf(periods, Number(digits));
  return table?.name === name ? table : undefined;
}

/**
 * The schema periods whose data lies in Loki's own format. A table belongs to the period of its
 * day, a chunk object to the period of its first millisecond: that period gives the bucket and the
 * form of the key, even when the chunk is listed in tables of the next one.
 */
import { day } from "#base";
import type { IndexTable, TablePeriod } from "#lokiindex";
import { tableNumberOf, tablesOf } from "#lokiindex";
import type { ObjectStore } from "#objectstore";

/** One entry of `schema_config` with `store: tsdb`. */
export interface LokiPeriod extends TablePeriod {
  /** Where the next period of any store begins, ms; Infinity for the last one. */
  readonly toMs: number;
  /** By logical key: wrap it in `mapKeys` for file names in base64, prefixes, delimiters. */
  readonly objects: ObjectStore;
}

/** Structured metadata came with v13. */
export function hasMetadata({ schema }: Pick<LokiPeriod, "schema">): boolean {
  return Number(schema.slice(1)) >= 13;
}

/** All of them, sorted by `fromMs`. */
export class LokiPeriods {
  readonly all: readonly LokiPeriod[];

  constructor(periods: readonly LokiPeriod[]) {
    this.all = [...periods].sort((a, b) => a.fromMs - b.fromMs);
  }

  /** The period a time falls in; undefined between periods of Loki's format and before the first. */
  at(ms: number): LokiPeriod | undefined {
    const period = this.all.findLast(({ fromMs }) => fromMs <= ms);
    return period !== undefined && ms < period.toMs ? period : undefined;
  }

  /** Whether chunks of a UTC day have structured metadata: from v13 on, and in other formats. */
  keepsMetadata(ofDay: number): boolean {
    const period = this.at(ofDay * day);
    return period === undefined || hasMetadata(period);
  }

  /** The tables that list a chunk, or that a range touches; both ends inclusive. */
  tablesOf(range: { fromMs: number; throughMs: number }): IndexTable<LokiPeriod>[] {
    const tables = tablesOf(this.all, range);
    return tables.filter(({ number, period }) => number <= tableNumberOf(period.toMs - 1));
  }
}

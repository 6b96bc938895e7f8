/**
 * The schema periods whose data lies in Loki's own format. A table belongs to the period of its
 * day, a chunk object to the period of its first millisecond: that period gives the bucket and the
 * form of the key, even when the chunk is listed in tables of the next one.
 */
import { day } from "#base";
import type { IndexTable, TablePeriod } from "#lokiindex";
import { indexVersionOfSchema, tableNumberOf } from "#lokiindex";
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

  /** The period of a time; undefined between periods of Loki's format and before the first. */
  at(ms: number): LokiPeriod | undefined {
    const period = this.all.findLast(({ fromMs }) => fromMs <= ms);
    return period !== undefined && ms < period.toMs ? period : undefined;
  }

  /** Whether chunks of a UTC day have structured metadata: from v13 on, and in other formats. */
  keepsMetadata(ofDay: number): boolean {
    const period = this.at(ofDay * day);
    return period === undefined || hasMetadata(period);
  }

  /**
   * The table of a day (days since 1970). Loki's compactor knows tables of five digits only (1997
   * to 2243) and leaves the others alone; days since 1970 have theirs all the same.
   */
  tableAt(number: number): IndexTable<LokiPeriod> | undefined {
    const period = this.at(number * day);
    if (period === undefined) return undefined;
    const name = `${period.indexPrefix}${number}`;
    const keyPrefix = `${period.pathPrefix}${name}/`;
    return { number, name, keyPrefix, period, version: indexVersionOfSchema(period.schema) };
  }

  /** The tables that list a chunk; both ends inclusive. Days without a period have none. */
  tablesOf(range: { fromMs: number; throughMs: number }): IndexTable<LokiPeriod>[] {
    const tables: IndexTable<LokiPeriod>[] = [];
    const from = Math.max(-dayNumberMax, tableNumberOf(range.fromMs));
    const through = Math.min(dayNumberMax, tableNumberOf(range.throughMs));
    for (let number = from; number <= through; number++) {
      const table = this.tableAt(number);
      if (table !== undefined) tables.push(table);
    }
    return tables;
  }

  /** A folder's name below a path prefix → its table; undefined for what is none. */
  parseTable(name: string, pathPrefix: string): IndexTable<LokiPeriod> | undefined {
    const digits = /-?\d{1,6}$/.exec(name)?.[0] ?? "";
    // A prefix may itself end in digits: the longest number that fits is tried first.
    for (let at = 0; at < digits.length; at++) {
      const table = this.tableAt(Number(digits.slice(at)));
      if (table?.name === name && table.period.pathPrefix === pathPrefix) return table;
    }
    return undefined;
  }
}

/** Entries have int64 nanoseconds: their days reach from 1677 to 2262. */
const dayNumberMax = 106_752;

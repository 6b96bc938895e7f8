/**
 * A strict look at an index file: everything that Loki, or the next reader, relies on. `openIndex`
 * refuses what cannot be read; this finds what could be read and would mislead.
 */
import { isStoreError, messageOf } from "#base";
import { openSection } from "./byte-cursor.ts";
import { parseIndexPath } from "./index-names.ts";
import { sectionAlignBytes, seriesAlignBytes } from "./limits.ts";
import { PostingsBuilder } from "./postings-builder.ts";
import { type ListFile, readList } from "./ref-set.ts";
import { openIndex, type TsdbIndex } from "./tsdb-index.ts";
import { type CheckedSeries, SeriesChecker } from "./verify-series.ts";

/** Problems beyond this are not listed: a file that bad needs no longer list. */
const problemsMax = 100;

export interface VerifyOptions {
  /**
   * What the folder says: `many` for the table folder, where every series needs its tenant, `one`
   * for a tenant's folder, where none has one. Left out: it may be either, but not a mixture.
   */
  readonly kind?: "many" | "one";
}

/**
 * What is wrong with a file, as messages naming `key` and the byte; empty for a sound one. A `key`
 * that ends in a compactor's file name is compared with the content. Takes time and memory in
 * proportion to the file. Never throws for what is wrong with the bytes.
 */
export function verifyIndex(key: string, bytes: Buffer, options: VerifyOptions = {}): string[] {
  const problems: string[] = [];
  const attempt = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      if (problems.length < problemsMax) problems.push(messageOf(error));
    }
  };
  attempt(() => {
    new IndexVerifier(openIndex(key, bytes), options, problems, attempt).verify();
  });
  return problems;
}

class IndexVerifier {
  readonly #index: TsdbIndex;
  readonly #options: VerifyOptions;
  readonly #problems: string[];
  readonly #attempt: (task: () => void) => void;
  readonly #checker: SeriesChecker;
  readonly #refs: number[] = [];
  /** The lists as the records would have them. */
  readonly #lists: PostingsBuilder;
  readonly #fingerprints = new Map<number, bigint>();
  #tenantCount = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;

  constructor(
    index: TsdbIndex,
    options: VerifyOptions,
    problems: string[],
    attempt: (task: () => void) => void,
  ) {
    this.#index = index;
    this.#lists = new PostingsBuilder(index.symbols.count);
    this.#options = options;
    this.#problems = problems;
    this.#attempt = attempt;
    this.#checker = new SeriesChecker(index, (at, problem) => {
      this.#report(at, problem);
    });
  }

  #report(at: number, problem: string): void {
    if (this.#problems.length >= problemsMax) return;
    this.#problems.push(`${this.#index.key} at byte ${at}: ${problem}`);
  }

  verify(): void {
    this.#checkName();
    this.#attempt(() => {
      this.#checkRecords();
    });
    if (this.#problems.length > 0) return;
    this.#checkBounds();
    this.#checkTenants();
    this.#attempt(() => {
      this.#checkPostings();
    });
    this.#attempt(() => {
      this.#checkLabelIndices();
    });
    this.#attempt(() => {
      this.#checkFingerprints();
    });
  }

  /** A compactor's name says bounds and checksum. */
  #checkName(): void {
    const { key, toc } = this.#index;
    const name = parseIndexPath(key.split("/").at(-1)!)?.compacted;
    if (name === undefined) return;
    const isRight =
      name.minMs === toc.minMs && name.maxMs === toc.maxMs && name.checksum === toc.checksum;
    if (!isRight) this.#report(0, "the name says other times or another checksum");
  }

  /** Records fill their section without gaps, in the order of fingerprint and labels. */
  #checkRecords(): void {
    const { toc, bytes } = this.#index;
    let at = toc.series;
    let previous: { series: CheckedSeries } | undefined;
    while (at < toc.labelIndices) {
      const start = Math.ceil(at / seriesAlignBytes) * seriesAlignBytes;
      this.#checkZeros(bytes, at, start);
      const ref = start / seriesAlignBytes;
      const series = this.#checker.check(ref);
      this.#add(ref, series);
      if (previous !== undefined) this.#checkOrder(previous, { series, ref });
      previous = { series };
      at = series.end;
    }
    if (at !== toc.labelIndices) this.#report(at, `series end here, not at ${toc.labelIndices}`);
    if (this.#refs.length === 0)
      this.#report(toc.series, "no series: such a file is never written");
  }

  #checkZeros(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to && at < bytes.length; at++) {
      if (bytes[at] !== 0) this.#report(at, "padding that is not zero");
    }
  }

  #add(ref: number, series: CheckedSeries): void {
    this.#refs.push(ref);
    this.#fingerprints.set(ref, series.fingerprint);
    for (let i = 0; i < series.symbols.length; i += 2) {
      this.#lists.add({ name: series.symbols[i]!, value: series.symbols[i + 1]!, ref });
    }
    if (series.tenantSymbol !== undefined) this.#tenantCount++;
    for (const { minMs, maxMs } of series.chunks) {
      if (minMs < this.#minMs) this.#minMs = minMs;
      if (maxMs > this.#maxMs) this.#maxMs = maxMs;
    }
  }

  #checkOrder(
    before: { series: CheckedSeries },
    after: { series: CheckedSeries; ref: number },
  ): void {
    const [a, b] = [before.series.fingerprint, after.series.fingerprint];
    const at = after.ref * seriesAlignBytes;
    if (a > b) this.#report(at, "series not sorted by fingerprint");
    if (a !== b) return;
    // Symbols are sorted, so their numbers compare as the labels do.
    if (compareNumbers(before.series.symbols, after.series.symbols) >= 0) {
      this.#report(at, "series of one fingerprint not sorted by labels");
    }
  }

  #checkBounds(): void {
    const { toc, bytes } = this.#index;
    if (toc.minMs === this.#minMs && toc.maxMs === this.#maxMs) return;
    const text = `bounds ${toc.minMs} … ${toc.maxMs}, chunks ${this.#minMs} … ${this.#maxMs}`;
    this.#report(bytes.length - 20, text);
  }

  #checkTenants(): void {
    const count = this.#refs.length;
    const { kind } = this.#options;
    const isMixed = this.#tenantCount > 0 && this.#tenantCount < count;
    if (isMixed || (kind === "many" && this.#tenantCount < count)) {
      this.#report(0, `${count - this.#tenantCount} of ${count} series without a tenant`);
    }
    if (kind === "one" && this.#tenantCount > 0) {
      this.#report(0, `${this.#tenantCount} series with a tenant in a tenant's own file`);
    }
  }

  /** Each list has exactly the series with its label; every label of a series has its list. */
  #checkPostings(): void {
    const { key, bytes, postings, symbols, toc } = this.#index;
    const refs = { from: 0, to: Math.ceil(toc.labelIndices / seriesAlignBytes) };
    const file: ListFile = { key, bytes, postings, refs };
    const all = postings.find("", "");
    if (all < 0) this.#report(toc.postingsTable, "no list of all series");
    else if (!sameRefs(readList(file, all), this.#refs)) {
      this.#report(postings.listOf(all).at, "the list of all series is not that");
    }
    const wanted = this.#lists.build();
    let next = 0;
    // Both are sorted by name and value, so they go side by side.
    for (const name of postings.names()) {
      const { from, to } = name === "" ? { from: 0, to: 0 } : postings.entriesOf(name);
      for (let entry = from; entry < to; entry++) {
        const list = wanted.lists[next++];
        const value = postings.valueOf(name, entry);
        const isLabel =
          list !== undefined &&
          symbols.text(list.name, 0) === name &&
          symbols.text(list.value, 0) === value;
        if (!isLabel) {
          this.#report(
            postings.listOf(entry).at,
            `no series has ${name}="${value}", or one before`,
          );
          return;
        }
        const own = wanted.refs.subarray(list.from, list.to);
        if (!sameRefs(readList(file, entry), own)) {
          this.#report(postings.listOf(entry).at, `not the series with ${name}="${value}"`);
        }
      }
    }
    if (next < wanted.lists.length) this.#report(toc.postingsTable, "labels without a list");
  }

  /** Nobody reads them, and they may be left out; what is there has its checksum and order. */
  #checkLabelIndices(): void {
    const { key, bytes, toc } = this.#index;
    const place = { at: toc.labelIndexTable, end: toc.postingsTable, what: "label index table" };
    const table = openSection({ key, bytes }, place);
    const count = table.u32("number of label indices");
    for (let i = 0; i < count; i++) {
      if (table.uvarint("number of keys") !== 1) this.#report(table.at, "not one key");
      table.skipText("label name");
      const at = table.uvarint("offset of label index");
      if (at % sectionAlignBytes !== 0) this.#report(at, "label index not aligned");
      openSection({ key, bytes }, { at, end: toc.postings, what: "label index" });
    }
    if (table.left > 0) this.#report(table.at, "more bytes after the label index table");
  }

  /** A table that is not empty has its samples in order, of series that exist. */
  #checkFingerprints(): void {
    const { key, bytes, toc } = this.#index;
    const place = { at: toc.fingerprintOffsets, end: bytes.length, what: "fingerprint offsets" };
    const table = openSection({ key, bytes }, place);
    const count = table.u32("number of fingerprint offsets");
    let previous = -1;
    for (let i = 0; i < count; i++) {
      const { at } = table;
      const ref = Number(table.u64("series reference"));
      const fingerprint = table.u64("fingerprint");
      if (this.#fingerprints.get(ref) !== fingerprint) this.#report(at, "no such series");
      if (ref <= previous) this.#report(at, "fingerprint offsets out of order");
      previous = ref;
    }
    if (table.left > 0) this.#report(table.at, "more bytes after the fingerprint offsets");
  }
}

function sameRefs(list: Uint32Array, refs: ArrayLike<number>): boolean {
  if (list.length !== refs.length) return false;
  for (let i = 0; i < list.length; i++) if (list[i] !== refs[i]) return false;
  return true;
}

/** Pair by pair, the shorter first. */
function compareNumbers(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

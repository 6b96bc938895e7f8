import type { ByteStrings } from "#columns";
import type { Regex } from "#regex";
import { type LineFilter, type LineMatcher, type LineView, matchesLine } from "./line-matchers.ts";
import { latin1Text, utf8Text } from "./bytes-text.ts";

const newline = 0x0a;

/** What is known of all lines of a block; see BlockFacts. */
export interface LineFacts {
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
}

/** The line column of a block while filters look at it. */
export class BlockLines implements LineView {
  readonly buffer: Buffer;
  readonly lines: ByteStrings;
  readonly count: number;
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
  from = 0;
  to = 0;
  #longestLine: number | undefined;

  constructor(lines: ByteStrings, facts: LineFacts) {
    this.lines = lines;
    this.buffer = lines.bytes;
    this.count = lines.count;
    this.isAscii = facts.isAscii;
    this.hasInnerNewline = facts.hasInnerNewline;
  }

  enter(row: number): void {
    this.from = this.lines.starts[row]!;
    this.to = this.lines.starts[row + 1]! - this.lines.gap;
  }

  text(): string {
    return this.isAscii
      ? latin1Text(this.buffer, this.from, this.to)
      : utf8Text(this.buffer, this.from, this.to);
  }

  /** Bytes of the longest line. */
  get longestLine(): number {
    if (this.#longestLine === undefined) {
      this.#longestLine = longestOf(this.lines, this.count);
    }
    return this.#longestLine;
  }
}

function longestOf({ starts, gap }: ByteStrings, count: number): number {
  let longest = 0;
  for (let row = 0; row < count; row++) {
    const length = starts[row + 1]! - starts[row]! - gap;
    if (length > longest) longest = length;
  }
  return longest;
}

/**
 * With fewer candidates than one row in this many, single lines are tried instead of the whole
 * block.
 */
const blockSearchShare = 8;

/**
 * Rows that pass all filters: a byte per row, 1 for those that do. `candidates` are the rows
 * anybody will ask for; undefined: all.
 */
export function searchLines(
  column: ByteStrings,
  facts: LineFacts,
  filters: readonly LineFilter[],
  candidates: Uint32Array | undefined,
): Uint8Array {
  const lines = new BlockLines(column, facts);
  const passing = new Uint8Array(lines.count);
  let left = lines.count;
  if (candidates === undefined) passing.fill(1);
  else {
    markRows(candidates, passing);
    left = candidates.length;
  }
  let hits: Uint8Array | undefined;
  for (const filter of filters) {
    if (left === 0) break;
    if (left * blockSearchShare < lines.count) {
      left = filterRows(lines, filter, passing);
      continue;
    }
    if (hits === undefined) hits = new Uint8Array(lines.count);
    else hits.fill(0);
    for (const matcher of filter.matchers) markHits(lines, matcher, hits);
    left = keepHits(passing, hits, filter.isNegated ? 0 : 1);
  }
  return passing;
}

// Loops over rows are functions of their own, so that they are compiled as a whole, once.

function markRows(rows: Uint32Array, marks: Uint8Array): void {
  for (let i = 0; i < rows.length; i++) marks[rows[i]!] = 1;
}

/** Clears the rows whose byte in `hits` is another; returns how many are left. */
function keepHits(passing: Uint8Array, hits: Uint8Array, wanted: number): number {
  let left = 0;
  for (let row = 0; row < passing.length; row++) {
    if (passing[row] === 1 && hits[row] === wanted) left++;
    else passing[row] = 0;
  }
  return left;
}

function filterRows(lines: BlockLines, filter: LineFilter, passing: Uint8Array): number {
  let left = 0;
  for (let row = 0; row < passing.length; row++) {
    if (passing[row] === 0) continue;
    lines.enter(row);
    if (isHit(filter, lines) === filter.isNegated) passing[row] = 0;
    else left++;
  }
  return left;
}

function isHit({ matchers }: LineFilter, lines: BlockLines): boolean {
  for (const matcher of matchers) if (matchesLine(matcher, lines)) return true;
  return false;
}

/** Sets `hits` to 1 for the rows a matcher matches. */
function markHits(lines: BlockLines, matcher: LineMatcher, hits: Uint8Array): void {
  switch (matcher.kind) {
    case "all":
      hits.fill(1);
      return;
    case "none":
      return;
    case "literal":
      eachLineWith(lines, matcher.bytes, (row) => {
        hits[row] = 1;
      });
      return;
    case "literals":
      markRegExpHits(lines, matcher.search, hits);
      return;
    case "regex": {
      const whole = blockRegExpFor(matcher.regex, lines);
      if (whole !== undefined) {
        if (matcher.needle === undefined || isFrequent(lines, matcher.needle)) {
          markRegExpHits(lines, whole, hits);
          return;
        }
      }
      markVerified(lines, matcher, matcher.needle, hits);
      return;
    }
    case "pattern":
      markVerified(lines, matcher, matcher.needle, hits);
      return;
    case "ip":
      markVerified(lines, matcher, undefined, hits);
      return;
    default:
      matcher satisfies never;
  }
}

/**
 * Up to here a line costs the fast engine some 20 ms at worst; expressions with loops in loops have
 * a linear `blockRegExp` anyway.
 */
const longLineBytes = 8192;

/**
 * What can search the whole block in time linear in it, if anything: a line longer than an
 * expression's bound for the fast engine needs the linear one, and where there is none lines are
 * tried one by one.
 */
function blockRegExpFor(regex: Regex, lines: BlockLines): RegExp | undefined {
  if (!lines.isAscii || lines.hasInnerNewline) return undefined;
  const engines = regex.blockEngines;
  if (engines === undefined) return undefined;
  const isLong = lines.longestLine > Math.max(longLineBytes, engines.fastLengthMax);
  return isLong ? engines.linear : regex.blockRegExp;
}

/** Lines looked at to see whether a needle is rare enough to lead. */
const sampleBytes = 32 * 1024;
const rareHitsMax = 16;

function isFrequent(lines: BlockLines, needle: Buffer): boolean {
  const sample = lines.buffer.subarray(0, Math.min(sampleBytes, lines.buffer.length));
  let hitCount = 0;
  for (let at = sample.indexOf(needle); at >= 0; at = sample.indexOf(needle, at + needle.length)) {
    if (++hitCount > rareHitsMax) return true;
  }
  return false;
}

/** Tries a matcher on every line, or on every line that holds the needle. */
function markVerified(
  lines: BlockLines,
  matcher: LineMatcher,
  needle: Buffer | undefined,
  hits: Uint8Array,
): void {
  const verify = (row: number): void => {
    if (hits[row] === 1) return;
    lines.enter(row);
    if (matchesLine(matcher, lines)) hits[row] = 1;
  };
  if (needle !== undefined) eachLineWith(lines, needle, verify);
  else for (let row = 0; row < lines.count; row++) verify(row);
}

/** Calls `visit` once for every line that holds the needle: one search over the whole block. */
function eachLineWith(lines: BlockLines, needle: Buffer, visit: (row: number) => void): void {
  const { buffer, count } = lines;
  const { starts, gap } = lines.lines;
  const spansLines = needle.includes(newline);
  if (spansLines && !lines.hasInnerNewline) return;
  let row = 0;
  let at = buffer.indexOf(needle, starts[0]!);
  while (at >= 0) {
    row = rowAt(starts, row, count, at);
    if (row >= count) return;
    if (spansLines && at + needle.length > starts[row + 1]! - gap) {
      at = buffer.indexOf(needle, at + 1);
      continue;
    }
    visit(row);
    at = buffer.indexOf(needle, starts[row + 1]!);
  }
}

/**
 * Text is made of so many bytes at a time: it stays in the processor's cache, and the engine's
 * cheapest kind of memory, while it is searched.
 */
const pieceBytes = 64 * 1024;

/** `whole` matches within lines only, so that lines can be searched in pieces. */
function markRegExpHits(lines: BlockLines, whole: RegExp, hits: Uint8Array): void {
  const { count, buffer } = lines;
  const { starts } = lines.lines;
  const search = whole.global ? whole : new RegExp(whole, `${whole.flags}g`);
  for (let from = 0; from < count; ) {
    const to = Math.max(from + 1, rowAt(starts, from, count, starts[from]! + pieceBytes));
    const origin = starts[from]!;
    const text = latin1Text(buffer, origin, starts[to]!);
    search.lastIndex = 0;
    let row = from;
    // Matches are not empty, and their last byte lies in the line of their first, if only as the
    // newline that ends it. Asking for the end alone makes no objects.
    while (row < to && search.test(text)) {
      row = rowAt(starts, row, count, origin + search.lastIndex - 1);
      if (row >= to) break;
      hits[row] = 1;
      row++;
      search.lastIndex = starts[row]! - origin;
    }
    from = to;
  }
}

/** The row that holds byte `at`, not before row `low`: galloping, then halving. */
function rowAt(starts: Uint32Array, low: number, count: number, at: number): number {
  let step = 1;
  let from = low;
  while (from + step <= count && starts[from + step]! <= at) {
    from += step;
    step *= 2;
  }
  let to = Math.min(from + step, count);
  while (from < to) {
    const middle = (from + to + 1) >>> 1;
    if (starts[middle]! <= at) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** Patterns as the bytes of a segment's section. Layout: docs/formats/patterns.md. */
import { RequestError, StoreError } from "#base";
import { ProtoReader, ProtoWriter, WireType } from "#codec";
import { type LabelPair, Labels } from "#model";
import type { PatternCounts } from "./pattern.ts";

/** Kind of the section, see docs/formats/segment.md. */
export const patternSectionKind = 160;

/** A section holds the most frequent patterns: what is beyond is noise, and a question reads it all. */
export const sectionPatternsMax = 5_000;

/** Counts in a section; with more, buckets are joined by six until they are fewer. */
export const sectionSamplesMax = 100_000;
const joinedBuckets = 6;
/** 10 s × 6^5 is almost a day. */
const joinsMax = 5;

const version = 1;
const Section = { version: 1, bucketWidth: 2, text: 3, stream: 4 } as const;
const Stream = { labels: 1, pattern: 2 } as const;
const Pattern = { text: 1, level: 2, bucketGaps: 3, counts: 4 } as const;

interface Kept {
  readonly counts: PatternCounts;
  readonly total: number;
}

export function encodePatterns(patterns: readonly PatternCounts[]): Buffer {
  const kept = mostFrequent(patterns);
  const width = widthFor(kept);
  const texts = new TextNumbers();
  const streams = Map.groupBy(kept, ({ counts }) => counts.labels.key);
  const body = new ProtoWriter();
  for (const ofStream of streams.values()) {
    const at = body.begin(Section.stream);
    writeNumbers(
      body,
      Stream.labels,
      ofStream[0]!.counts.labels.pairs.flat().map((text) => texts.of(text)),
    );
    for (const { counts } of ofStream) writePattern(body, counts, { texts, width });
    body.end(at);
  }
  const section = new ProtoWriter();
  writeNumber(section, Section.version, version);
  writeNumber(section, Section.bucketWidth, width);
  for (const text of texts.all) section.text(Section.text, text);
  return Buffer.concat([section.finish(), body.finish()]);
}

function mostFrequent(patterns: readonly PatternCounts[]): Kept[] {
  return patterns
    .map((counts) => ({ counts, total: counts.buckets.reduce((sum, [, count]) => sum + count, 0) }))
    .sort((a, b) => b.total - a.total)
    .slice(0, sectionPatternsMax);
}

function widthFor(kept: readonly Kept[]): number {
  let width = 1;
  for (let joins = 0; joins < joinsMax; joins++) {
    let samples = 0;
    for (const { counts } of kept) samples += joinBuckets(counts.buckets, width).length;
    if (samples <= sectionSamplesMax) break;
    width *= joinedBuckets;
  }
  return width;
}

type Buckets = PatternCounts["buckets"];

/** Buckets `width` times as wide, numbered in their own width. */
function joinBuckets(buckets: Buckets, width: number): Buckets {
  if (width === 1) return buckets;
  const joined: [number, number][] = [];
  for (const [bucket, count] of buckets) {
    const wide = Math.floor(bucket / width);
    const last = joined.at(-1);
    if (last !== undefined && last[0] === wide) last[1] += count;
    else joined.push([wide, count]);
  }
  return joined;
}

function writePattern(
  writer: ProtoWriter,
  counts: PatternCounts,
  how: { readonly texts: TextNumbers; readonly width: number },
): void {
  const at = writer.begin(Stream.pattern);
  writeNumber(writer, Pattern.text, how.texts.of(counts.text));
  writeNumber(writer, Pattern.level, how.texts.of(counts.level));
  const buckets = joinBuckets(counts.buckets, how.width);
  const gaps = buckets.map(([bucket], i) => (i === 0 ? bucket : bucket - buckets[i - 1]![0]));
  writeNumbers(writer, Pattern.bucketGaps, gaps);
  writeNumbers(
    writer,
    Pattern.counts,
    buckets.map(([, count]) => count),
  );
  writer.end(at);
}

function writeNumber(writer: ProtoWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint);
  writer.varint(value);
}

function writeNumbers(writer: ProtoWriter, field: number, values: readonly number[]): void {
  const at = writer.begin(field);
  for (const value of values) writer.varint(value);
  writer.end(at);
}

/** Every text once, numbered from 0 in order of first use. */
class TextNumbers {
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.#numbers.size));
    return number;
  }

  get all(): Iterable<string> {
    return this.#numbers.keys();
  }
}

/** Throws StoreError `corrupt` when the bytes are no such section. */
export function decodePatterns(bytes: Buffer): PatternCounts[] {
  try {
    return readSection(new ProtoReader(bytes));
  } catch (error) {
    if (error instanceof RequestError) throw corrupt(error.message);
    throw error;
  }
}

/** One section for several: of segments that are merged into one. */
export function mergePatternSections(sections: readonly Buffer[]): Buffer {
  const merged = new Map<string, { counts: PatternCounts; buckets: Map<number, number> }>();
  for (const counts of sections.flatMap((section) => decodePatterns(section))) {
    const key = JSON.stringify([counts.labels.key, counts.level, counts.text]);
    let sum = merged.get(key);
    if (sum === undefined) merged.set(key, (sum = { counts, buckets: new Map() }));
    for (const [bucket, count] of counts.buckets) {
      sum.buckets.set(bucket, (sum.buckets.get(bucket) ?? 0) + count);
    }
  }
  return encodePatterns(
    [...merged.values()].map(({ counts, buckets }) => ({
      ...counts,
      buckets: [...buckets].sort((a, b) => a[0] - b[0]),
    })),
  );
}

function corrupt(what: string): StoreError {
  return new StoreError("corrupt", `section of patterns: ${what}`);
}

function readSection(reader: ProtoReader): PatternCounts[] {
  const texts: string[] = [];
  const found: PatternCounts[] = [];
  let width = 1;
  while (reader.at < reader.end) {
    const tag = reader.tag("Patterns");
    if (tag === tagOf(Section.version, WireType.Varint)) {
      const read = reader.varint();
      if (read !== version) throw corrupt(`version ${read}, this reader knows ${version}`);
    } else if (tag === tagOf(Section.bucketWidth, WireType.Varint)) width = reader.varint();
    else if (tag === tagOf(Section.text, WireType.Bytes)) texts.push(reader.text());
    else if (tag === tagOf(Section.stream, WireType.Bytes)) {
      inside(reader, () => readStream(reader, { texts, width }, found));
    } else reader.skip(tag, "Patterns");
  }
  return found;
}

interface Context {
  readonly texts: readonly string[];
  readonly width: number;
}

function readStream(reader: ProtoReader, context: Context, found: PatternCounts[]): void {
  let labels = Labels.empty;
  while (reader.at < reader.end) {
    const tag = reader.tag("Stream");
    if (tag === tagOf(Stream.labels, WireType.Bytes)) {
      labels = labelsOf(readNumbers(reader), context);
    } else if (tag === tagOf(Stream.pattern, WireType.Bytes)) {
      inside(reader, () => found.push(readPattern(reader, context, labels)));
    } else reader.skip(tag, "Stream");
  }
}

function labelsOf(numbers: readonly number[], context: Context): Labels {
  if (numbers.length % 2 !== 0) throw corrupt(`${numbers.length} names and values of labels`);
  const pairs: LabelPair[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    pairs.push([textAt(numbers[i]!, context), textAt(numbers[i + 1]!, context)]);
  }
  return Labels.of(pairs);
}

function readPattern(reader: ProtoReader, context: Context, labels: Labels): PatternCounts {
  let [text, level] = ["", ""];
  let gaps: readonly number[] = [];
  let counts: readonly number[] = [];
  while (reader.at < reader.end) {
    const tag = reader.tag("Pattern");
    if (tag === tagOf(Pattern.text, WireType.Varint)) text = textAt(reader.varint(), context);
    else if (tag === tagOf(Pattern.level, WireType.Varint))
      level = textAt(reader.varint(), context);
    else if (tag === tagOf(Pattern.bucketGaps, WireType.Bytes)) gaps = readNumbers(reader);
    else if (tag === tagOf(Pattern.counts, WireType.Bytes)) counts = readNumbers(reader);
    else reader.skip(tag, "Pattern");
  }
  if (gaps.length !== counts.length) throw corrupt(`${gaps.length} times, ${counts.length} counts`);
  let bucket = 0;
  const buckets = counts.map((count, i): [number, number] => {
    bucket += gaps[i]!;
    return [bucket * context.width, count];
  });
  return { labels, text, level, buckets };
}

function textAt(number: number, { texts }: Context): string {
  const text = texts[number];
  if (text === undefined) throw corrupt(`text ${number} of ${texts.length}`);
  return text;
}

/** The reader's end is that of the value until `read` is through. */
function inside(reader: ProtoReader, read: () => void): void {
  const outer = reader.end;
  reader.end = reader.span();
  read();
  reader.end = outer;
}

function readNumbers(reader: ProtoReader): number[] {
  const numbers: number[] = [];
  inside(reader, () => {
    while (reader.at < reader.end) numbers.push(reader.varint());
  });
  return numbers;
}

function tagOf(field: number, type: WireType): number {
  return field * 8 + type;
}

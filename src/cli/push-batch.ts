/** Entries on their way into one push request: Loki's PushRequest as protobuf. */
import { compressSnappyBlock, ProtoWriter } from "#codec";
import type { LabelPair, Labels } from "#model";

const nsPerSecond = 1_000_000_000n;

/** What is sent as one request. */
export interface PushBatch {
  /** A snappy block. */
  readonly body: Buffer;
  readonly entryCount: number;
  readonly lineBytes: number;
  /** Such as `app.log, lines 1 to 1000`. */
  readonly where: string;
}

export interface PushEntry {
  readonly timeNs: bigint;
  /** bytes[from, to) is the line. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly metadata: readonly LabelPair[];
}

/** An entry costs about this much besides its line; keeps empty lines from piling up. */
const entryOverheadBytes = 24;

/** Gathers entries by stream. Lines are copied; the caller keeps its buffers. */
export class PushBatchBuilder {
  readonly #streams = new Map<string, { readonly labels: string; readonly entries: ProtoWriter }>();
  #entryCount = 0;
  #lineBytes = 0;
  #sizeBytes = 0;
  #source = "";
  #firstLine = 0;
  #lastLine = 0;

  get entryCount(): number {
    return this.#entryCount;
  }

  /** What it will take before compression, about. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** `source` and `line` (from 1) are where the entry was read, for messages. */
  add(labels: Labels, entry: PushEntry, place: { source: string; line: number }): void {
    if (this.#entryCount === 0) [this.#source, this.#firstLine] = [place.source, place.line];
    this.#lastLine = place.line;
    let stream = this.#streams.get(labels.key);
    if (stream === undefined) {
      stream = { labels: labels.toString(), entries: new ProtoWriter(4096) };
      this.#streams.set(labels.key, stream);
      this.#sizeBytes += stream.labels.length;
    }
    writeEntry(stream.entries, entry);
    this.#entryCount++;
    this.#lineBytes += entry.to - entry.from;
    this.#sizeBytes += entry.to - entry.from + entryOverheadBytes;
  }

  /** The batch so far; the builder is empty again. */
  take(): PushBatch {
    const writer = new ProtoWriter(this.#sizeBytes + 64);
    for (const { labels, entries } of this.#streams.values()) {
      const start = writer.begin(1);
      writer.text(1, labels);
      const bytes = entries.finish();
      writer.raw(bytes, 0, bytes.length);
      writer.end(start);
    }
    const batch = {
      body: compressSnappyBlock(writer.finish()),
      entryCount: this.#entryCount,
      lineBytes: this.#lineBytes,
      where: `${this.#source}, lines ${this.#firstLine} to ${this.#lastLine}`,
    };
    this.#streams.clear();
    this.#entryCount = 0;
    this.#lineBytes = 0;
    this.#sizeBytes = 0;
    return batch;
  }
}

/** EntryAdapter{timestamp=1{seconds=1, nanos=2}, line=2, structuredMetadata=3{name=1, value=2}}. */
function writeEntry(writer: ProtoWriter, entry: PushEntry): void {
  const { timeNs, bytes, from, to, metadata } = entry;
  const nanos = ((timeNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
  const start = writer.begin(2);
  const time = writer.begin(1);
  writer.tag(1, 0);
  writer.varint(Number((timeNs - nanos) / nsPerSecond));
  writer.tag(2, 0);
  writer.varint(Number(nanos));
  writer.end(time);
  writer.bytes(2, bytes, from, to);
  for (const [name, value] of metadata) {
    const pair = writer.begin(3);
    writer.text(1, name);
    writer.text(2, value);
    writer.end(pair);
  }
  writer.end(start);
}

import { LruMap, MiB } from "#base";
import type { Limits } from "#config";
import { JsonReader } from "#codec";
import { type LabelPair, quoteGo } from "#model";
import { parseLabelSet } from "./push-label-set.ts";
import { type StreamLabels, streamLabelsOf } from "./validate-labels.ts";

/**
 * Memory for remembered label texts of one set of limits; agents send the same few thousand streams
 * again and again.
 */
const cacheBytesMax = 8 * MiB;
/** Tenants with limits of their own have caches of their own; this many stay. */
const cachesMax = 16;
/** An estimate of what a remembered stream takes beside its text. */
const entryOverheadBytes = 400;

interface Caches {
  readonly texts: LruMap<string, StreamLabels>;
  readonly objects: LruMap<string, StreamLabels>;
}

/** From the labels of a stream as they arrive to StreamLabels, remembered by the arriving bytes. */
export class StreamLabelCache {
  readonly #byLimits = new LruMap<Limits, Caches>({ weightMax: cachesMax });

  /** bytes[from, to) is a label set as text. RequestError 400 when it does not parse. */
  ofText(bytes: Buffer, from: number, to: number, limits: Limits): StreamLabels {
    const { texts } = this.#caches(limits);
    const key = bytes.toString("latin1", from, to);
    const known = texts.get(key);
    if (known !== undefined) return known;
    const stream = streamLabelsOf(parseLabelSet(bytes.toString("utf8", from, to)), limits);
    texts.set(key, stream);
    return stream;
  }

  /** bytes[from, to) is a JSON object of labels; the bytes are left as they are. */
  ofJson(bytes: Buffer, from: number, to: number, limits: Limits): StreamLabels {
    const { objects } = this.#caches(limits);
    const key = bytes.toString("latin1", from, to);
    const known = objects.get(key);
    if (known !== undefined) return known;
    const stream = streamLabelsOf(readObject(Buffer.from(bytes.subarray(from, to))), limits);
    objects.set(key, stream);
    return stream;
  }

  #caches(limits: Limits): Caches {
    const known = this.#byLimits.get(limits);
    if (known !== undefined) return known;
    const weigh = (_: StreamLabels, key: string): number => key.length * 4 + entryOverheadBytes;
    const options = { name: "stream_labels", weightMax: cacheBytesMax, weigh };
    const caches = {
      texts: new LruMap<string, StreamLabels>(options),
      objects: new LruMap<string, StreamLabels>(options),
    };
    this.#byLimits.set(limits, caches);
    return caches;
  }
}

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Any JSON value counts as its text; the last of equal keys wins. Names that are not label names
 * are refused in the words of the label parser, as if the object had come as text.
 */
function readObject(bytes: Buffer): LabelPair[] {
  const reader = new JsonReader(bytes);
  reader.expect(0x7b);
  const byName = new Map<string, string>();
  for (let first = true; reader.more(0x7d, first); first = false) {
    const name = reader.keyText();
    if (reader.peek() === 0x22) {
      byName.set(name, reader.text());
    } else {
      reader.skip();
      byName.set(name, bytes.toString("utf8", reader.from, reader.to));
    }
  }
  const pairs = [...byName];
  if (pairs.every(([name]) => plainName.test(name))) return pairs;
  const sorted = pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return parseLabelSet(
    `{${sorted.map(([name, value]) => `${name}=${quoteGo(value)}`).join(", ")}}`,
  );
}

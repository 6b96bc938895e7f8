import { LruMap } from "#base";
import { hashBytes, sameBytes } from "#columns";
import { labelNameOf } from "./push-metadata-name.ts";
import type { OtlpAction } from "./push-otlp-rules.ts";

/** The name of a label or of structured metadata, ready to be written into a packed set. */
export interface OtlpName {
  readonly text: string;
  readonly byteLength: number;
  /** varint(name bytes) name. */
  readonly packed: Buffer;
}

/** Names in use are few; those of a hostile client must not fill memory. */
const names = new LruMap<string, OtlpName>({
  name: "otlp_names",
  weightMax: 512 * 1024,
  weigh: (_, text) => text.length * 4 + 100,
});

/** `text` is normalised already (see labelNameOf). Mostly the same object for the same text. */
export function otlpName(text: string): OtlpName {
  const known = names.get(text);
  if (known !== undefined) return known;
  const bytes = Buffer.from(text);
  const prefix: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>>= 7) prefix.push((rest & 0x7f) | 0x80);
  prefix.push(rest);
  const packed = Buffer.concat([Buffer.from(prefix), bytes]);
  const name = { text, byteLength: bytes.length, packed };
  names.set(text, name);
  return name;
}

/** What is known of an attribute's key. */
export interface OtlpKey {
  readonly bytes: Buffer;
  readonly text: string;
  /** Undefined when nothing is left of it as a name; attributes with a value are refused then. */
  readonly name: OtlpName | undefined;
  /** What becomes of it as an attribute of a record. */
  readonly action: OtlpAction;
}

/** A table of this many keys; exporters use some dozens. A power of two. */
const placesCount = 1024;
/** Longer keys are looked up anew each time, so that the table stays small. */
const keyBytesMax = 128;

/** Keys of attributes of records by their bytes. Bounded: a newcomer takes the place of another. */
export class OtlpKeys {
  readonly #places: (OtlpKey | undefined)[] = Array.from({ length: placesCount });
  readonly #actionOf: (key: string) => OtlpAction;

  constructor(actionOf: (key: string) => OtlpAction) {
    this.#actionOf = actionOf;
  }

  /** The key bytes[from, to). */
  find(bytes: Buffer, from: number, to: number): OtlpKey {
    const length = to - from;
    const first = hashBytes(bytes, from, to, 0) & (placesCount - 1);
    const places = this.#places;
    const one = places[first];
    if (one?.bytes.length === length && sameBytes(one.bytes, 0, bytes, from, length)) return one;
    const other = places[first ^ 1];
    if (other?.bytes.length === length && sameBytes(other.bytes, 0, bytes, from, length)) {
      return other;
    }
    const key = this.#read(Buffer.from(bytes.subarray(from, to)));
    if (length <= keyBytesMax) places[one === undefined ? first : first ^ 1] = key;
    return key;
  }

  #read(bytes: Buffer): OtlpKey {
    const text = bytes.toString("utf8");
    return { bytes, text, name: nameOf(text), action: this.#actionOf(text) };
  }
}

function nameOf(key: string): OtlpName | undefined {
  try {
    return otlpName(labelNameOf(key));
  } catch {
    return undefined;
  }
}

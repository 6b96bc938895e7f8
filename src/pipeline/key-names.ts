import { extractedSuffix, isPresent, nowhere, type StreamBase } from "./base-labels.ts";
import { hasBytes } from "./bytes-search.ts";
import { labelNameOf } from "./label-name.ts";
import type { WantedLabels } from "./wanted-labels.ts";
import { utf8Text } from "./bytes-text.ts";

/** Keys remembered by one parser; lines with more different keys are read without memory. */
const keyCountMax = 4096;
/** Longer keys are not remembered. */
const keyBytesMax = 128;

/** What a key of a line means to a parser: its label name under the keys it is nested in. */
export interface KeyName {
  readonly bytes: Buffer;
  readonly parent: KeyName | undefined;
  /** Label name; empty when the key gives none. */
  readonly name: string;
  readonly extractedName: string;
  readonly isWanted: boolean;
  /** May a field nested below be wanted? */
  readonly isWantedBelow: boolean;
  /** What the entry came with by this name, as of the stream base asked last; see `fieldName`. */
  knownBase: StreamBase | undefined;
  place: number;
  /**
   * The key that followed last time, and the first one nested below: lines repeat their keys in
   * order.
   */
  next: KeyName | undefined;
  firstBelow: KeyName | undefined;
}

/** What `fieldName` needs of a key. */
export type FieldKey = Pick<KeyName, "name" | "extractedName" | "knownBase" | "place">;

/** The label a field goes by in this row: `name_extracted` when the entry came with the name. */
export function fieldName(key: FieldKey, base: StreamBase, index: number): string {
  if (key.knownBase !== base) {
    key.knownBase = base;
    key.place = base.placeOf(key.name);
  }
  return isPresent(base, key.place, index) ? key.extractedName : key.name;
}

/** From the bytes of keys to label names, remembering what was seen. */
export class KeyNames {
  readonly #wanted: WantedLabels;
  readonly #byHash = new Map<number, KeyName[]>();
  #count = 0;
  readonly #root: KeyName = {
    bytes: Buffer.alloc(0),
    parent: undefined,
    name: "",
    extractedName: "",
    isWanted: false,
    isWantedBelow: true,
    knownBase: undefined,
    place: nowhere,
    next: undefined,
    firstBelow: undefined,
  };

  constructor(wanted: WantedLabels) {
    this.#wanted = wanted;
  }

  /**
   * The key of bytes [from, to) below `parent`; `previous` is the key before it in the same object.
   */
  of(
    buffer: Buffer,
    from: number,
    to: number,
    parent: KeyName | undefined,
    previous: KeyName | undefined,
  ): KeyName {
    const guess = previous === undefined ? (parent ?? this.#root).firstBelow : previous.next;
    if (guess !== undefined && guess.parent === parent && hasBytes(buffer, from, to, guess.bytes)) {
      return guess;
    }
    if (to - from > keyBytesMax) return this.#make(buffer, from, to, parent, plain);
    let hash = to - from;
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + buffer[i]!) | 0;
    const bucket = this.#byHash.get(hash);
    if (bucket !== undefined) {
      for (const known of bucket) {
        if (known.parent === parent && hasBytes(buffer, from, to, known.bytes)) {
          this.#expect(known, parent, previous);
          return known;
        }
      }
    }
    if (this.#count >= keyCountMax) return this.#make(buffer, from, to, parent, plain);
    const made = this.#make(buffer, from, to, parent, shared);
    this.#count++;
    if (bucket === undefined) this.#byHash.set(hash, [made]);
    else bucket.push(made);
    this.#expect(made, parent, previous);
    return made;
  }

  #expect(key: KeyName, parent: KeyName | undefined, previous: KeyName | undefined): void {
    if (previous === undefined) (parent ?? this.#root).firstBelow = key;
    else previous.next = key;
  }

  /** For keys with escapes. */
  ofText(key: string, parent: KeyName | undefined): KeyName {
    const bytes = Buffer.from(key);
    return this.#make(bytes, 0, bytes.length, parent, plain);
  }

  #make(
    buffer: Buffer,
    from: number,
    to: number,
    parent: KeyName | undefined,
    textOf: (name: string) => string,
  ): KeyName {
    const bytes = Buffer.from(buffer.subarray(from, to));
    const name = textOf(joinNames(parent?.name ?? "", utf8Text(bytes)));
    return {
      bytes,
      parent,
      name,
      extractedName: textOf(name + extractedSuffix),
      isWanted: name !== "" && this.#wanted.has(name),
      isWantedBelow: this.#wanted.hasBelow(name === "" ? "" : `${name}_`),
      knownBase: undefined,
      place: nowhere,
      next: undefined,
      firstBelow: undefined,
    };
  }
}

/**
 * The engine's one copy of a property name: two of these compare by identity, which is quick when
 * they differ.
 */
function shared(name: string): string {
  return Object.keys({ [name]: true })[0]!;
}

/** For a key that is not remembered: the engine's table of names is no place for millions of them. */
function plain(name: string): string {
  return name;
}

function joinNames(parent: string, key: string): string {
  const name = labelNameOf(key, { isStart: parent === "" });
  if (parent === "") return name;
  return name === "" ? parent : `${parent}_${name}`;
}

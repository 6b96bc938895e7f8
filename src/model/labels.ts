import xxhash from "xxhash-wasm";

const hasher = await xxhash();

/** One label: name and value, or one pair of structured metadata. */
export type LabelPair = readonly [name: string, value: string];

/**
 * A sorted set of labels. Immutable. Names are unique and sorted by their UTF-8 bytes; values are not empty, except
 * where a query makes them so. Two sets are equal when their `key` is equal.
 */
export class Labels {
  static readonly empty: Labels = new Labels([]);

  readonly pairs: readonly LabelPair[];
  #key: string | undefined;
  #fingerprint: bigint | undefined;

  private constructor(sorted: readonly LabelPair[]) {
    this.pairs = sorted;
  }

  /** Sorts; the last of several pairs of one name wins. */
  static of(pairs: Iterable<LabelPair>): Labels {
    const byName = new Map<string, string>();
    for (const [name, value] of pairs) byName.set(name, value);
    return new Labels([...byName].sort((a, b) => compareText(a[0], b[0])));
  }

  /** `sorted` must be sorted by `compareText` and have unique names; it is kept, not copied. */
  static ofSorted(sorted: readonly LabelPair[]): Labels {
    return new Labels(sorted);
  }

  static from(record: Readonly<Record<string, string>>): Labels {
    return Labels.of(Object.entries(record));
  }

  get size(): number {
    return this.pairs.length;
  }

  /** `undefined` when there is no such label; matchers take that as the empty string. */
  get(name: string): string | undefined {
    for (const pair of this.pairs) if (pair[0] === name) return pair[1];
    return undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Identity as text, cheap to compare and to use as a map key: names and values with a separator that UTF-8 lacks. */
  get key(): string {
    if (this.#key === undefined) {
      let key = "";
      for (const [name, value] of this.pairs) key += `${name}\ud800${value}\ud801`;
      this.#key = key;
    }
    return this.#key;
  }

  /** XXH64 over name FF value FF of each pair but `__name__` (Loki's stream fingerprint; docs/formats/segment.md). */
  get fingerprint(): bigint {
    if (this.#fingerprint === undefined) {
      const parts: Buffer[] = [];
      for (const [name, value] of this.pairs) {
        if (name === "__name__") continue;
        parts.push(Buffer.from(name), separator, Buffer.from(value), separator);
      }
      this.#fingerprint = hasher.h64Raw(Buffer.concat(parts));
    }
    return this.#fingerprint;
  }

  /** As Prometheus and Loki print it: `{a="b", c="d"}`, values quoted as Go quotes strings. */
  toString(): string {
    return `{${this.pairs.map(([name, value]) => `${name}=${quoteGo(value)}`).join(", ")}}`;
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this.pairs);
  }
}

const separator = Buffer.from([0xff]);

/** Order of UTF-8 bytes, which for UTF-16 strings differs from `<` only when surrogates are involved. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (U+10000 and up) sort after U+E000–U+FFFF in UTF-8.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

const goEscapes: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A string as Go's strconv.Quote writes it. */
export function quoteGo(text: string): string {
  let out = '"';
  for (const char of text) {
    const escape = goEscapes[char];
    if (escape !== undefined) out += escape;
    // The expression is slow to compile, and hardly any process meets other characters.
    else if (char >= " " && char <= "~") out += char;
    else if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) out += char;
    else out += escapeCodePoint(char.codePointAt(0)!);
  }
  return `${out}"`;
}

function escapeCodePoint(code: number): string {
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

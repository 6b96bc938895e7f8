import type { Matcher } from "#model";
import type { HeadStream } from "./head-part.ts";

type StreamsByValue = Map<string, HeadStream[]>;

interface NameIndex {
  readonly byValue: StreamsByValue;
  /** How many streams of the part are in it. */
  indexedCount: number;
}

/**
 * The streams of a part by label value. A push only appends to a list; a name is indexed when a
 * query first asks for it, and then as far as streams have come since.
 */
export class HeadLabelIndex {
  readonly #streams: HeadStream[] = [];
  /** Of names that queries asked for and streams have; bounded by the labels a stream may have. */
  readonly #byName = new Map<string, NameIndex>();
  readonly #names = new Set<string>();
  #namedCount = 0;

  add(stream: HeadStream): void {
    this.#streams.push(stream);
  }

  /** Names of all streams. */
  names(): ReadonlySet<string> {
    for (; this.#namedCount < this.#streams.length; this.#namedCount++) {
      for (const pair of this.#streams[this.#namedCount]!.labels.pairs) this.#names.add(pair[0]);
    }
    return this.#names;
  }

  /** Streams that have the label, by its value. */
  byValue(name: string): ReadonlyMap<string, readonly HeadStream[]> {
    let index = this.#byName.get(name);
    if (index === undefined) {
      index = { byValue: new Map(), indexedCount: 0 };
      // What no stream has is not remembered: queries can ask for any number of names.
      if (this.names().has(name)) this.#byName.set(name, index);
      else return index.byValue;
    }
    for (; index.indexedCount < this.#streams.length; index.indexedCount++) {
      const stream = this.#streams[index.indexedCount]!;
      const value = stream.labels.get(name);
      if (value === undefined) continue;
      const streams = index.byValue.get(value);
      if (streams === undefined) index.byValue.set(value, [stream]);
      else streams.push(stream);
    }
    return index.byValue;
  }

  /** Streams that pass all matchers. */
  select(matchers: readonly Matcher[]): HeadStream[] {
    const narrow =
      matchers.find(({ op, value }) => op === "=" && value !== "") ??
      matchers.find((matcher) => !matcher.test(""));
    const tests = matchers.filter((matcher) => matcher !== narrow).map(memoised);
    const passes = (stream: HeadStream): boolean => tests.every((test) => test(stream));
    if (narrow === undefined) return this.#streams.filter(passes);
    const byValue = this.byValue(narrow.name);
    if (narrow.op === "=") return (byValue.get(narrow.value) ?? []).filter(passes);
    const found: HeadStream[] = [];
    for (const [value, streams] of byValue) {
      if (!narrow.test(value)) continue;
      for (const stream of streams) if (passes(stream)) found.push(stream);
    }
    return found;
  }
}

/** A matcher tried once per distinct value: regular expressions cost more than a map. */
function memoised(matcher: Matcher): (stream: HeadStream) => boolean {
  const { name, op } = matcher;
  if (op === "=" || op === "!=") return ({ labels }) => matcher.test(labels.get(name) ?? "");
  const known = new Map<string, boolean>();
  return ({ labels }) => {
    const value = labels.get(name) ?? "";
    let answer = known.get(value);
    if (answer === undefined) {
      answer = matcher.test(value);
      known.set(value, answer);
    }
    return answer;
  };
}

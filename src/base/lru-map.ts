import { countEvicted, watchCache } from "./watched.ts";

interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly weight: number;
  /** Used before and after this one. */
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

/**
 * A map that forgets what was used least recently once the weights of its values exceed
 * `weightMax`. Looking something up moves it in a list only: maps that are asked for every request
 * would otherwise be rewritten all the time. By its `name` metrics tell how full it is and what had
 * to go; bytes are told of maps that weigh their values.
 */
export class LruMap<K, V> {
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #weightMax: number;
  readonly #weigh: (value: V, key: K) => number;
  readonly #name: string | undefined;
  #weight = 0;
  #oldest: Entry<K, V> | undefined;
  #newest: Entry<K, V> | undefined;

  constructor(options: {
    readonly weightMax: number;
    readonly weigh?: (value: V, key: K) => number;
    readonly name?: string;
  }) {
    const { weightMax, weigh, name } = options;
    this.#weightMax = weightMax;
    this.#weigh = weigh ?? (() => 1);
    this.#name = name;
    if (name === undefined) return;
    watchCache(name, this, ({ size, weight }) =>
      weigh === undefined ? { entries: size } : { entries: size, bytes: weight },
    );
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    return entry.value;
  }

  /** A value heavier than `weightMax` is not kept. */
  set(key: K, value: V): void {
    this.delete(key);
    const weight = this.#weigh(value, key);
    if (weight > this.#weightMax) return;
    const entry = { key, value, weight, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
    this.#weight += weight;
    while (this.#weight > this.#weightMax && this.#oldest !== undefined) {
      this.delete(this.#oldest.key);
      if (this.#name !== undefined) countEvicted(this.#name);
    }
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#unlink(entry);
    this.#weight -= entry.weight;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<K, V>): void {
    const { older, newer } = entry;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}

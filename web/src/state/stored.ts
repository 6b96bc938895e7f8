// What this browser remembers: preferences, history, saved queries. Another tab may write at any time;
// storage may be full or forbidden, then the page works without.
import { effect, type Signal, signal } from "@preact/signals";

const prefix = "skald.";

/** A signal that is kept in this browser. `read` checks what was stored and makes it whole. */
export function stored<T>(name: string, read: (value: unknown) => T): Signal<T> {
  const key = prefix + name;
  const result = signal<T>(read(load(key)));
  let known = JSON.stringify(result.peek());
  effect(() => {
    const text = JSON.stringify(result.value);
    if (text === known) return;
    known = text;
    try {
      localStorage.setItem(key, text);
    } catch {
      // Full or forbidden: the value lives as long as the page.
    }
  });
  globalThis.addEventListener?.("storage", (event) => {
    if (event.key !== key) return;
    const value = read(load(key));
    known = JSON.stringify(value);
    result.value = value;
  });
  return result;
}

function load(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as unknown;
  } catch {
    return null;
  }
}

/** One of the words, else the first. */
export function oneOf<const T extends string>(words: readonly [T, ...T[]]): (value: unknown) => T {
  return (value) => words.find((word) => word === value) ?? words[0];
}

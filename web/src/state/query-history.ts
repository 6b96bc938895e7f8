// Queries that were run in this browser, and those that were kept by name.
import type { Signal } from "@preact/signals";
import { stored } from "./stored.ts";

export interface PastQuery {
  readonly query: string;
  readonly atMs: number;
}

export interface SavedQuery {
  readonly name: string;
  readonly query: string;
}

/** More than a person looks through; the oldest go first. */
const pastMax = 100;
const savedMax = 500;

export const pastQueries: Signal<readonly PastQuery[]> = stored("history", (value) =>
  listOf(value, isPastQuery),
);
export const savedQueries: Signal<readonly SavedQuery[]> = stored("saved", (value) =>
  listOf(value, isSavedQuery),
);

function listOf<T>(value: unknown, isOne: (item: unknown) => item is T): readonly T[] {
  return Array.isArray(value) ? value.filter(isOne) : [];
}

function isPastQuery(item: unknown): item is PastQuery {
  const { query, atMs } = (item ?? {}) as Partial<PastQuery>;
  return typeof query === "string" && typeof atMs === "number";
}

function isSavedQuery(item: unknown): item is SavedQuery {
  const { query, name } = (item ?? {}) as Partial<SavedQuery>;
  return typeof query === "string" && typeof name === "string";
}

/** The newest first, each text once. */
export function remember(query: string): void {
  const others = pastQueries.peek().filter((past) => past.query !== query);
  pastQueries.value = [{ query, atMs: Date.now() }, ...others].slice(0, pastMax);
}

/** A name is taken once: saving anew replaces. */
export function save(name: string, query: string): void {
  const others = savedQueries.peek().filter((saved) => saved.name !== name);
  savedQueries.value = [...others, { name, query }].slice(-savedMax);
}

export function forget(name: string): void {
  savedQueries.value = savedQueries.peek().filter((saved) => saved.name !== name);
}

import { batch, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isAbort, reasonOf } from "../api/client.ts";
import { askContext } from "../api/context.ts";
import { selectorOf } from "../logql/query-text.ts";
import { parameter } from "../state/location.ts";
import { contextKey, contextStream } from "./context-place.ts";
import { type Entry, entryOf } from "./entry.ts";
import { keyOf, selectorText } from "./entry-key.ts";

/** Neighbours on each side at first, and with each more. */
const countFirst = 50;
const countMore = 200;

const query = parameter("q");
export const scopeText = parameter("around", "stream");

export type Side = "before" | "after";

export interface Found {
  /** In order of time. */
  readonly entries: readonly Entry[];
  /** The one whose context it is. */
  readonly meant: Entry;
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

export interface ContextLines {
  readonly found: Found | undefined;
  readonly failure: string;
  readonly more: (side: Side) => void;
}

/** The lines around the one that the address names, and more of them on either side. */
export function useContextLines(timeNs: string): ContextLines {
  const found = useSignal<Found | undefined>(undefined);
  const failure = useSignal("");
  const gone = useRef(new AbortController());
  const scope = scopeText.value === "query" ? "query" : "stream";
  useEffect(() => {
    gone.current = new AbortController();
    found.value = undefined;
    const { signal } = gone.current;
    firstLines(timeNs, scope, signal).then(
      (lines) => batch(() => ((found.value = lines), (failure.value = ""))),
      (error: unknown) => {
        if (!isAbort(error)) failure.value = reasonOf(error);
      },
    );
    return () => gone.current.abort();
  }, [timeNs, scope]);
  const asking = useRef(new Set<Side>());
  const more = (side: Side): void => {
    const before = found.peek();
    if (before === undefined || asking.current.has(side)) return;
    const { signal } = gone.current;
    asking.current.add(side);
    moreLines(before, side, { scope, signal })
      .then(
        (lines) => {
          // The other side may have grown meanwhile.
          const now = found.peek();
          if (!signal.aborted && now !== undefined) found.value = withMore(now, side, lines);
        },
        (error: unknown) => {
          if (!isAbort(error)) failure.value = reasonOf(error);
        },
      )
      .finally(() => asking.current.delete(side));
  };
  return { found: found.value, failure: failure.value, more };
}

function neighbours(scope: "stream" | "query"): string {
  const range = selectorOf(query.peek());
  if (scope === "stream" || range === undefined) return contextStream.peek();
  return query.peek().slice(range.from, range.to);
}

async function firstLines(
  timeNs: string,
  scope: "stream" | "query",
  signal: AbortSignal,
): Promise<Found> {
  const answer = await askContext({
    query: neighbours(scope),
    scope,
    timeNs,
    stream: contextStream.peek(),
    // The address has a hash of the line only: among equal times it is looked for below.
    line: undefined,
    before: countFirst,
    after: countFirst,
    signal,
  });
  const entries = [...answer.before, answer.entry, ...answer.after].map(entryOf);
  const wanted = contextKey.peek();
  return {
    entries,
    meant: entries.find((entry) => keyOf(entry) === wanted) ?? entries[answer.before.length]!,
    hasBefore: answer.before.length === countFirst,
    hasAfter: answer.after.length === countFirst,
  };
}

interface MoreOptions {
  readonly scope: "stream" | "query";
  readonly signal: AbortSignal;
}

/** From the outermost line on; in order of time. */
async function moreLines(
  found: Found,
  side: Side,
  options: MoreOptions,
): Promise<readonly Entry[]> {
  const isBefore = side === "before";
  const edge = isBefore ? found.entries[0]! : found.entries.at(-1)!;
  const answer = await askContext({
    query: neighbours(options.scope),
    scope: options.scope,
    timeNs: edge.timeNs,
    stream: selectorText(edge.labels),
    line: edge.line,
    before: isBefore ? countMore : 0,
    after: isBefore ? 0 : countMore,
    signal: options.signal,
  });
  return (isBefore ? answer.before : answer.after).map(entryOf);
}

function withMore(found: Found, side: Side, more: readonly Entry[]): Found {
  const isFull = more.length === countMore;
  if (side === "before") {
    return { ...found, entries: [...more, ...found.entries], hasBefore: isFull };
  }
  return { ...found, entries: [...found.entries, ...more], hasAfter: isFull };
}

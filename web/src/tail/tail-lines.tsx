import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isWrapped } from "../lines/display.ts";
import type { Entry } from "../lines/entry.ts";
import { markersOf } from "../lines/highlight.ts";
import { LineList } from "../lines/line-list.tsx";
import { useRowKeys } from "../lines/row-keys.ts";
import type { ListHandle } from "../lines/virtual-list.tsx";
import { change } from "../state/location.ts";
import { entries, state } from "./tail-session.ts";

/** Whoever is nearer to the end than this is taken along. */
const endPixels = 40;

/** The lines of the tail, oldest first; keeps to the end while the reader is there. */
export function TailLines({ query }: { readonly query: string }): JSX.Element {
  const host = useRef<HTMLElement>(null);
  const handle = useRef<ListHandle | undefined>(undefined);
  const opened = useSignal<ReadonlySet<Entry>>(new Set());
  const isAtEnd = useSignal(true);
  const markers = useMemo(() => markersOf(query), [query]);
  const shown = entries.value;
  const toggle = (entry: Entry): void => {
    const next = new Set(opened.peek());
    if (!next.delete(entry)) next.add(entry);
    opened.value = next;
    isAtEnd.value = false;
  };
  const selected = useRowKeys({ host, handle, entries: () => entries.peek(), onToggle: toggle });
  useEffect(() => {
    if (isAtEnd.peek()) toEnd(host.current);
  }, [shown]);
  const onScroll = (event: Event): void => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget as HTMLElement;
    isAtEnd.value = scrollHeight - scrollTop - clientHeight < endPixels;
  };
  return (
    <section
      class={`lines panel tail-lines ${isWrapped.value ? "wrapped" : "unwrapped"}`}
      aria-label="Lines"
      ref={host}
    >
      <div class="tail-scroller" tabIndex={0} onScroll={onScroll}>
        {shown.length === 0 && (
          <p class="lines-edge soft">
            {state.value === "live" ? "No line yet; new ones appear here." : "…"}
          </p>
        )}
        <LineList
          entries={shown}
          query={query}
          onQuery={(text) => change({ q: text }, "push")}
          markers={markers}
          opened={opened.value}
          onToggle={toggle}
          selected={selected.value}
          handle={handle}
          onShown={() => {
            if (isAtEnd.peek()) toEnd(host.current);
          }}
        />
      </div>
      {!isAtEnd.value && (
        <button
          type="button"
          class="button primary tail-to-end"
          onClick={() => {
            isAtEnd.value = true;
            toEnd(host.current);
          }}
        >
          To the newest
        </button>
      )}
    </section>
  );
}

function toEnd(host: HTMLElement | null): void {
  const scroller = host?.querySelector(".tail-scroller");
  if (scroller instanceof HTMLElement) scroller.scrollTop = scroller.scrollHeight;
}

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { TimeRange } from "../api/types.ts";
import { change, parameter } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { isPretty, isWrapped } from "./display.ts";
import type { Entry } from "./entry.ts";
import { keyOf } from "./entry-key.ts";
import { markersOf } from "./highlight.ts";
import { LineList } from "./line-list.tsx";
import "./lines-panel.css";
import { LinesToolbar } from "./lines-toolbar.tsx";
import { useRowKeys } from "./row-keys.ts";
import type { ListHandle, ShownRows } from "./virtual-list.tsx";

export interface LinesPanelProps {
  /** In the order shown: newest first when `direction` is backward. */
  readonly entries: readonly Entry[];
  readonly direction: "forward" | "backward";
  /** The query behind the entries: its line filters are marked, its result is downloaded. */
  readonly query: string;
  /** That was asked for; what is downloaded. */
  readonly range: TimeRange;
  /** There are more entries than these: another page can be asked for by `onMore`. */
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly onMore: () => void;
  /** Asks for entries before the first one shown, beyond the range; quiet when nobody pressed. */
  readonly onBefore?: (how: { readonly isQuiet: boolean }) => void;
  readonly isLoadingBefore?: boolean;
  /** Opens the query that a filter leads to. */
  readonly onQuery: (query: string) => void;
  /** More buttons. */
  readonly children?: ComponentChildren;
}

/** The toolbar sticks above the lines. */
const coveredPixels = 44;
/** This many rows before the end the next page is asked for. */
const aheadRows = 40;
/** More than this in one page of the browser is not asked for by scrolling alone. */
const entriesByScrollingMax = 200_000;

/** `line` of the address: the key of the line that a link means. */
const meantKey = parameter("line");

const lookShortcuts = [
  {
    keys: "w",
    does: "Lines: wrap long ones or not",
    run: () => (isWrapped.value = !isWrapped.peek()),
  },
  {
    keys: "p",
    does: "Lines: JSON over several lines",
    run: () => (isPretty.value = !isPretty.peek()),
  },
];

export function LinesPanel(props: LinesPanelProps): JSX.Element {
  const { entries, query, direction } = props;
  const host = useRef<HTMLElement>(null);
  const handle = useRef<ListHandle | undefined>(undefined);
  const opened = useSignal<ReadonlySet<Entry>>(new Set());
  const latest = useRef(props);
  latest.current = props;
  const wasDeep = useRef(false);
  const markers = useMemo(() => markersOf(query), [query]);
  const toggle = (entry: Entry): void => {
    const next = new Set(opened.peek());
    if (!next.delete(entry)) next.add(entry);
    opened.value = next;
  };
  const selected = useRowKeys({
    host,
    handle,
    entries: () => latest.current.entries,
    onToggle: toggle,
  });
  useShortcuts(lookShortcuts);
  const meant = useMeantLine(entries, { opened, handle });
  const classes = ["lines", "panel", isWrapped.value ? "wrapped" : "unwrapped"];
  return (
    <section class={classes.join(" ")} aria-label="Lines" ref={host}>
      <LinesToolbar {...props} />
      <EdgeBefore {...props} />
      <LineList
        entries={entries}
        query={query}
        onQuery={props.onQuery}
        markers={markers}
        opened={opened.value}
        onToggle={toggle}
        selected={selected.value}
        meant={meant}
        handle={handle}
        coveredPixels={coveredPixels}
        onShown={(shown) => {
          askAhead(latest.current, shown);
          askBefore(latest.current, shown, wasDeep);
        }}
      />
      <EdgeAfter {...props} key={direction} />
    </section>
  );
}

function askAhead(
  { entries, hasMore, isLoading, onMore }: LinesPanelProps,
  shown: ShownRows,
): void {
  if (!hasMore || isLoading || entries.length >= entriesByScrollingMax) return;
  if (shown.direction === "down" && shown.last >= entries.length - aheadRows && shown.first > 0) {
    queueMicrotask(onMore);
  }
}

/** Whoever comes back to the first line from further down is asked about what is new above it. */
function askBefore(
  { onBefore, isLoadingBefore }: LinesPanelProps,
  shown: ShownRows,
  wasDeep: { current: boolean },
): void {
  if (shown.first >= aheadRows) wasDeep.current = true;
  if (!wasDeep.current || shown.direction === "down" || shown.first > 0) return;
  wasDeep.current = false;
  if (isLoadingBefore !== true) queueMicrotask(() => onBefore?.({ isQuiet: true }));
}

interface Meant {
  readonly opened: { value: ReadonlySet<Entry>; peek(): ReadonlySet<Entry> };
  readonly handle: { readonly current: ListHandle | undefined };
}

/** The line of a permalink: found, unfolded and brought into the window once. */
function useMeantLine(entries: readonly Entry[], { opened, handle }: Meant): Entry | undefined {
  const key = meantKey.value;
  const meant = useMemo(() => {
    if (key === "") return undefined;
    const time = key.slice(0, key.indexOf("-"));
    return entries.find((entry) => entry.timeNs === time && keyOf(entry) === key);
  }, [entries, key]);
  const index = meant === undefined ? -1 : entries.indexOf(meant);
  useEffect(() => {
    if (meant !== undefined) opened.value = new Set([...opened.peek(), meant]);
  }, [meant]);
  // Once more when lines have come before it.
  useEffect(() => {
    if (index >= 0) requestAnimationFrame(() => handle.current?.show(index, "center"));
  }, [meant, index > 0]);
  return meant;
}

/** Above the first line: what lies beyond the range. */
function EdgeBefore(props: LinesPanelProps): JSX.Element | null {
  const { onBefore, direction, isLoadingBefore = false } = props;
  if (onBefore === undefined) return null;
  const name = direction === "backward" ? "newer" : "older";
  return (
    <p class="lines-edge">
      <button
        type="button"
        class="link-button"
        disabled={isLoadingBefore}
        onClick={() => onBefore({ isQuiet: false })}
      >
        {isLoadingBefore ? "Loading …" : `Load ${name} lines`}
      </button>
    </p>
  );
}

function EdgeAfter(props: LinesPanelProps): JSX.Element {
  const { hasMore, isLoading, onMore, direction } = props;
  if (!hasMore) {
    return (
      <p class="lines-edge soft">
        {direction === "backward" ? "Beginning" : "End"} of the range
        {meantKey.value !== "" && (
          <>
            {" · "}
            <button
              type="button"
              class="link-button"
              onClick={() => change({ line: undefined, from: undefined, to: undefined }, "push")}
            >
              Show the last hour
            </button>
          </>
        )}
      </p>
    );
  }
  return (
    <p class="lines-edge">
      <button type="button" class="button" disabled={isLoading} onClick={onMore}>
        {isLoading ? "Loading …" : "Load more"}
      </button>
    </p>
  );
}

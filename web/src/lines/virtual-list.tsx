// A list of very many rows of different heights, of which only those near the window are in the page.
// It scrolls with the nearest scrolling ancestor. What the reader looks at stays where it is when rows
// come before it, go, or turn out higher than was assumed.
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { RowHeights } from "./row-heights.ts";

export interface ListHandle {
  /** Brings a row into the window; "nearest" moves only when it must. */
  show(index: number, where: "nearest" | "center" | "end"): void;
}

export interface VirtualListProps<T extends object> {
  /** An item is recognised by identity. */
  readonly items: readonly T[];
  readonly estimatePixels: number;
  /** Heights that were measured count while this stays the same. */
  readonly look: string;
  /** An `<li>` with `data-index`. */
  readonly row: (item: T, index: number) => ComponentChildren;
  readonly handle?: { current: ListHandle | undefined };
  /** Rows in the page, told after each drawing; `direction` is where the reader is going. */
  readonly onShown?: (shown: ShownRows) => void;
  readonly isNumbered?: boolean;
  /** Height of what covers the top of the window. */
  readonly coveredPixels?: number;
}

export interface ShownRows {
  readonly first: number;
  readonly last: number;
  readonly direction: "up" | "down";
}

/** Drawn beyond the window on both sides, so that a quick scroll finds rows. */
const beyondPixels = 400;
/** Rows in the page at most, also in a very high window of very low rows. */
const rowsMax = 300;

interface Anchor {
  readonly item: object;
  readonly index: number;
  /** From the top of the window to the top of the row. */
  readonly pixels: number;
}

class ListState<T extends object> {
  host: HTMLElement | undefined;
  scroller: HTMLElement | undefined;
  items: readonly T[] = [];
  heights = new RowHeights(0, () => 0);
  measured = new WeakMap<object, number>();
  look = "";
  width = 0;
  lastTop = 0;
  direction: "up" | "down" = "down";

  /** Where the list begins, in the coordinates of `scrollTop`. */
  get top(): number {
    if (this.host === undefined || this.scroller === undefined) return 0;
    const { top } = this.host.getBoundingClientRect();
    return top - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop;
  }

  range(): { first: number; last: number } {
    const { scroller } = this;
    if (scroller === undefined || this.items.length === 0) return { first: 0, last: 50 };
    const from = scroller.scrollTop - this.top - beyondPixels;
    const first = this.heights.indexAt(from);
    const last = this.heights.indexAt(from + scroller.clientHeight + 2 * beyondPixels);
    return { first, last: Math.min(last, first + rowsMax) };
  }

  anchor(): Anchor | undefined {
    const { scroller } = this;
    if (scroller === undefined || this.items.length === 0) return undefined;
    const into = scroller.scrollTop - this.top;
    // While the beginning of the list is seen, it is the beginning that stays.
    if (into <= 0) return undefined;
    const index = this.heights.indexAt(into);
    return { item: this.items[index]!, index, pixels: this.heights.offsetOf(index) - into };
  }

  restore(anchor: Anchor | undefined): void {
    if (anchor === undefined || this.scroller === undefined) return;
    const { items } = this;
    const index =
      items[anchor.index] === anchor.item ? anchor.index : items.indexOf(anchor.item as T);
    if (index < 0) return;
    const wanted = this.top + this.heights.offsetOf(index) - anchor.pixels;
    if (Math.abs(wanted - this.scroller.scrollTop) >= 1) this.scroller.scrollTop = wanted;
    this.lastTop = this.scroller.scrollTop;
  }

  /** Takes the heights of the rows in the page; true when one was not as assumed. */
  measure(): boolean {
    let isChanged = false;
    for (const row of this.host?.querySelectorAll<HTMLElement>("[data-index]") ?? []) {
      const index = Number(row.dataset["index"]);
      const item = this.items[index];
      const height = row.getBoundingClientRect().height;
      if (item === undefined || height === 0) continue;
      this.measured.set(item, height);
      if (Math.abs(this.heights.heightOf(index) - height) < 0.5) continue;
      this.heights.set(index, height);
      isChanged = true;
    }
    return isChanged;
  }
}

function scrollerOf(element: HTMLElement): HTMLElement {
  for (let one = element.parentElement; one !== null; one = one.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  }
  return document.documentElement;
}

export function VirtualList<T extends object>(props: VirtualListProps<T>): JSX.Element {
  const { items, estimatePixels, look, row } = props;
  const host = useRef<HTMLOListElement>(null);
  const list = useRef<ListState<T>>(undefined);
  list.current ??= new ListState<T>();
  const state = list.current;
  const drawn = useSignal(0);
  const before = useRef<Anchor | undefined>(undefined);
  useMemo(() => {
    before.current = state.anchor();
    if (state.look !== look) state.measured = new WeakMap();
    state.look = look;
    state.items = items;
    const { measured } = state;
    state.heights = new RowHeights(
      items.length,
      (index) => measured.get(items[index]!) ?? estimatePixels,
    );
  }, [items, look]);
  void drawn.value;
  useLayoutEffect(() => {
    const anchor = before.current ?? state.anchor();
    before.current = undefined;
    const isChanged = state.measure();
    state.restore(anchor);
    if (isChanged) drawn.value++;
    props.onShown?.({ ...state.range(), direction: state.direction });
  });
  useScrolling(state, host, () => drawn.value++);
  useEffect(() => {
    if (props.handle !== undefined)
      props.handle.current = handleOf(state, props.coveredPixels ?? 0);
  }, [props.handle]);
  const { first, last } = state.range();
  const shown = items.slice(first, last + 1);
  return (
    <div class="virtual" style={{ height: `${state.heights.total}px` }}>
      <ol
        ref={host}
        class="virtual-rows"
        style={{
          transform: `translateY(${state.heights.offsetOf(Math.min(first, items.length))}px)`,
        }}
      >
        {shown.map((item, index) => row(item, first + index))}
      </ol>
    </div>
  );
}

/** Follows the scrolling ancestor, its size, and rows that change their height by themselves. */
function useScrolling<T extends object>(
  state: ListState<T>,
  host: { readonly current: HTMLElement | null },
  draw: () => void,
): void {
  useLayoutEffect(() => {
    const element = host.current!.parentElement!;
    const scroller = scrollerOf(element);
    state.host = element;
    state.scroller = scroller;
    state.width = element.clientWidth;
    const onScroll = (): void => {
      state.direction = scroller.scrollTop < state.lastTop ? "up" : "down";
      state.lastTop = scroller.scrollTop;
      draw();
    };
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== state.width) state.measured = new WeakMap();
      state.width = element.clientWidth;
      draw();
    });
    scroller.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(scroller);
    observer.observe(host.current!);
    draw();
    return () => {
      scroller.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  }, []);
}

function handleOf<T extends object>(state: ListState<T>, coveredPixels: number): ListHandle {
  return {
    show: (index, where) => {
      const { scroller, heights } = state;
      if (scroller === undefined || index < 0 || index >= heights.count) return;
      const from = state.top + heights.offsetOf(index);
      const to = from + heights.heightOf(index);
      const { clientHeight, scrollTop } = scroller;
      if (where === "center") {
        scroller.scrollTop = (from + to - clientHeight - coveredPixels) / 2;
      } else if (where === "end" || to > scrollTop + clientHeight) {
        scroller.scrollTop = to - clientHeight + 8;
      } else if (from < scrollTop + coveredPixels) {
        scroller.scrollTop = from - coveredPixels;
      }
    },
  };
}

import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { place } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { copy } from "../state/toasts.ts";
import { openContext } from "./context-place.ts";
import type { Entry } from "./entry.ts";
import { permalinkOf } from "./permalink.ts";
import type { ListHandle } from "./virtual-list.tsx";

interface RowKeys {
  readonly host: { readonly current: HTMLElement | null };
  readonly handle: { readonly current: ListHandle | undefined };
  readonly entries: () => readonly Entry[];
  readonly onToggle: (entry: Entry) => void;
}

/** Keys that walk over lines: j, k, o, c, y, G. The line they stand on, as a signal. */
export function useRowKeys({
  host,
  handle,
  entries,
  onToggle,
}: RowKeys): Signal<Entry | undefined> {
  const selected = useSignal<Entry | undefined>(undefined);
  const at = useRef(-1);
  const index = (): number => {
    const entry = selected.peek();
    if (entry === undefined) return -1;
    // Entries may have come before it.
    if (entries()[at.current] !== entry) at.current = entries().indexOf(entry);
    return at.current;
  };
  const go = (wanted: number): void => {
    const list = entries();
    if (list.length === 0) return;
    at.current = Math.max(0, Math.min(wanted, list.length - 1));
    selected.value = list[at.current];
    handle.current?.show(at.current, "nearest");
    requestAnimationFrame(() => {
      const row = host.current?.querySelector(`[data-index="${at.current}"] .line-fold`);
      if (row instanceof HTMLElement) row.focus({ preventScroll: true });
    });
  };
  const withSelected = (run: (entry: Entry) => void) => (): void => {
    const entry = selected.peek() ?? entries()[0];
    if (entry === undefined) return;
    if (selected.peek() === undefined) go(0);
    run(entry);
  };
  useShortcuts([
    { keys: "j", does: "Lines: the next one", run: () => go(index() + 1) },
    { keys: "k", does: "Lines: the one before", run: () => go(index() - 1) },
    { keys: "G", does: "Lines: the last one that is loaded", run: () => go(entries().length - 1) },
    { keys: "o", does: "Lines: unfold or fold", run: withSelected(onToggle) },
    {
      keys: "c",
      does: "Lines: what is around it",
      run: withSelected((entry) => openContext(entry)),
    },
    {
      keys: "y",
      does: "Lines: copy a link to it",
      run: withSelected((entry) => void copy(permalinkOf(entry, place.peek()), "Link copied")),
    },
  ]);
  return selected;
}

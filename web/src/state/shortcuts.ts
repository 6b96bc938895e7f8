// Keys that work wherever no text is being typed. A view registers its own while it is shown; `?` lists
// all of them.
import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface Shortcut {
  /** As `KeyboardEvent.key`, with `Ctrl+` before it; `g e` are two keys one after the other. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
}

const chordWithinMs = 1_000;
export const shortcuts: Signal<readonly Shortcut[]> = signal([]);
export const isHelpOpen: Signal<boolean> = signal(false);

/** Registers shortcuts while the component is shown. `list` must not change. */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
    shortcuts.value = [...shortcuts.value, ...list];
    return () => {
      shortcuts.value = shortcuts.value.filter((one) => !list.includes(one));
    };
  }, []);
}

let chord = "";
let chordAtMs = 0;

/** Listens for all shortcuts; call once. */
export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey || isTyping(event.target)) return;
    if (event.key === "Shift" || event.key === "Control") return;
    const key = event.ctrlKey ? `Ctrl+${event.key}` : event.key;
    const isChord = performance.now() - chordAtMs < chordWithinMs;
    const wanted = isChord && chord !== "" ? [`${chord} ${key}`, key] : [key];
    const found = wanted
      .map((keys) => shortcuts.value.findLast((one) => one.keys === keys))
      .find((one) => one !== undefined);
    chord = found === undefined ? key : "";
    chordAtMs = performance.now();
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog[open]") !== null) return true;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

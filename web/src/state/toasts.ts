// Short notes at the corner: "Copied". What went wrong with a query stands at the query, not here.
import { type Signal, signal } from "@preact/signals";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "note" | "failure";
}

const shownMs = 4_000;
/** Older ones go first. */
const toastsMax = 4;
let lastId = 0;

export const toasts: Signal<readonly Toast[]> = signal([]);

export function say(text: string, kind: Toast["kind"] = "note"): void {
  const id = ++lastId;
  toasts.value = [...toasts.value, { id, text, kind }].slice(-toastsMax);
  setTimeout(() => dismiss(id), kind === "note" ? shownMs : shownMs * 2);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Puts a text on the clipboard and says so. */
export async function copy(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(what);
  } catch {
    copyBySelection(text, what);
  }
}

/** Pages that come without TLS from another machine have no clipboard but this. */
function copyBySelection(text: string, what: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (isCopied) say(what);
  else say("The browser does not let this page copy; select the text instead", "failure");
}

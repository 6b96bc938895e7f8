// Everything a view shows is in the address: `#/explore?q=…&from=now-1h`. What a user does (runs a
// query, opens a line) makes a step that "back" undoes; what only refines the look replaces the step.
import { computed, type ReadonlySignal, signal } from "@preact/signals";

export interface Place {
  /** First part of the path: `explore`. */
  readonly view: string;
  readonly parameters: URLSearchParams;
}

export function parseHash(hash: string): Place {
  const [path, query] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  return { view: path === "" ? "explore" : path, parameters: new URLSearchParams(query) };
}

export function formatHash({ view, parameters }: Place): string {
  const query = parameters.toString();
  return `#/${view}${query === "" ? "" : `?${query}`}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

const current = signal<Place>(parseHash(globalThis.location?.hash ?? ""));

/** Where the page is now. */
export const place: ReadonlySignal<Place> = current;

const visits = signal(0);

/** Grows when the user wants new data: opens a view, steps back, runs again. */
export const visit: ReadonlySignal<number> = visits;

export function askAgain(): void {
  visits.value++;
}

/** Follows the browser's back and forward; call once. */
export function followAddress(): void {
  addEventListener("popstate", () => {
    current.value = parseHash(location.hash);
    askAgain();
  });
}

export type Changes = Readonly<Record<string, string | undefined>>;

/**
 * Changes parameters of this view; undefined and "" remove one. `push` makes a step of its own,
 * `replace` changes the current one.
 */
export function change(changes: Changes, step: "push" | "replace"): void {
  const parameters = new URLSearchParams(current.value.parameters);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") parameters.delete(name);
    else parameters.set(name, value);
  }
  go({ view: current.value.view, parameters }, step);
}

/** The address of a view, for links; keeps the tenant. */
export function addressOf(view: string, parameters: Changes = {}): string {
  return formatHash({ view, parameters: withTenant(parameters) });
}

/** Opens a view with just these parameters, and asks for its data. */
export function open(view: string, parameters: Changes = {}): void {
  go({ view, parameters: withTenant(parameters) }, "push");
  askAgain();
}

function withTenant(parameters: Changes): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") result.set(name, value);
  }
  const tenant = current.value.parameters.get("tenant");
  if (tenant !== null && !result.has("tenant")) result.set("tenant", tenant);
  return result;
}

function go(next: Place, step: "push" | "replace"): void {
  const hash = formatHash(next);
  if (hash === formatHash(current.value)) return;
  if (step === "push") history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  current.value = next;
}

/** One parameter of the address as a signal; `fallback` when it is missing. */
export function parameter(name: string, fallback = ""): ReadonlySignal<string> {
  return computed(() => current.value.parameters.get(name) ?? fallback);
}

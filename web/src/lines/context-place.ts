// The context of a line in the address, so that it can be linked, reloaded and left by "back".
import { change, formatHash, parameter, place } from "../state/location.ts";
import type { Entry } from "./entry.ts";
import { keyOf, selectorText } from "./entry-key.ts";

/** The key of the line whose context is shown; empty when none is. */
export const contextKey = parameter("context");
/** The labels of its stream, as a selector. */
export const contextStream = parameter("stream");

function changes(entry: Entry): { context: string; stream: string } {
  return { context: keyOf(entry), stream: selectorText(entry.labels) };
}

export function openContext(entry: Entry): void {
  change(changes(entry), "push");
}

export function closeContext(): void {
  change({ context: undefined, stream: undefined }, "push");
}

/** The address of this page with the context of another line. */
export function contextAddress(entry: Entry): string {
  const parameters = new URLSearchParams(place.value.parameters);
  for (const [name, value] of Object.entries(changes(entry))) parameters.set(name, value);
  return formatHash({ view: place.value.view, parameters });
}

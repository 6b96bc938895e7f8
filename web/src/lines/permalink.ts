// A link to one line: the query it was found by, a range that ends (or begins) with it, so that it is on
// the first page, and the key it is recognised by.
import { formatHash, type Place } from "../state/location.ts";
import { msOfNs } from "../state/format.ts";
import type { Entry } from "./entry.ts";
import { keyOf } from "./entry-key.ts";

/** How much of the time before the line is looked at. */
const reachMs = 3_600_000;

/** Absolute; `at` is where the page is. */
export function permalinkOf(entry: Entry, at: Place): string {
  const parameters = new URLSearchParams(at.parameters);
  for (const name of ["refresh", "panel", "context", "stream"]) parameters.delete(name);
  const ms = msOfNs(entry.timeNs);
  const isForward = parameters.get("dir") === "forward";
  parameters.set("from", String(isForward ? ms : ms - reachMs));
  parameters.set("to", String(isForward ? ms + reachMs : ms + 1));
  parameters.set("line", keyOf(entry));
  const url = new URL(location.href);
  url.hash = formatHash({ view: "explore", parameters });
  return url.href;
}

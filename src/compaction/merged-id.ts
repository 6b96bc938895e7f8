import { createHash } from "node:crypto";

/** Of an id: the part that orders segments (docs/formats/segment.md). */
const orderDigits = 15;
const idDigits = 28;

/**
 * The id of what these segments become, the same whenever it is asked: a merge that is tried again overwrites what the
 * try before may have put. It has the place of the newest input in the order of segments, so that entries of equal time
 * keep their order of arrival; the rest is a hash of all ids, and of what was erased on the way. `inputs` in order,
 * at least one.
 */
export function mergedId(
  inputs: readonly string[],
  replaces: readonly string[],
  erased: readonly string[] = [],
): string {
  const hash = createHash("sha256").update([...inputs, "", ...replaces, ...erased].join(" "));
  const order = inputs.at(-1)!.slice(0, orderDigits);
  return order + hash.digest("hex").slice(0, idDigits - orderDigits);
}

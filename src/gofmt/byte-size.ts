/**
 * Sizes as people write them, `5 MB`, `1.5GiB`, `1,000 KB`, `42`, as the Go package `go-humanize`
 * reads them (https://pkg.go.dev/github.com/dustin/go-humanize#ParseBytes). Units with an `i` count
 * in powers of 1024, the others in powers of 1000.
 */

import { parseGoFloat } from "./number.ts";
import { GoParseError } from "./parse-error.ts";

const unitNames = ["", "k", "m", "g", "t", "p", "e"];

function unitTable(): ReadonlyMap<string, number> {
  const table = new Map<string, number>([
    ["", 1],
    ["b", 1],
  ]);
  for (const [power, name] of unitNames.entries()) {
    if (name === "") continue;
    table.set(name, 1000 ** power);
    table.set(`${name}b`, 1000 ** power);
    table.set(`${name}i`, 1024 ** power);
    table.set(`${name}ib`, 1024 ** power);
  }
  return table;
}

const bytesPerUnit = unitTable();
const numberPart = /^[\p{Nd}.,]*/u;
/** Sizes are uint64. */
const sizeLimit = 2 ** 64;

/** Bytes, a whole number. Throws GoParseError with the words of strconv or go-humanize. */
export function parseHumanBytes(text: string): number {
  const number = numberPart.exec(text)?.[0] ?? "";
  const value = parseGoFloat(number.replaceAll(",", ""));
  const unit = text.slice(number.length).trim().toLowerCase();
  const unitBytes = bytesPerUnit.get(unit);
  if (unitBytes === undefined) throw new GoParseError(`unhandled size name: ${unit}`);
  const size = value * unitBytes;
  if (size >= sizeLimit) throw new GoParseError(`too large: ${text}`);
  return Math.trunc(size);
}

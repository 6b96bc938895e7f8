/** Text that Go would not read as a number, duration, size or time. The message is Go's own. */
export class GoParseError extends Error {}

/** How `strconv` words its complaints: `strconv.ParseFloat: parsing "x": invalid syntax`. */
export function strconvError(
  fault: { readonly function: string; readonly reason: string },
  quotedText: string,
): GoParseError {
  return new GoParseError(`strconv.${fault.function}: parsing ${quotedText}: ${fault.reason}`);
}

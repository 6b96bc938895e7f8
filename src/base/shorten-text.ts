/**
 * A text for people that is no longer than `lengthMax` UTF-16 units: of a longer one the beginning
 * and the end stay, as the end of an error often has its reason. Never half a character.
 */
export function shortenText(text: string, { lengthMax }: { readonly lengthMax: number }): string {
  if (text.length <= lengthMax) return text;
  const mark = ` … ${text.length} characters … `;
  const kept = Math.max(0, lengthMax - mark.length);
  const tail = Math.floor(kept / 4);
  let end = kept - tail;
  let from = text.length - tail;
  if (isLow(text, end)) end--;
  if (isLow(text, from)) from++;
  return `${text.slice(0, end)}${mark}${text.slice(from)}`;
}

/** The second half of a character that takes two units. */
function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Keys that Loki itself has dropped, and what to write today. */
const texts: ReadonlyMap<string, string> = new Map([]);

export function goneKeyText(path: string): string {
  const text = texts.get(path) ?? "newer versions of Loki do not have this key either";
  return `${text}; ignored`;
}

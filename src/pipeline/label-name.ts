/**
 * A key as a label name: letters, digits and `_` stay, every other character becomes `_`. At the
 * start of a name a digit gets a `_` in front. Empty when the key is blank.
 */
export function labelNameOf(key: string, options: { isStart: boolean }): string {
  const trimmed = key.trim();
  const name = trimmed.replace(/[^a-zA-Z0-9_]/gu, "_");
  return options.isStart && /^[0-9]/.test(name) ? `_${name}` : name;
}

import { StoreError } from "#base";

/** S3's limit; the other stores allow at least as much. */
export const keyBytesMax = 1024;
/** The longest name of a file on the usual file systems. */
export const keyPartBytesMax = 255;
/** The first key part under which stores on a disk keep their own files. */
export const reservedKeyPart = ".skald-tmp";

const printable = /^[\x20-\x7e]+$/;

/**
 * Why this is no key, or undefined when it is one. Keys may come from data, so they are checked.
 */
function keyFault(key: string): string | undefined {
  if (key.length === 0) return "empty";
  if (key.length > keyBytesMax) return `${key.length} bytes, at most ${keyBytesMax}`;
  if (!printable.test(key)) return "not printable ASCII";
  const parts = key.split("/");
  for (const part of parts) {
    if (part === "") return "an empty part";
    if (part === "." || part === "..") return `a part '${part}'`;
    if (part.length > keyPartBytesMax) return `a part of ${part.length} bytes`;
  }
  if (parts[0] === reservedKeyPart) return `the part '${reservedKeyPart}' is reserved`;
  return undefined;
}

export function isKey(key: string): boolean {
  return keyFault(key) === undefined;
}

/** Throws `denied` for what is not a key: it must never reach a path or a URL. */
export function checkKey(key: string): void {
  const fault = keyFault(key);
  if (fault === undefined) return;
  const shown = JSON.stringify(key.slice(0, 100));
  throw new StoreError("denied", `object key ${shown}: ${fault}`);
}

/** A prefix is empty, or the beginning of a key. */
export function checkPrefix(prefix: string): void {
  if (prefix === "") return;
  checkKey(prefix.endsWith("/") ? `${prefix}x` : prefix);
}

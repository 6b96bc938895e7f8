/**
 * Names of structured metadata as labels (Prometheus' otlptranslator, label names without UTF-8):
 * other characters than [a-zA-Z0-9_] become `_`, runs of `_` become one, a leading digit gets `key_`
 * in front; `__x__` keeps its double underscores. Undefined for a name with nothing left.
 */
export function metadataNameOf(name: string): string | undefined {
  const isReserved = name.length > 4 && name.startsWith("__") && name.endsWith("__");
  const inner = isReserved ? name.slice(2, -2) : name;
  let normal = inner.replace(/[^a-zA-Z0-9_]/gu, "_").replace(/__+/g, "_");
  if (isReserved) normal = `__${normal}__`;
  if (/^[0-9]/.test(normal)) normal = `key_${normal}`;
  return /^_*$/.test(normal) ? undefined : normal;
}

/** Whether `metadataNameOf` would keep bytes[from, to) as they are; false negatives only cost time. */
export function isPlainName(bytes: Uint8Array, from: number, to: number): boolean {
  if (from === to || isDigit(bytes[from]!)) return false;
  let previous = 0;
  let hasOther = false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === underscore) {
      if (previous === underscore) return false;
    } else {
      if (!isLetter(byte) && !isDigit(byte)) return false;
      hasOther = true;
    }
    previous = byte;
  }
  return hasOther;
}

const underscore = 0x5f;

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

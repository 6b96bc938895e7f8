import { LruMap, RequestError } from "#base";

/**
 * Names of structured metadata and of OpenTelemetry attributes as labels (Prometheus'
 * otlptranslator, label names without UTF-8): other characters than [a-zA-Z0-9_] become `_`, runs
 * of `_` become one, a leading digit gets `key_` in front; `__x__` keeps its double underscores. A
 * name with nothing left is refused.
 */
export function isPlainName(bytes: Buffer, from: number, to: number): boolean {
  if (from === to) return false;
  let previous = 0;
  let solid = false;
  for (let i = from; i < to; i++) {
    const kind = nameBytes[bytes[i]!]!;
    if (kind === 0) return false;
    if (kind === underscoreKind) {
      if (previous === underscoreKind) return false;
    } else {
      solid = true;
    }
    previous = kind;
  }
  return solid && nameBytes[bytes[from]!] !== digitKind;
}

const letterKind = 1;
const digitKind = 2;
const underscoreKind = 3;
const nameBytes = new Uint8Array(256);
for (let i = 0; i < 26; i++) nameBytes[0x41 + i] = nameBytes[0x61 + i] = letterKind;
for (let i = 0; i < 10; i++) nameBytes[0x30 + i] = digitKind;
nameBytes[0x5f] = underscoreKind;

/** Distinct names in use are few; those of a hostile client must not fill memory. */
const cache = new LruMap<string, string>({
  name: "metadata_names",
  weightMax: 512 * 1024,
  weigh: (value, key) => value.length + key.length + 32,
});

/** RequestError 500, as Loki, for a name with nothing left. */
export function labelNameOf(name: string): string {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const normal = normalise(name);
  cache.set(name, normal);
  return normal;
}

function normalise(name: string): string {
  if (name === "") throw new RequestError(500, "label name is empty");
  const reserved = name.length > 4 && name.startsWith("__") && name.endsWith("__");
  const inner = reserved ? name.slice(2, -2) : name;
  let normal = inner.replace(/[^a-zA-Z0-9_]/gu, "_").replace(/__+/g, "_");
  if (reserved) normal = `__${normal}__`;
  if (/^[0-9]/.test(normal)) normal = `key_${normal}`;
  if (/^_*$/.test(normal)) {
    throw new RequestError(
      500,
      `normalization for label name ${JSON.stringify(name)} resulted in invalid name "${normal}"`,
    );
  }
  return normal;
}

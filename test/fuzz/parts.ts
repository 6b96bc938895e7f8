/**
 * Several byte strings as one input: what the decoder gets apart, the fuzzer changes together. A
 * marker between them, rather than lengths before, survives most changes.
 */
const marker = Buffer.from("#part#");

export function joinParts(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [marker, part])));
}

/** At least one, at most `countMax`. */
export function splitParts(input: Buffer, countMax: number): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  while (parts.length + 1 < countMax) {
    const at = input.indexOf(marker, from);
    if (at < 0) break;
    parts.push(input.subarray(from, at));
    from = at + marker.length;
  }
  parts.push(input.subarray(from));
  return parts;
}

/** Orders strings as their UTF-8 bytes; `<` orders UTF-16 units, which differs beyond U+D7FF. */
export function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const l = left.charCodeAt(i);
    const r = right.charCodeAt(i);
    if (l === r) continue;
    // Surrogates stand for code points above all others.
    const isLeftSurrogate = (l & 0xf800) === 0xd800;
    const isRightSurrogate = (r & 0xf800) === 0xd800;
    if (isLeftSurrogate !== isRightSurrogate) return isLeftSurrogate ? 1 : -1;
    return l - r;
  }
  return left.length - right.length;
}

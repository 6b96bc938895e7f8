/**
 * Which values a block's metadata has, as keys of a set. Part of the format
 * (docs/formats/segment.md).
 */
import { hashBytes } from "#columns";
import type { MetadataColumnBuilder } from "./metadata-columns.ts";

export const valueKeyBits = 22;

/** Key of one name and value. */
export function valueKey(name: Uint8Array, value: Uint8Array): number {
  return keyOf(nameSeed(name), value, 0, value.length);
}

function nameSeed(name: Uint8Array): number {
  return hashBytes(name, 0, name.length, 0);
}

function keyOf(seed: number, bytes: Uint8Array, from: number, to: number): number {
  return hashBytes(bytes, from, to, seed) >>> (32 - valueKeyBits);
}

/** Of all columns of a block: ascending, distinct. */
export function valueKeysOf(columns: readonly MetadataColumnBuilder[]): Uint32Array {
  const keys = new Uint32Array(columns.reduce((sum, column) => sum + column.valueCount, 0));
  let count = 0;
  for (const column of columns) {
    const seed = nameSeed(column.name);
    for (let i = 0; i < column.valueCount; i++) {
      keys[count++] = keyOf(seed, column.valueBytes, column.valueFrom(i), column.ends[i]!);
    }
  }
  keys.sort();
  let distinct = 0;
  for (const key of keys) if (distinct === 0 || keys[distinct - 1] !== key) keys[distinct++] = key;
  return keys.slice(0, distinct);
}

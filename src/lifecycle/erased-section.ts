/**
 * What delete requests took out of a segment, kept in the segment itself (docs/formats/segment.md):
 * so the count changes with the rows, in one put. Merging adds sections up.
 */
import { StoreError } from "#base";
import type { ErasedCount } from "./delete-request.ts";

export const erasedSectionKind = 161;

/**
 * Requests told of in one segment; those that sort first go, for they are only told of until they
 * are finished.
 */
const requestsMax = 4_096;

export type ErasedCounts = Map<string, ErasedCount>;

export function addErased(counts: ErasedCounts, id: string, { lines, bytes }: ErasedCount): void {
  const known = counts.get(id);
  counts.set(id, { lines: (known?.lines ?? 0) + lines, bytes: (known?.bytes ?? 0) + bytes });
}

export function encodeErased(counts: ErasedCounts): Buffer {
  const entries = [...counts].filter(([, { lines }]) => lines > 0).slice(-requestsMax);
  return Buffer.from(JSON.stringify(Object.fromEntries(entries)));
}

/** StoreError `corrupt` when it is no such section. */
export function decodeErased(section: Buffer): ErasedCounts {
  const counts: ErasedCounts = new Map();
  let read: unknown;
  try {
    read = JSON.parse(section.toString("utf8"));
  } catch {
    throw new StoreError("corrupt", `erased section: ${section.length} bytes that are no JSON`);
  }
  for (const [id, count] of Object.entries(read ?? {})) {
    const { lines, bytes } = (count ?? {}) as Partial<ErasedCount>;
    if (!Number.isSafeInteger(lines) || !Number.isSafeInteger(bytes)) {
      throw new StoreError("corrupt", `erased section: ${id} has no lines or bytes`);
    }
    addErased(counts, id, { lines: lines!, bytes: bytes! });
  }
  return counts;
}

export function mergeErasedSections(sections: readonly Buffer[]): Buffer {
  const sum: ErasedCounts = new Map();
  for (const section of sections) {
    for (const [id, count] of decodeErased(section)) addErased(sum, id, count);
  }
  return encodeErased(sum);
}

/**
 * Sections that other rooms give a segment along: kinds from 128 on, opaque here, stored before the
 * footer so that reading the footer costs no more for them. Layout: docs/formats/segment.md.
 */
import assert from "node:assert";
import type { ObjectStore } from "#objectstore";
import type { ReadOptions } from "#storage";
import { corrupt } from "./byte-reader.ts";
import { packPart, unpackPart } from "./compression.ts";
import { optionalSectionsFrom, type SectionFacts, type SegmentFooter } from "./footer.ts";
import { rawBytesMax } from "./limits.ts";

/** At most one of a kind in a segment. */
export interface ExtraSection {
  /** From 128 on; docs/formats/segment.md lists who uses which. */
  readonly kind: number;
  readonly bytes: Buffer;
}

export interface PlacedSections {
  readonly parts: readonly Buffer[];
  readonly sections: readonly SectionFacts[];
}

/** Compresses sections and gives them their places, the first at `offset`. */
export async function placeSections(
  extra: readonly ExtraSection[],
  options: { readonly offset: number; readonly level: number },
): Promise<PlacedSections> {
  const parts: Buffer[] = [];
  const sections: SectionFacts[] = [];
  let { offset } = options;
  for (const { kind, bytes } of extra) {
    assert(kind >= optionalSectionsFrom && kind < 0x10000, `extra section of kind ${kind}`);
    assert(!sections.some((other) => other.kind === kind), `two sections of kind ${kind}`);
    assert(bytes.length <= rawBytesMax, `extra section ${kind} of ${bytes.length} bytes`);
    const { bytes: stored, ...part } = await packPart(bytes, options.level);
    parts.push(stored);
    sections.push({ ...part, kind, offset });
    offset += stored.length;
  }
  return { parts, sections };
}

/**
 * The raw bytes of a segment's section of this kind, undefined when it has none. StoreError as the
 * object store says, or `corrupt`.
 */
export async function readSection(
  footer: SegmentFooter,
  kind: number,
  from: { readonly objects: ObjectStore; readonly options: ReadOptions },
): Promise<Buffer | undefined> {
  const section = footer.sections.find((one) => one.kind === kind);
  if (section === undefined) return undefined;
  const { name, bodyBytes } = footer;
  const { offset, storedBytes, rawBytes } = section;
  const origin = { key: name, offset, part: `section ${kind}` };
  const to = offset + storedBytes;
  if (to > bodyBytes) throw corrupt(origin, `ends at ${to}, behind the body of ${bodyBytes}`);
  const { objects, options } = from;
  const { signal, counters } = options;
  counters.getRequests++;
  const stored = await objects.get(name, { range: { from: offset, to }, signal });
  counters.fetchedBytes += stored.length;
  counters.decompressedBytes += rawBytes;
  return unpackPart(stored, section, origin);
}

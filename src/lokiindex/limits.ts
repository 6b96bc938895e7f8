import { MiB } from "#base";
import type { IndexVersion } from "./tables.ts";

/** First four bytes of every index file. */
export const indexMagicNumber = 0xbaaad700;

/** Of the magic and the version. */
export const headerBytes = 5;

/** Of the table of contents at the end of the file. */
export const tocBytes = 76;

/** Records of series start on multiples of this; a reference is an offset divided by it. */
export const seriesAlignBytes = 16;

/** Label indices and postings start on multiples of this. */
export const sectionAlignBytes = 4;

/** A reference has 32 bits. */
export const fileBytesMax: number = 2 ** 32 * seriesAlignBytes;

/** Every how many series the table of fingerprints has an entry. */
export const fingerprintSampleStep = 1024;

/** Chunks of one page marker. */
export const pageChunks = 16;

/** Sums of a page have 32 bits; what is more is written as this. */
export const pageSumMax = 0xffffffff;

/** Series with fewer chunks are walked, not jumped into; what Loki does, too. */
export const markedChunksMin = 64;

/** Of a label's name or value; a push takes a few KiB. A longer one could not become a string. */
export const textBytesMax: number = 16 * MiB;

/** Every series of a multi-tenant file carries its tenant under this name. */
export const tenantLabel = "__loki_tenant__";

/**
 * More labels on one series than any push accepts by far; a file that says more is damaged or made
 * to exhaust us.
 */
export const labelsOfSeriesMax = 4096;

/** Which version of the file a schema's tables are written in. */
export function indexVersionOfSchema(schema: string): IndexVersion {
  if (schema === "v13") return 3;
  return Number(schema.slice(1)) >= 14 ? 4 : 2;
}

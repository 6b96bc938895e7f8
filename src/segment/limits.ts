import { KiB, MiB } from "#base";

/**
 * Bounds and sizes of the native segment. The reader refuses what is beyond them before it
 * allocates anything, so that a damaged or hostile object costs an error and not the memory.
 */

/** First and last eight bytes of every segment. */
export const segmentMagic: Buffer = Buffer.from("SKALDSG1", "latin1");

/**
 * Readers refuse segments of a higher version; additions that old readers may ignore do not raise
 * it.
 */
export const segmentVersion = 1;

export const trailerBytes = 32;
export const sectionEntryBytes = 24;

/** Five sections today; room for filters, and for what comes. */
export const sectionCountMax = 64;

/** Raw bytes of one column or section: far above any block, far below the heap. */
export const rawBytesMax: number = 256 * MiB;

/** A footer is read with one GET and kept in memory: one million thin streams stay below this. */
export const footerBytesMax: number = 512 * MiB;

/** Rows of a block: a million empty lines must not become a block of a million rows. */
export const blockRowsMax: number = 128 * 1024;

/**
 * Line bytes (with newlines) a fresh block aims at: small enough to skip, large enough to compress.
 */
export const blockTargetBytesDefault: number = MiB;

/** Streams with less than this in a segment share blocks. */
export const thinStreamBytesDefault: number = 64 * KiB;

/** Distinct metadata bytes after which a block is cut. */
export const blockMetadataBytesMax: number = 4 * MiB;

/**
 * Rows times metadata columns after which a block is cut: bounds the ids a reader must decode (16
 * MiB).
 */
export const blockMetadataCellsMax: number = 4 * 1024 * 1024;

/** Streams of one segment. */
export const segmentStreamsMax: number = 1024 * 1024;

/** Entries of any one table of the footer. */
export const tableEntriesMax: number = 32 * 1024 * 1024;

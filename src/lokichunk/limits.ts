/** Bounds of this room. What a chunk claims is never believed beyond them. */
import { KiB, MiB } from "#base";

/**
 * A block after decompression. Loki cuts blocks at `chunk_block_size` (256 KiB by default) plus one
 * line, and reads lines below 1 GiB; a block beyond this is a bomb or cannot be served anyway.
 */
export const blockRawBytesMax: number = 128 * MiB;

/** The symbols of a chunk after decompression: a chunk of 1.5 MiB has a few MiB at most. */
export const symbolRawBytesMax: number = 64 * MiB;

/** The JSON header: label sets are limited to some dozens of labels of some KiB. */
export const headerRawBytesMax: number = 16 * MiB;

/**
 * Cells (rows × names) of the metadata of one block. Ids are dense by column, so that a hostile
 * block with a name per row must not make gigabytes of them; 32 Mi cells are 128 MiB.
 */
export const metadataCellsMax: number = 32 * 1024 * 1024;

/** Rows of a block are sorted and kept as distances in doubles, exact below this. */
export const blockSpanNsMax: number = 2 ** 53;

/** Memory taken at first for a stream whose raw size is only guessed. */
export const firstOutputBytesMax: number = 4 * MiB;
export const firstOutputBytesMin: number = 4 * KiB;

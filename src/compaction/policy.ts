import { hour, MiB, minute } from "#base";

/** When which segments are merged, and what a merge may take. */
export interface CompactionPolicy {
  /** No merged segment is stored larger: a fifth of it (all, without a disk) is in memory until it is put. */
  readonly segmentBytesMax: number;
  /** Smaller segments count as this much: what an object costs whatever its size. */
  readonly segmentBytesMin: number;
  /** Segments merged at once: each holds a few blocks in memory. */
  readonly inputsMax: number;
  /** Segments of a day that still fills are merged from this many on. */
  readonly inputsMin: number;
  /** A day fills until this long after its end: about the age at which the ingester cuts what it holds. */
  readonly lateMs: number;
  /** How long replaced segments stay for the queries that have planned to read them. */
  readonly deleteDelayMs: number;
  /** Line bytes of one merged segment, so that a merge ends in minutes whatever the lines shrink to. */
  readonly lineBytesMax: number;
  /** Streams of all inputs together: their labels are in memory. */
  readonly streamsMax: number;
  /** zstd level. */
  readonly level: number;
  readonly blockTargetBytes: number;
  /** Line bytes merged per second at most, so that ingest and queries keep the machine. */
  readonly bytesPerSecond: number;
}

export const defaultCompactionPolicy: CompactionPolicy = {
  segmentBytesMax: 128 * MiB,
  segmentBytesMin: MiB,
  inputsMax: 16,
  inputsMin: 4,
  lateMs: 2 * hour,
  deleteDelayMs: 10 * minute,
  lineBytesMax: 2048 * MiB,
  streamsMax: 256 * 1024,
  level: 9,
  blockTargetBytes: MiB,
  bytesPerSecond: 16 * MiB,
};

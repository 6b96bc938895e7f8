/** What is not deterministic, behind interfaces. */
export type { Clock } from "./clock.ts";
export type { FileHandle, FileInfo, Files, OpenOptions } from "./files.ts";
export { type Random, seededRandom, systemRandom } from "./random.ts";

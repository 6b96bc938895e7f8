/** What is not deterministic, behind interfaces. */
export { BackgroundTasks, type TaskFailure } from "./background-tasks.ts";
export type { Clock } from "./clock.ts";
export { compareBytes } from "./compare-bytes.ts";
export type { FileHandle, FileInfo, Files, OpenOptions } from "./files.ts";
export { makeDurableFolder } from "./make-durable-folder.ts";
export { ManualClock } from "./manual-clock.ts";
export { Newcomers } from "./newcomers.ts";
export { nextTurn } from "./next-turn.ts";
export { type ProcessMemory, systemProcessMemory } from "./process-memory.ts";
export { type Random, seededRandom, systemRandom } from "./random.ts";
export { serveThread, type ThreadResult } from "./serve-thread.ts";
export {
  type DiskFault,
  type DiskOperation,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from "./simulated-disk.ts";
export { sleepUnlessAborted } from "./sleep-unless-aborted.ts";
export { systemClock } from "./system-clock.ts";
export { systemFiles } from "./system-files.ts";
export { ThreadPool, type ThreadPoolOptions } from "./thread-pool.ts";

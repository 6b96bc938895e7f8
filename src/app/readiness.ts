/** What `/ready` says: why not, or what the operator should know although requests are served. */
import { MiB } from "#base";

/**
 * `draining`: everything is served, but who asks `/ready` is told to send nothing more; `stopping`:
 * only what is under way is finished.
 */
export type ProcessState = "starting" | "running" | "draining" | "stopping" | "stopped";

const reasons: Readonly<Record<Exclude<ProcessState, "running">, string>> = {
  starting: "Skald is starting: the journal is replayed",
  draining: "Skald is draining: it stops soon and is still serving",
  stopping: "Skald is stopping: requests under way are finished",
  stopped: "Skald is stopped",
};

/** Undefined when ready. */
export function notReadyReason(state: ProcessState): string | undefined {
  return state === "running" ? undefined : reasons[state];
}

/** For `/services`, in Loki's words. */
export function serviceState(state: ProcessState): string {
  const names = {
    starting: "Starting",
    running: "Running",
    draining: "Running",
    stopping: "Stopping",
    stopped: "Terminated",
  };
  return names[state];
}

/** The head is at its limit when the object store takes nothing for long: pushes get 503. */
export function headTrouble(heldBytes: number, bytesMax: number): readonly string[] {
  if (heldBytes < bytesMax) return [];
  const held = Math.round(heldBytes / MiB);
  return [`memory for entries not yet stored is full (${held} MiB): pushes are refused with 503`];
}

import type { SizeReason } from "./size-decision.ts";

/** What retention takes, when and why. */
export interface RetentionItem {
  readonly tenant: string;
  /** Name of the object store. */
  readonly store: string;
  /** Its key; of chunks in Loki's format how many, and of which time. */
  readonly object: string;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly storedBytes: number;
  readonly action: "drop" | "rewrite";
  readonly reason: "age" | SizeReason;
  /** Not before; wall clock. */
  readonly dueMs: number;
}

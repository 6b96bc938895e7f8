/** Durable append log: what was acknowledged survives. */
export type { Journal, JournalDamage, JournalRecord } from "./journal.ts";

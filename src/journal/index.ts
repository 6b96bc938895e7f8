/** Durable append log: what was acknowledged survives. */
export type { Journal, JournalDamage, JournalRecord } from "./journal.ts";
export {
  type JournalCommit,
  type LocalJournalOptions,
  openLocalJournal,
  recordBytesMax,
} from "./local-journal.ts";

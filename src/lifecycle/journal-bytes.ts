import type { Head } from "#ingest";
import type { Journal } from "#journal";

/** The journal's side: entries are in it until they are in a segment and their file is freed. */
export interface JournalBytes {
  readonly id: string;
  readonly lastSequence: number;
  readonly firstSequence: number;
  /** Frees what no entry of the head needs. */
  free(): Promise<void>;
}

/** The journal of a head, as deletes see it; what is free follows from what the head still needs. */
export function journalBytesOf(parts: {
  readonly journal: Journal;
  readonly head: Pick<Head, "neededFromSequence">;
}): JournalBytes {
  const { journal, head } = parts;
  return {
    id: journal.id,
    get lastSequence() {
      return journal.lastSequence;
    },
    get firstSequence() {
      return journal.firstSequence;
    },
    free: async () => {
      await journal.endFile();
      await journal.truncate(head.neededFromSequence());
    },
  };
}

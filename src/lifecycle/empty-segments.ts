/**
 * A segment whose rows were all erased stays for a while without rows: it keeps journal records
 * from being replayed, and what it replaced from coming back. Here it goes.
 */
import { day } from "#base";
import { type ListedSegment, SegmentSource } from "#segment";
import type { Clock } from "#world";
import type { JournalBytes } from "./journal-bytes.ts";
import type { NativeStore } from "./native-eraser.ts";

/**
 * The magic and a section or two; anything with a block in it is larger or is looked into in vain.
 */
const bodyBytesMax = 64 * 1024;

/**
 * A journal of another process is taken to be past records of this age: its parts are cut after
 * hours.
 */
const foreignJournalAgeMs: number = 7 * day;

export async function dropEmptySegments(
  store: NativeStore,
  tenant: string,
  given: {
    readonly journal: Pick<JournalBytes, "id" | "firstSequence">;
    readonly clock: Clock;
    /** Looked into before and not empty. */
    readonly notEmpty: Set<string>;
  },
): Promise<void> {
  const { journal, clock, notEmpty } = given;
  for (const segment of await store.compactor.live(tenant)) {
    if (segment.replacesCount === 0 || segment.bodyBytes > bodyBytesMax) continue;
    if (segment.minNs !== segment.maxNs || notEmpty.has(segment.key)) continue;
    const { footer } = await SegmentSource.open(store.objects, segment);
    if (footer.info.entryCount > 0) {
      notEmpty.add(segment.key);
      continue;
    }
    const isOld = clock.nowMs() - madeMs(segment) > foreignJournalAgeMs;
    const isPassed = footer.info.journal.every(({ journalId, toSequence }) =>
      journalId === journal.id ? journal.firstSequence >= toSequence : isOld,
    );
    if (isPassed) await store.compactor.drop(segment);
  }
}

/** Ids begin with the milliseconds of the newest segment that went into this one. */
function madeMs({ id }: ListedSegment): number {
  return Number.parseInt(id.slice(0, 12), 16);
}

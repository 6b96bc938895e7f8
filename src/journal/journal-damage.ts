import type { FileHeader } from "./journal-format.ts";
import type { JournalDamage } from "./journal.ts";
import type { ScannedDamage, ScanSummary } from "./scan-file.ts";

/** More than this is not listed any more: a disk that fails everywhere must not fill memory. */
export const damageCountMax = 1_000;

/**
 * Up to which record a file's content was certainly acknowledged. A run makes its next file only
 * when all before is durable; the last file of a run may end in a batch that never was.
 */
export function durableSequenceOf(
  file: { readonly header: FileHeader; readonly summary: ScanSummary },
  next: FileHeader | undefined,
): number {
  const isFinished = next !== undefined && next.runId === file.header.runId;
  return isFinished ? next.followsSequence : file.summary.durableSequence;
}

export function damageKind(damage: ScannedDamage, durableSequence: number): JournalDamage["kind"] {
  return damage.afterSequence < durableSequence ? "corrupt" : "torn-tail";
}

/** Damage found so far, each place once although files are read more than once. */
export class DamageList {
  readonly #items: JournalDamage[] = [];
  readonly #places = new Set<string>();

  get items(): readonly JournalDamage[] {
    return this.#items;
  }

  add(damage: JournalDamage): void {
    const place = `${damage.file}:${damage.offset}`;
    if (this.#places.has(place) || this.#items.length >= damageCountMax) return;
    this.#places.add(place);
    this.#items.push(damage);
  }
}

import { createHash } from "node:crypto";
import type { Compactor, ErasedRows, LeftOut, MergedSegment } from "#compaction";
import { dayOfNs, type TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import { type ListedSegment, SegmentSource, type SegmentStore } from "#segment";
import type { ErasedCount } from "./delete-request.ts";
import {
  addErased,
  decodeErased,
  encodeErased,
  type ErasedCounts,
  erasedSectionKind,
} from "./erased-section.ts";
import type { EraseJob, EraseOutcome, Eraser } from "./eraser.ts";
import { findHidden } from "./find-hidden.ts";
import { hiddenRows } from "./mask.ts";

/** One object store with native segments, and who changes them. */
export interface NativeStore {
  readonly objects: ObjectStore;
  readonly segments: SegmentStore;
  readonly compactor: Compactor;
}

/** Other stores note other things among what is leaving. */
const segmentSuffix = ".seg";

/**
 * Merges may move rows while they are searched for; after this many searches the next round goes
 * on.
 */
const searchesMax = 4;

/** Erases rows of native segments by rewriting the segments that hold one. */
export class NativeEraser implements Eraser {
  readonly name: string;
  readonly #store: NativeStore;

  constructor(store: NativeStore) {
    this.name = store.objects.name;
    this.#store = store;
  }

  async erase(job: EraseJob, signal: AbortSignal): Promise<EraseOutcome> {
    const problems = new Set<string>();
    const problem = (text: string): void => void problems.add(text);
    // What is put by others, or by an attempt that was thought to have failed, is searched, too.
    await this.#store.segments.refresh(job.tenant);
    for (let search = 0; search < searchesMax; search++) {
      problems.clear();
      const keys = await findHidden(this.#store.segments, job, { signal, problem });
      if (keys.size === 0) return { isClean: problems.size === 0, problems: [...problems] };
      const live = await this.#store.compactor.live(job.tenant);
      for (const segment of live) {
        if (!keys.has(segment.key)) continue;
        const outcome = await this.#rewrite(segment, job, signal);
        if (outcome !== undefined && "reason" in outcome) {
          problems.add(`${segment.key}: ${outcome.reason}`);
        }
      }
      if (problems.size > 0) break;
    }
    if (problems.size === 0) problems.add("segments changed while they were searched");
    return { isClean: false, problems: [...problems] };
  }

  #rewrite(
    segment: ListedSegment,
    { masks, ids }: EraseJob,
    signal: AbortSignal,
  ): Promise<MergedSegment | LeftOut | undefined> {
    return this.#store.compactor.rewrite(
      segment,
      {
        name: createHash("sha256").update(ids.join(" ")).digest("hex"),
        eraser: { hiddenRows: (block) => hiddenRows(block, masks) },
        // Patterns of lines that go may name what had to go.
        keepsSections: false,
        account: {
          kind: erasedSectionKind,
          write: (before, erasedBy) => accountOf(ids, before, erasedBy),
        },
      },
      signal,
    );
  }

  async erased({ tenant, ids, masks }: EraseJob): Promise<Map<string, ErasedCount>> {
    const sum: ErasedCounts = new Map();
    const wanted = new Set(ids);
    const isTouched = ({ day }: ListedSegment): boolean =>
      masks.some(({ range }) => day >= dayOfNs(range.fromNs) && day <= dayOfNs(range.toNs - 1n));
    const { objects, compactor } = this.#store;
    for (const segment of await compactor.live(tenant)) {
      // Only what was written in place of others tells of something.
      if (segment.replacesCount === 0 || !isTouched(segment)) continue;
      const source = await SegmentSource.open(objects, segment);
      const section = await source.section(erasedSectionKind, new AbortController().signal);
      if (section === undefined) continue;
      for (const [id, count] of decodeErased(section))
        if (wanted.has(id)) addErased(sum, id, count);
    }
    return sum;
  }

  async leaving(tenant: string, { fromNs, toNs }: TimeRange): Promise<string[]> {
    const { segments, compactor } = this.#store;
    const live = new Set((await compactor.live(tenant)).map(({ key }) => key));
    const all = await segments.segments(tenant);
    return all
      .filter(({ key, minNs, maxNs }) => !live.has(key) && minNs < toNs && maxNs >= fromNs)
      .map(({ key }) => key);
  }

  async areGone(objects: readonly string[], signal: AbortSignal): Promise<boolean> {
    for (const key of objects) {
      if (!key.endsWith(segmentSuffix)) continue;
      if ((await this.#store.objects.head(key, { signal })) !== undefined) return false;
    }
    return true;
  }
}

/** Marks begin with 1, requests with 0. */
function accountOf(
  ids: readonly string[],
  before: Buffer | undefined,
  erasedBy: ReadonlyMap<number, ErasedRows>,
): Buffer {
  const counts = before === undefined ? new Map() : decodeErased(before);
  for (const [mark, { entries, lineBytes }] of erasedBy) {
    addErased(counts, ids[mark - 1]!, { lines: entries, bytes: lineBytes });
  }
  return encodeErased(counts);
}

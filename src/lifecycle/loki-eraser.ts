/**
 * Erases rows of chunks in Loki's format. Every chunk that may hold one is read and, if it does,
 * written anew; the index then knows only the new one, and the old object goes after the delay.
 */
import { nsPerMs } from "#base";
import type { LokiChunkFacts, LokiCompactor, LokiVerdict } from "#lokistore";
import type { Block, LogStore } from "#storage";
import type { Clock } from "#world";
import type { ErasedCount } from "./delete-request.ts";
import { addErased, type ErasedCounts } from "./erased-section.ts";
import type { EraseJob, EraseOutcome, Eraser } from "./eraser.ts";
import { findHidden } from "./find-hidden.ts";
import { hiddenRows, type Mask, masksOfStream } from "./mask.ts";

export interface LokiErasing {
  readonly compactor: LokiCompactor;
  /** All periods in this format. */
  readonly stores: readonly LogStore[];
  readonly clock: Clock;
}

/** Names of objects would be many: what is noted is the time up to which chunks were marked. */
const marksPrefix = "loki-marks/";

/**
 * Counts of unfinished requests in memory; a restart in between loses those of what was erased
 * before.
 */
const requestsMax = 4_096;

export class LokiEraser implements Eraser {
  readonly name = "chunks of Loki's format";
  readonly #given: LokiErasing;
  readonly #counts: ErasedCounts = new Map();

  constructor(given: LokiErasing) {
    this.#given = given;
  }

  async erase(job: EraseJob, signal: AbortSignal): Promise<EraseOutcome> {
    const { compactor, stores } = this.#given;
    const problems = new Set<string>();
    const counted = new Set<string>();
    for (const { table, fromMs, toMs, tenants } of await compactor.tables()) {
      const isTouched = job.masks.some(
        ({ range }) => range.fromNs < nsOf(toMs) && range.toNs > nsOf(fromMs),
      );
      if (!isTouched || !tenants.includes(job.tenant)) continue;
      const decide = (chunk: LokiChunkFacts): LokiVerdict => this.#verdict(job, chunk, counted);
      await compactor.rewrite({ tenant: job.tenant, table }, decide, signal);
    }
    const left = new Set<string>();
    const problem = (text: string): void => void problems.add(text);
    for (const store of stores) {
      for (const source of await findHidden(store, job, { signal, problem })) left.add(source);
    }
    if (left.size > 0) problems.add(`rows are still found in ${[...left].slice(0, 3).join(", ")}`);
    return { isClean: problems.size === 0, problems: [...problems] };
  }

  /** A chunk that two tables list is written anew for each, and counted once. */
  #verdict(job: EraseJob, chunk: LokiChunkFacts, counted: Set<string>): LokiVerdict {
    const { labels, minMs, maxMs } = chunk;
    const times = { labels, minNs: nsOf(minMs), maxNs: nsOf(maxMs + 1) - 1n };
    const masks = masksOfStream(job.masks, times);
    if (masks.length === 0) return "keep";
    const ids = masks.map((mask) => job.ids[job.masks.indexOf(mask)]!);
    const name = `${labels.key} ${minMs} ${maxMs}`;
    return {
      keepRows: (block) => {
        const isFirst = !counted.has(name);
        counted.add(name);
        return keptRows(block, masks, (mask, bytes) => {
          if (isFirst) this.#count(ids[mask]!, { lines: 1, bytes });
        });
      },
    };
  }

  #count(id: string, count: ErasedCount): void {
    if (!this.#counts.has(id) && this.#counts.size >= requestsMax) this.#counts.clear();
    addErased(this.#counts, id, count);
  }

  async erased({ ids }: EraseJob): Promise<ErasedCounts> {
    const own = ids.flatMap((id): [string, ErasedCount][] => {
      const count = this.#counts.get(id);
      return count === undefined ? [] : [[id, count]];
    });
    return new Map(own);
  }

  async leaving(): Promise<string[]> {
    return [`${marksPrefix}${this.#given.clock.nowMs()}`];
  }

  async areGone(objects: readonly string[]): Promise<boolean> {
    const marks = objects.filter((object) => object.startsWith(marksPrefix));
    if (marks.length === 0) return true;
    const oldestMs = await this.#given.compactor.oldestMarkMs();
    if (oldestMs === undefined) return true;
    return marks.every((mark) => oldestMs > Number(mark.slice(marksPrefix.length)));
  }
}

function keptRows(
  block: Block,
  masks: readonly Mask[],
  gone: (mask: number, bytes: number) => void,
): Uint8Array {
  const keeps = new Uint8Array(block.rowCount).fill(1);
  const hidden = hiddenRows(block, masks);
  if (hidden === undefined) return keeps;
  const lines = block.lines!;
  for (let row = 0; row < keeps.length; row++) {
    const mark = hidden[row]!;
    if (mark === 0) continue;
    keeps[row] = 0;
    gone(mark - 1, lines.to(row) - lines.from(row));
  }
  return keeps;
}

function nsOf(ms: number): bigint {
  return BigInt(ms) * nsPerMs;
}

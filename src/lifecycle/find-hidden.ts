import { type BlockRef, type LogStore, newReadCounters, type ReadOptions } from "#storage";
import { nextTurn } from "#world";
import type { EraseJob } from "./eraser.ts";
import { hiddenRows, type Mask, masksOfBlock, neededBy } from "./mask.ts";

const noColumns = { lines: false, lengths: false, metadata: [] } as const;

/**
 * Sources (as block facts name them) in which queries would find a row that the masks hide. Reads
 * no further in a source than to the first. What cannot be read is told to `problem`.
 */
export async function findHidden(
  store: LogStore,
  { tenant, masks }: Pick<EraseJob, "tenant" | "masks">,
  told: { readonly signal: AbortSignal; readonly problem: (text: string) => void },
): Promise<Set<string>> {
  const { signal, problem } = told;
  const found = new Set<string>();
  const options = { signal, counters: newReadCounters(), warn: problem };
  for (const mask of masks) {
    const { range, matchers, pipeline } = mask;
    const skip = pipeline?.skip ?? { lineTerms: [] };
    const plan = await store.plan({ tenant, matchers, range }, skip, options);
    for (const warning of plan.warnings) problem(warning);
    const touched = plan.blocks.filter((ref) => masksOfBlock([mask], ref).length > 0);
    for (const [source, refs] of Map.groupBy(touched, ({ facts }) => facts.source)) {
      if (found.has(source)) continue;
      if (await holds(store, { mask, refs, options })) found.add(source);
    }
  }
  return found;
}

async function holds(
  store: LogStore,
  what: {
    readonly mask: Mask;
    readonly refs: readonly BlockRef[];
    readonly options: ReadOptions;
  },
): Promise<boolean> {
  const { mask, refs, options } = what;
  for await (const block of store.read(refs, neededBy([mask], noColumns), options)) {
    if (hiddenRows(block, [mask]) !== undefined) return true;
    await nextTurn();
  }
  return false;
}

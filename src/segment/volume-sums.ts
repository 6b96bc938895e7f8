import type { Labels } from "#model";
import type { StreamSelect, StreamVolume } from "#storage";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, selectStreams } from "./select-streams.ts";
import type { Turns } from "./turns.ts";

interface Sum {
  readonly labels: Labels;
  entryCount: number;
  lineBytes: number;
  blockCount: number;
}

/**
 * Entries and bytes by stream, from footers. A run that the range cuts counts by the share of its
 * time inside.
 */
export class VolumeSums {
  readonly #select: StreamSelect;
  readonly #sums = new Map<string, Sum>();

  constructor(select: StreamSelect) {
    this.#select = select;
  }

  async add(footer: SegmentFooter, turns: Turns): Promise<void> {
    const selected = await selectStreams(footer, this.#select.matchers, turns);
    const { from, to } = offsetRangeOf(this.#select.range, footer.info.day);
    const { streams, minOffsets, maxOffsets, entryCounts, lineBytes } = footer.blocks.runs;
    for (let run = 0; run < streams.length; run++) {
      const [min, max] = [minOffsets[run]!, maxOffsets[run]!];
      if (selected[streams[run]!] === 0 || min >= to || max < from) continue;
      // Both ends are entries, so a run of one instant lasts 1 ns.
      const share = (Math.min(max + 1, to) - Math.max(min, from)) / (max + 1 - min);
      const sum = this.#sumOf(footer.labelsOf(streams[run]!));
      sum.entryCount += entryCounts[run]! * share;
      sum.lineBytes += lineBytes[run]! * share;
      sum.blockCount++;
    }
  }

  #sumOf(labels: Labels): Sum {
    let sum = this.#sums.get(labels.key);
    if (sum === undefined) {
      sum = { labels, entryCount: 0, lineBytes: 0, blockCount: 0 };
      this.#sums.set(labels.key, sum);
    }
    return sum;
  }

  volumes(): StreamVolume[] {
    return [...this.#sums.values()].map((sum) => ({
      ...sum,
      entryCount: Math.round(sum.entryCount),
      lineBytes: Math.round(sum.lineBytes),
    }));
  }
}

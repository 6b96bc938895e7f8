import { compareText, type LabelPair, type Matcher } from "#model";
import type { StreamVolume } from "#storage";

/** How bytes by stream are added up. */
export interface VolumeShape {
  readonly matchers: readonly Matcher[];
  /** Labels to tell apart; none: those the selector names, or all if it names none. */
  readonly targetLabels: readonly string[];
  readonly aggregateBy: "series" | "labels";
  /** 0: as many as the limits allow. */
  readonly limit: number;
  readonly limits: { readonly volumeMaxSeries: number };
}

export interface Volume {
  /** With `aggregateBy: labels` one pair, whose empty value stands for all values. */
  readonly labels: readonly LabelPair[];
  readonly bytes: number;
}

/** Largest first. A stream without one of the target labels does not count. */
export function volumesBy(streams: readonly StreamVolume[], shape: VolumeShape): Volume[] {
  const found = new Map<string, { labels: readonly LabelPair[]; bytes: number }>();
  for (const { labels, entryCount, isRounded, lineBytes: known } of streams) {
    // What an index has rounded down to nothing still is a stream: an entry has a byte at least.
    const lineBytes = isRounded === true ? Math.max(known, entryCount) : known;
    if (lineBytes === 0 || !shape.targetLabels.every((name) => labels.has(name))) continue;
    for (const pairs of groupsOf(labels.pairs, shape)) {
      const key = JSON.stringify(pairs);
      const group = found.get(key);
      if (group === undefined) found.set(key, { labels: pairs, bytes: lineBytes });
      else group.bytes += lineBytes;
    }
  }
  const { volumeMaxSeries } = shape.limits;
  const most = shape.limit > 0 ? Math.min(shape.limit, volumeMaxSeries) : volumeMaxSeries;
  return [...found]
    .sort(([a, x], [b, y]) => y.bytes - x.bytes || compareText(a, b))
    .slice(0, most)
    .map(([, volume]) => volume);
}

function groupsOf(pairs: readonly LabelPair[], shape: VolumeShape): (readonly LabelPair[])[] {
  const { targetLabels, aggregateBy, matchers } = shape;
  if (aggregateBy === "labels") {
    return pairs
      .filter(([name]) => targetLabels.length === 0 || targetLabels.includes(name))
      .map(([name]): LabelPair[] => [[name, ""]]);
  }
  const names = targetLabels.length > 0 ? targetLabels : matchers.map((matcher) => matcher.name);
  if (names.length === 0) return [pairs];
  const kept = pairs.filter(([name]) => names.includes(name));
  return kept.length === 0 ? [] : [kept];
}

import type { JSX } from "preact";
import { type Level, levels } from "../lines/entry.ts";

interface SparklineProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly rows: readonly { readonly level: Level; readonly values: readonly number[] }[];
}

const height = 28;
const stepWidth = 4;

/** Small stacked bars over time, quiet levels at the bottom. */
export function Sparkline({ label, rows }: SparklineProps): JSX.Element {
  const count = Math.max(1, ...rows.map(({ values }) => values.length));
  const sums = Array.from({ length: count }, (_, index) =>
    rows.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const highest = Math.max(1, ...sums);
  const bottoms = sums.map(() => height);
  const quietFirst = [...levels].reverse();
  const paths = quietFirst.flatMap((level) => {
    const row = rows.find((one) => one.level === level);
    if (row === undefined) return [];
    let path = "";
    for (const [index, value] of row.values.entries()) {
      if (value === 0) continue;
      const size = Math.max(0.75, (value / highest) * height);
      bottoms[index]! -= size;
      path += `M${index * stepWidth} ${bottoms[index]}h${stepWidth - 1}v${size}h${1 - stepWidth}z`;
    }
    return [<path key={level} d={path} fill={`var(--level-${level})`} />];
  });
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${count * stepWidth} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {paths}
    </svg>
  );
}

import type { JSX } from "preact";

interface TileProps {
  readonly title: string;
  /** Undefined: not known (yet). */
  readonly value: string | undefined;
  /** In words, below the value. */
  readonly note?: string;
  /** Over the last minutes. */
  readonly values?: readonly number[];
  readonly isBad?: boolean;
}

const width = 120;
const height = 24;

/** One number with where it comes from. */
export function Tile({ title, value, note, values, isBad = false }: TileProps): JSX.Element {
  return (
    <div class={isBad ? "tile panel bad" : "tile panel"}>
      <dt>{title}</dt>
      <dd>
        <b>{value ?? "–"}</b>
        {note !== undefined && <span class="soft">{note}</span>}
      </dd>
      {values !== undefined && values.length > 1 && <Trend values={values} />}
    </div>
  );
}

function Trend({ values }: { readonly values: readonly number[] }): JSX.Element {
  const highest = Math.max(...values, Number.MIN_VALUE);
  const step = width / (values.length - 1);
  const points = values.map((value, index) => {
    const y = height - 1 - (value / highest) * (height - 3);
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,${height} ${points.join(" ")} ${width},${height}`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}

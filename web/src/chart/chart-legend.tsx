import type { JSX } from "preact";

export interface LegendItem {
  readonly name: string;
  readonly color: string;
  /** Behind the name: a total. */
  readonly note?: string;
}

interface ChartLegendProps {
  readonly items: readonly LegendItem[];
  readonly hidden: ReadonlySet<string>;
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
}

/** A click hides or shows a series; with Ctrl or by a double click it stays alone. */
export function ChartLegend({ items, hidden, onHidden }: ChartLegendProps): JSX.Element {
  const toggle = (name: string): void => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    onHidden(next);
  };
  const alone = (name: string): void => {
    const others = items.map((item) => item.name).filter((other) => other !== name);
    const isAlone = !hidden.has(name) && hidden.size === others.length;
    onHidden(isAlone ? new Set() : new Set(others));
  };
  return (
    <div class="chart-legend" role="group" aria-label="Series">
      {items.map(({ name, color, note }) => (
        <button
          type="button"
          key={name}
          aria-pressed={!hidden.has(name)}
          title="Click: hide or show. Ctrl+click: only this one."
          onClick={(event) => (event.ctrlKey || event.metaKey ? alone(name) : toggle(name))}
        >
          <i style={{ background: color }} aria-hidden="true" /> {name}
          {note !== undefined && <span class="soft">{note}</span>}
        </button>
      ))}
    </div>
  );
}

import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { align } from "../chart/stack.ts";
import { ChartLegend } from "../chart/chart-legend.tsx";
import { type ChartSeries, TimeChart } from "../chart/time-chart.tsx";
import { type Level, levelOf, levels } from "../lines/entry.ts";
import { withLevels } from "../logql/query-text.ts";
import { formatCount } from "../state/format.ts";
import { change } from "../state/location.ts";
import { cssValue, theme } from "../state/theme.ts";
import { query } from "./address.ts";
import { zoomTo } from "./range-picker.tsx";
import { histogram, histogramFailure, isRunning } from "./session.ts";

const heightPixels = 120;

/** How many lines of each level there are over time; asked for before the lines. */
export function HistogramPanel(): JSX.Element {
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const chart = useComputed(() => {
    const counted = histogram.value;
    return counted === undefined ? undefined : { ...levelRows(), counted };
  });
  const shown = chart.value;
  if (shown === undefined) {
    return (
      <section class="histogram panel" aria-label="Lines by level">
        <p class="soft histogram-empty" style={{ minHeight: `${heightPixels}px` }}>
          {histogramText()}
        </p>
      </section>
    );
  }
  const { times, series, totals, counted } = shown;
  const total = totals.reduce((sum, { count }) => sum + count, 0);
  return (
    <section class="histogram panel" aria-label="Lines by level">
      <div class="panel-head">
        <h2>
          {formatCount(total)} {total === 1 ? "line" : "lines"}
        </h2>
        <LevelsButton totals={totals} hidden={hidden.value} />
        <ChartLegend
          items={series.map(({ name, color }, index) => ({
            name,
            color,
            note: formatCount(totals[index]!.count),
          }))}
          hidden={hidden.value}
          onHidden={(next) => (hidden.value = next)}
        />
      </div>
      <TimeChart
        label={`Lines over time by level: ${totals.map(({ name, count }) => `${name} ${count}`).join(", ")}`}
        kind="bars"
        times={times}
        series={series}
        hidden={hidden.value}
        stepSeconds={counted.stepSeconds}
        range={counted.range}
        heightPixels={heightPixels}
        onZoom={zoomTo}
      />
    </section>
  );
}

function histogramText(): string {
  if (histogramFailure.value !== "") return `Lines are not counted: ${histogramFailure.value}`;
  return isRunning.value ? "Counting …" : "";
}

interface LevelRows {
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly totals: readonly LevelTotal[];
}

interface LevelTotal {
  readonly name: Level;
  readonly count: number;
  /** All spellings of it. */
  readonly names: readonly string[];
}

interface LevelsButtonProps {
  readonly totals: readonly LevelTotal[];
  readonly hidden: ReadonlySet<string>;
}

/** What is hidden in the bars can be left out of the lines, too. */
function LevelsButton({ totals, hidden }: LevelsButtonProps): JSX.Element | null {
  const shown = totals.filter(({ name }) => !hidden.has(name));
  if (shown.length === totals.length || shown.length === 0) return null;
  const names = shown.flatMap((level) => level.names);
  return (
    <button
      type="button"
      class="button levels-button"
      onClick={() => change({ q: withLevels(query.value, names) }, "push")}
    >
      Only lines of these levels
    </button>
  );
}

/** One row a level, quiet ones at the bottom; spellings of one level count together. */
function levelRows(): LevelRows {
  const counted = histogram.value!;
  // A bar begins a step before the time of its value.
  const range = {
    fromSeconds: counted.range.fromMs / 1000 + counted.stepSeconds,
    toSeconds: counted.range.toMs / 1000,
  };
  const aligned = align(counted.series, range, counted.stepSeconds);
  const rows = new Map<Level, (number | null)[]>();
  const spellings = new Map<Level, string[]>();
  for (const { metric, values } of aligned.series) {
    const level = levelOf(metric["detected_level"]);
    spellings.set(level, [...(spellings.get(level) ?? []), metric["detected_level"] ?? ""]);
    const row = rows.get(level);
    if (row === undefined) rows.set(level, [...values]);
    else values.forEach((value, index) => (row[index] = (row[index] ?? 0) + (value ?? 0)));
  }
  // Read here, so that colours follow the theme.
  void theme.value;
  const known = levels.filter((level) => rows.has(level)).toReversed();
  return {
    times: aligned.times.map((seconds) => seconds - counted.stepSeconds),
    series: known.map((name) => ({
      name,
      color: cssValue(`--level-${name}`),
      values: rows.get(name)!,
    })),
    totals: known.map((name) => ({
      name,
      names: spellings.get(name) ?? [],
      count: rows.get(name)!.reduce<number>((sum, value) => sum + (value ?? 0), 0),
    })),
  };
}

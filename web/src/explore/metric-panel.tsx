import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Labels, SeriesAnswer } from "../api/types.ts";
import { ChartLegend } from "../chart/chart-legend.tsx";
import { seriesColor } from "../chart/palette.ts";
import { align } from "../chart/stack.ts";
import { type ChartSeries, TimeChart } from "../chart/time-chart.tsx";
import { formatCount, formatValue } from "../state/format.ts";
import { change } from "../state/location.ts";
import { theme } from "../state/theme.ts";
import { chartKind, chartKinds } from "./address.ts";
import "./metric-panel.css";
import { zoomTo } from "./range-picker.tsx";
import type { MetricResult } from "./session.ts";

const heightPixels = 320;
/** More lines than this tell nothing and take long to draw; the table has all. */
const drawnMax = 100;
const tableRowsMax = 1_000;

/** The answer of a metric query as a chart with a legend, and as a table. */
export function MetricPanel({ found }: { readonly found: MetricResult }): JSX.Element {
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const { range } = found;
  const drawing = useMemo(() => drawingOf(found, theme.value), [found, theme.value]);
  const { summaries, series, times } = drawing;
  // A bar stands for the step before its time.
  const isBars = chartKind.value === "bars";
  const starts = useMemo(
    () => (isBars ? times.map((seconds) => seconds - found.stepSeconds) : times),
    [times, isBars],
  );
  return (
    <section class="metric panel" aria-label="Result">
      <div class="panel-head">
        <h2>{formatCount(found.series.length)} series</h2>
        <ChartKindButtons />
      </div>
      {found.series.length > drawnMax && (
        <p class="note warning">
          The chart shows the {drawnMax} series with the largest last values; the table has all.
        </p>
      )}
      <TimeChart
        label={`${found.series.length} series over time; the table below has their numbers`}
        kind={chartKind.value}
        times={starts}
        series={series}
        hidden={hidden.value}
        stepSeconds={found.stepSeconds}
        range={range}
        heightPixels={heightPixels}
        onZoom={zoomTo}
      />
      <ChartLegend
        items={series}
        hidden={hidden.value}
        onHidden={(next) => (hidden.value = next)}
      />
      <SeriesTable summaries={summaries} />
    </section>
  );
}

interface Drawing {
  readonly summaries: readonly Summary[];
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** All series by their last value, and those of them that are drawn. */
function drawingOf({ series, range, stepSeconds }: MetricResult, look: "dark" | "light"): Drawing {
  const isPlain = haveOneLabel(series);
  const summaries = series
    .map((answer) => summaryOf(answer, isPlain))
    .sort((a, b) => b.last - a.last);
  const drawn = summaries.slice(0, drawnMax);
  const stepMs = stepSeconds * 1000;
  const aligned = align(
    drawn.map(({ answer }) => answer),
    {
      fromSeconds: (Math.ceil(range.fromMs / stepMs) * stepMs) / 1000,
      toSeconds: (Math.floor(range.toMs / stepMs) * stepMs) / 1000,
    },
    stepSeconds,
  );
  const rows = aligned.series.map(({ values }, index) => ({
    name: drawn[index]!.name,
    color: seriesColor(index, look),
    values,
  }));
  return { summaries, times: aligned.times, series: rows };
}

/** The same one label everywhere: its values are names enough. */
function haveOneLabel(series: readonly SeriesAnswer[]): boolean {
  const [first] = Object.keys(series[0]?.metric ?? {});
  return series.every(({ metric }) => {
    const names = Object.keys(metric);
    return names.length === 1 && names[0] === first && metric[names[0]!] !== "";
  });
}

function ChartKindButtons(): JSX.Element {
  return (
    <div class="chart-kinds" role="group" aria-label="Kind of chart">
      {chartKinds.map((kind) => (
        <button
          type="button"
          key={kind}
          class="button"
          aria-pressed={chartKind.value === kind}
          onClick={() => change({ chart: kind === "line" ? undefined : kind }, "replace")}
        >
          {kind}
        </button>
      ))}
    </div>
  );
}

interface Summary {
  readonly answer: SeriesAnswer;
  readonly name: string;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

function summaryOf(answer: SeriesAnswer, isPlain: boolean): Summary {
  const samples = answer.values ?? (answer.value === undefined ? [] : [answer.value]);
  let [last, min, max, sum] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const [, text] of samples) {
    last = Number(text);
    min = Math.min(min, last);
    max = Math.max(max, last);
    sum += last;
  }
  return {
    answer,
    name: nameOf(answer.metric, isPlain),
    last,
    min,
    max,
    mean: sum / samples.length,
  };
}

/** `{app="shop"}`, or `shop` when that is enough; an empty label set is the value of everything. */
function nameOf(metric: Labels, isPlain: boolean): string {
  const labels = Object.entries(metric);
  if (labels.length === 0) return "all";
  if (isPlain) return labels[0]![1];
  return `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`;
}

function SeriesTable({ summaries }: { readonly summaries: readonly Summary[] }): JSX.Element {
  return (
    <div class="metric-table" tabIndex={0} role="region" aria-label="Series as a table">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Series</th>
            {["Last", "Min", "Mean", "Max"].map((title) => (
              <th scope="col" class="number" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {summaries.slice(0, tableRowsMax).map(({ name, last, min, mean, max }) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              {[last, min, mean, max].map((value, index) => (
                <td class="number" key={index} title={String(value)}>
                  {formatValue(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

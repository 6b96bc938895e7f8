// uPlot as a component: lines, areas or stacked bars over time, with a note beside the pointer and
// zooming by dragging.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { TimeRange } from "../api/types.ts";
import { formatMoment, formatValue } from "../state/format.ts";
import { cssValue, theme } from "../state/theme.ts";
import { zone } from "../state/zone.ts";
import { stack } from "./stack.ts";
import "./time-chart.css";

export interface ChartSeries {
  readonly name: string;
  readonly color: string;
  readonly values: readonly (number | null)[];
}

export interface TimeChartProps {
  /** What the picture shows, for those who do not see it. */
  readonly label: string;
  readonly kind: "line" | "area" | "bars";
  /** Seconds; of bars, where each begins. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly hidden: ReadonlySet<string>;
  readonly stepSeconds: number;
  readonly range: TimeRange;
  readonly heightPixels: number;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

interface Hovered {
  readonly index: number;
  readonly left: number;
  /** Nearer to the right end: the note goes to the left of the pointer. */
  readonly isRight: boolean;
}

/** A pointer that moved less was a click. */
const clickPixels = 4;

export function TimeChart(props: TimeChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const hovered = useSignal<Hovered | undefined>(undefined);
  const { times, series, hidden, kind, range, heightPixels } = props;
  const look = `${theme.value} ${zone.value}`;
  useEffect(() => {
    const element = host.current!;
    const chart = createChart(element, latest.current, {
      onHover: (next) => (hovered.value = next),
      onZoom: (fromMs, toMs) => latest.current.onZoom(fromMs, toMs),
    });
    const observer = new ResizeObserver(() => {
      const width = Math.floor(element.clientWidth);
      if (width > 0 && width !== chart.width) chart.setSize({ width, height: heightPixels });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      hovered.value = undefined;
    };
  }, [times, series, hidden, kind, range.fromMs, range.toMs, heightPixels, look]);
  return (
    <div class="time-chart" role="img" aria-label={props.label}>
      <div ref={host} style={{ height: `${heightPixels}px` }} />
      {hovered.value !== undefined && <ChartNote {...props} hovered={hovered.value} />}
    </div>
  );
}

interface ChartEvents {
  readonly onHover: (hovered: Hovered | undefined) => void;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

function createChart(element: HTMLElement, props: TimeChartProps, events: ChartEvents): uPlot {
  const { kind, times, series, hidden, range, heightPixels } = props;
  const rows = series.map(({ values }) => values);
  const isHidden = (index: number): boolean => hidden.has(series[index]!.name);
  const shown = kind === "bars" ? stack(rows, isHidden) : rows;
  // Later ones stand on top of earlier ones, so they are drawn first.
  const order = series.map((_, index) => index).filter((index) => !isHidden(index));
  if (kind === "bars") order.reverse();
  const options: uPlot.Options = {
    width: Math.max(100, element.clientWidth),
    height: heightPixels,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: kind !== "bars" } },
    scales: {
      x: { range: () => [range.fromMs / 1000, range.toMs / 1000] },
      y: { range: (_chart, min, max) => yRange(min, max) },
    },
    axes: axes(),
    series: [{}, ...order.map((index) => seriesOptions(series[index]!, kind))],
    hooks: {
      setCursor: [(chart) => events.onHover(hoveredAt(chart))],
      setSelect: [(chart) => zoomToSelection(chart, events)],
      ready: [(chart) => zoomByClick(chart, props, events)],
    },
    ...(zone.value === "utc" ? { tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC") } : {}),
  };
  const data = [times, ...order.map((index) => shown[index]!)] as uPlot.AlignedData;
  return new uPlot(options, data, element);
}

/** Charts of counts and rates begin at zero; a flat line still has some height. */
function yRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  const [low, high] = [Math.min(0, min ?? 0), Math.max(0, max ?? 0)];
  return low === high ? [0, 1] : [low * 1.05, high * 1.05];
}

function axes(): uPlot.Axis[] {
  const look = {
    stroke: cssValue("--text-faint"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: cssValue("--line"), width: 1 },
    ticks: { show: false },
  };
  return [
    {
      ...look,
      size: 24,
      gap: 4,
      space: 80,
      values: (_chart, splits, _axis, _space, step) => timeTicks(splits, step),
    },
    { ...look, size: 52, gap: 6, space: 28, values: (_chart, splits) => splits.map(formatValue) },
  ];
}

/** `14:05`, with seconds where steps are short, the day where a day begins. */
function timeTicks(splits: readonly number[], stepSeconds: number): string[] {
  return splits.map((seconds) => {
    const moment = formatMoment(seconds * 1000);
    if (stepSeconds >= 86_400 || moment.endsWith("00:00:00")) return moment.slice(5, 10);
    return stepSeconds < 60 ? moment.slice(11) : moment.slice(11, 16);
  });
}

function seriesOptions({ color }: ChartSeries, kind: TimeChartProps["kind"]): uPlot.Series {
  if (kind === "bars") {
    const paths = uPlot.paths.bars!({ size: [0.92, 64], align: 1, gap: 1 });
    return { fill: color, stroke: color, width: 0, paths, points: { show: false } };
  }
  const fill = kind === "area" ? { fill: `color-mix(in srgb, ${color} 22%, transparent)` } : {};
  return { stroke: color, width: 1.5, points: { size: 4 }, spanGaps: false, ...fill };
}

function hoveredAt(chart: uPlot): Hovered | undefined {
  const { idx, left } = chart.cursor;
  if (typeof idx !== "number" || left === undefined || left < 0) return undefined;
  const isRight = left > chart.over.clientWidth / 2;
  return { index: idx, left: left + chart.over.offsetLeft, isRight };
}

function zoomToSelection(chart: uPlot, { onZoom }: ChartEvents): void {
  const { left, width } = chart.select;
  if (width < clickPixels) return;
  const fromMs = chart.posToVal(left, "x") * 1000;
  const toMs = chart.posToVal(left + width, "x") * 1000;
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom(fromMs, Math.max(toMs, fromMs + 1000));
}

/** A click on a bar opens its step. */
function zoomByClick(chart: uPlot, props: TimeChartProps, { onZoom }: ChartEvents): void {
  if (props.kind !== "bars") return;
  let downX = 0;
  chart.over.addEventListener("pointerdown", (event) => {
    downX = event.clientX;
  });
  chart.over.addEventListener("click", (event) => {
    if (Math.abs(event.clientX - downX) >= clickPixels || props.stepSeconds <= 1) return;
    const seconds = chart.posToVal(event.offsetX, "x");
    const fromSeconds = Math.floor(seconds / props.stepSeconds) * props.stepSeconds;
    onZoom(fromSeconds * 1000, (fromSeconds + props.stepSeconds) * 1000);
  });
}

/** More series than this in the note would hide the chart. */
const noteSeriesMax = 12;

function ChartNote(props: TimeChartProps & { readonly hovered: Hovered }): JSX.Element | null {
  const { times, series, hidden, hovered } = props;
  const seconds = times[hovered.index];
  if (seconds === undefined) return null;
  const rows = series
    .map(({ name, color, values }) => ({ name, color, value: values[hovered.index] ?? null }))
    .filter(({ name, value }) => value !== null && !hidden.has(name))
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  return (
    <div
      class={hovered.isRight ? "chart-note left" : "chart-note"}
      style={{ left: `${hovered.left}px` }}
      aria-hidden="true"
    >
      <div class="soft">{formatMoment(seconds * 1000)}</div>
      {rows.slice(0, noteSeriesMax).map(({ name, color, value }) => (
        <div class="chart-note-row" key={name}>
          <i style={{ background: color }} />
          <span>{name}</span>
          <b>{formatValue(value ?? 0)}</b>
        </div>
      ))}
      {rows.length > noteSeriesMax && (
        <div class="soft">and {rows.length - noteSeriesMax} more</div>
      )}
    </div>
  );
}

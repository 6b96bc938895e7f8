/**
 * A metric query as a chart of text: one series as dots of braille with axes, several as a line of
 * blocks each, on one scale, with what is needed to read them. Pure.
 */
import { formatGoTime, type GoZone } from "#gofmt";
import { type SampleSeries, shortNumber } from "./sample-series.ts";
import { sparkline } from "./sparkline.ts";
import { tableLines } from "./table-lines.ts";

export interface ChartOptions {
  readonly columns: number;
  readonly zone: GoZone;
  /** Label texts, such as without what all series share. */
  readonly nameOf: (series: SampleSeries) => string;
}

const rowsOfChart = 12;
const columnsMin = 20;

export function chartLines(series: readonly SampleSeries[], options: ChartOptions): string[] {
  const [first, ...others] = series;
  if (first === undefined) return ["no series"];
  const times = [...new Set(series.flatMap(({ points }) => points.map(({ timeMs }) => timeMs)))];
  times.sort((a, b) => a - b);
  if (others.length === 0) return oneSeries(first, gridOf(times), options);
  return severalSeries(series, gridOf(times), options);
}

interface Grid {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** The finest distance of two points, so that gaps stay gaps. */
function gridOf(times: readonly number[]): Grid {
  let stepMs = Number.POSITIVE_INFINITY;
  for (let i = 1; i < times.length; i++) stepMs = Math.min(stepMs, times[i]! - times[i - 1]!);
  const fromMs = times[0] ?? 0;
  if (!Number.isFinite(stepMs)) return { fromMs, stepMs: 1, count: 1 };
  const count = Math.min(pointsMax, Math.round((times.at(-1)! - fromMs) / stepMs) + 1);
  return { fromMs, stepMs: (times.at(-1)! - fromMs) / Math.max(1, count - 1), count };
}

/** As many as a server gives for one series. */
const pointsMax = 11_000;

function onGrid({ points }: SampleSeries, grid: Grid): number[] {
  const values = Array.from({ length: grid.count }, () => Number.NaN);
  for (const { timeMs, value } of points) {
    values[Math.round((timeMs - grid.fromMs) / grid.stepMs)] = value;
  }
  return values;
}

function oneSeries(series: SampleSeries, grid: Grid, options: ChartOptions): string[] {
  const values = onGrid(series, grid);
  const finite = values.filter(Number.isFinite);
  const low = Math.min(0, ...finite);
  const high = Math.max(...finite, low + Number.MIN_VALUE);
  const labels = Array.from({ length: rowsOfChart }, (_, row) => {
    const isLabelled = row % 3 === 0 || row === rowsOfChart - 1;
    if (!isLabelled) return "";
    return shortNumber(low + ((high - low) * (rowsOfChart - 1 - row)) / (rowsOfChart - 1));
  });
  const margin = Math.max(...labels.map(({ length }) => length));
  const columns = Math.max(columnsMin, options.columns - margin - 2);
  const rows = brailleRows(values, { columns, rows: rowsOfChart, low, high });
  const name = options.nameOf(series);
  return [
    ...(name === "{}" ? [] : [name]),
    ...rows.map((row, at) => {
      const label = labels[at]!;
      return `${label.padStart(margin)} ${label === "" ? "│" : "┤"}${row}`.trimEnd();
    }),
    `${" ".repeat(margin)} └${"─".repeat(columns)}`,
    `${" ".repeat(margin + 2)}${timeAxis(grid, columns, options.zone)}`,
    summaryOf(finite),
  ];
}

function summaryOf(values: readonly number[]): string {
  if (values.length === 0) return "no values";
  const sum = values.reduce((total, value) => total + value, 0);
  const facts = {
    min: Math.min(...values),
    mean: sum / values.length,
    max: Math.max(...values),
    last: values.at(-1)!,
  };
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${shortNumber(value)}`)
    .join("   ");
}

function timeAxis(grid: Grid, columns: number, zone: GoZone): string {
  const spanMs = grid.stepMs * (grid.count - 1);
  const layout = spanMs > 20 * 3_600_000 ? "Jan _2 15:04" : "15:04:05";
  const text = (ms: number): string =>
    formatGoTime({ ns: BigInt(Math.round(ms)) * 1_000_000n, zone }, layout);
  const [from, middle, to] = [0, 0.5, 1].map((share) => text(grid.fromMs + spanMs * share));
  const gap = columns - from!.length - middle!.length - to!.length;
  if (gap < 4) return `${from} to ${to}`;
  const left = Math.floor(gap / 2);
  return `${from}${" ".repeat(left)}${middle}${" ".repeat(gap - left)}${to}`;
}

/** Bits of the eight dots of a braille character, by row and column. */
const dotBits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** A filled curve: two dots of width and four of height in each character. */
export function brailleRows(
  values: readonly number[],
  area: { columns: number; rows: number; low: number; high: number },
): string[] {
  const { columns, rows, low, high } = area;
  const [width, height] = [columns * 2, rows * 4];
  const cells = Array.from({ length: rows }, () => new Uint8Array(columns));
  for (let x = 0; x < width; x++) {
    const value = valueAt(values, x, width);
    if (!Number.isFinite(value)) continue;
    const top = Math.round(((value - low) / (high - low)) * (height - 1));
    // A value of the lowest still shows one dot: there is a point, and it is not a gap.
    for (let y = 0; y <= top; y++) {
      const row = height - 1 - y;
      cells[row >> 2]![x >> 1]! |= dotBits[row & 3]![x & 1]!;
    }
  }
  return cells.map((row) => Array.from(row, (bits) => brailleOf(bits)).join(""));
}

function brailleOf(bits: number): string {
  return bits === 0 ? " " : String.fromCodePoint(0x2800 + bits);
}

/** The largest of the points that share a column of dots, or the point nearest to it. */
function valueAt(values: readonly number[], x: number, width: number): number {
  if (values.length <= width) return values[Math.floor((x * values.length) / width)] ?? Number.NaN;
  const from = Math.floor((x * values.length) / width);
  const to = Math.max(from + 1, Math.floor(((x + 1) * values.length) / width));
  return Math.max(...values.slice(from, to).filter((value) => !Number.isNaN(value)));
}

/** Few points are wider, so that the axis has room; wider ones look like a trend. */
const columnsOfPointMax = 4;

function severalSeries(
  series: readonly SampleSeries[],
  grid: Grid,
  options: ChartOptions,
): string[] {
  const rows = series
    .map((one) => {
      const values = onGrid(one, grid);
      const finite = values.filter(Number.isFinite);
      return { name: options.nameOf(one), values, finite };
    })
    .sort((a, b) => sumOf(b.finite) - sumOf(a.finite));
  const all = rows.flatMap(({ finite }) => extremes(finite));
  const [min, max] = [Math.min(0, ...all), Math.max(0, ...all)];
  const facts = rows.map(({ name, finite }) => [
    name,
    ...[...extremes(finite), ...finite.slice(-1)].map(shortNumber),
  ]);
  const table = tableLines([["", "min", "max", "last"], ...facts]);
  const margin = Math.max(...table.map(({ length }) => length));
  const room = Math.max(columnsMin, options.columns - margin - 2);
  const each = Math.max(1, Math.min(columnsOfPointMax, Math.floor(room / grid.count)));
  const width = Math.max(1, Math.min(room, grid.count * each));
  return [
    `${table[0]!.padEnd(margin)}  ${timeAxis(grid, width, options.zone)}`.trimEnd(),
    ...rows.map(({ values }, at) => {
      const wide = values.flatMap((value) => Array.from({ length: each }, () => value));
      return `${table[at + 1]!.padEnd(margin)}  ${sparkline(wide, { width, min, max })}`.trimEnd();
    }),
  ];
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function extremes(values: readonly number[]): number[] {
  return values.length === 0 ? [] : [Math.min(...values), Math.max(...values)];
}

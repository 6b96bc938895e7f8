/** The result of a metric query as JSON, a table or a chart. Pure. */
import { formatGoTime, type GoZone } from "#gofmt";
import { Labels } from "#model";
import { chartLines } from "./chart.ts";
import type { OutputMode } from "./output-format.ts";
import { readSamples, type SampleSeries } from "./sample-series.ts";
import { tableLines } from "./table-lines.ts";

export interface SampleOptions {
  readonly mode: OutputMode;
  readonly columns: number;
  readonly zone: GoZone;
  /** A Go layout. */
  readonly timeLayout: string;
}

/** Text with a newline at its end. */
export function samplesText(result: unknown, options: SampleOptions): string {
  switch (options.mode) {
    case "chart":
      return linesText(chartOf(readSamples(result), options));
    case "table":
      return linesText(tableOf(readSamples(result), options));
    case "default":
    case "raw":
    case "jsonl":
      // As LogCLI: JSON, whatever the output of lines.
      return `${JSON.stringify(result, null, 2)}\n`;
    default:
      return options.mode satisfies never;
  }
}

function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function chartOf(series: readonly SampleSeries[], options: SampleOptions): string[] {
  const { common, nameOf } = namesOf(series);
  const isInstant = series.every(({ points }) => points.length <= 1);
  if (isInstant) return barsOf(series, { columns: options.columns, nameOf });
  const head = series.length > 1 && common.size > 0 ? [`all: ${common.toString()}`] : [];
  return [...head, ...chartLines(series, { ...options, nameOf })];
}

/** What all series share goes into a heading. */
function namesOf(series: readonly SampleSeries[]): {
  common: Labels;
  nameOf: (one: SampleSeries) => string;
} {
  const [first, ...others] = series;
  const pairs = others.length === 0 ? [] : (first?.labels.pairs ?? []);
  const common = Labels.ofSorted(
    pairs.filter(([name, value]) => others.every(({ labels }) => labels.get(name) === value)),
  );
  const nameOf = ({ labels }: SampleSeries): string =>
    Labels.ofSorted(labels.pairs.filter(([name]) => !common.has(name))).toString();
  return { common, nameOf };
}

/** One moment: a bar for each series. */
function barsOf(
  series: readonly SampleSeries[],
  { columns, nameOf }: { columns: number; nameOf: (one: SampleSeries) => string },
): string[] {
  if (series.length === 0) return ["no series"];
  const rows = series
    .map((one) => ({ name: nameOf(one), point: one.points[0] }))
    .sort((a, b) => (b.point?.value ?? 0) - (a.point?.value ?? 0));
  const table = tableLines(rows.map(({ name, point }) => [name, point?.text ?? ""]));
  const margin = Math.max(...table.map(({ length }) => length));
  const max = Math.max(...rows.map(({ point }) => point?.value ?? 0).filter(Number.isFinite));
  const width = Math.max(1, columns - margin - 2);
  return rows.map(({ point }, at) => {
    const share = max > 0 ? Math.max(0, Math.min(1, (point?.value ?? 0) / max)) : 0;
    const bar = "█".repeat(Math.round(width * (Number.isNaN(share) ? 0 : share)));
    return `${table[at]!.padEnd(margin)}  ${bar}`.trimEnd();
  });
}

/** A row for each time and series, with the labels as columns. */
function tableOf(series: readonly SampleSeries[], options: SampleOptions): string[] {
  const names = [...new Set(series.flatMap(({ labels }) => labels.pairs.map(([name]) => name)))];
  names.sort();
  const { zone, timeLayout } = options;
  const rows = series.flatMap(({ labels, points }) =>
    points.map(({ timeMs, text }) => {
      const ns = BigInt(Math.round(timeMs)) * 1_000_000n;
      const cells = [...names.map((name) => labels.get(name) ?? ""), text];
      return { timeMs, cells: [formatGoTime({ ns, zone }, timeLayout), ...cells] };
    }),
  );
  rows.sort((a, b) => a.timeMs - b.timeMs);
  return tableLines([["time", ...names, "value"], ...rows.map(({ cells }) => cells)]);
}

/** The explorer's state as lines of a terminal, exactly as many as it has rows. Pure. */
import { formatGoTime, type GoZone } from "#gofmt";
import { joinedEntry } from "./categorized-entries.ts";
import { detailRows, type ExploreState, type Histogram, isFound } from "./explore-state.ts";
import { levelOf } from "./level-colours.ts";
import { fitCells, plainText } from "./text-cells.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly zone: GoZone;
  readonly hasColour: boolean;
}

const histogramRows = 3;

/** Rows of lines, between the query, the histogram and the keys. */
export function linesVisible(state: ExploreState, rows: number): number {
  return Math.max(1, rows - 2 - (hasRoomForHistogram(state, rows) ? histogramRows + 1 : 0));
}

function hasRoomForHistogram({ hasHistogram, before }: ExploreState, rows: number): boolean {
  return hasHistogram && before === undefined && rows >= 14;
}

export function screenLines(state: ExploreState, screen: Screen): string[] {
  const { columns, rows } = screen;
  const body: string[] = [];
  if (hasRoomForHistogram(state, rows)) body.push(...histogramLines(state.histogram, screen));
  const room = linesVisible(state, rows);
  if (state.mode === "help") body.push(...helpLines.map((line) => fitCells(line, columns)));
  else if (state.mode === "detail") body.push(...detailLines(state, screen, room));
  else body.push(...entryLines(state, screen, room));
  const blank = " ".repeat(columns);
  const filled = Array.from({ length: Math.max(0, rows - 2) }, (_, i) => body[i] ?? blank);
  return [topLine(state, screen), ...filled, bottomLine(state, screen)];
}

const paint = (code: string, text: string, { hasColour }: Screen): string =>
  hasColour || code === "7" ? `\u001b[${code}m${text}\u001b[0m` : text;

const prompts = { query: "LogQL> ", search: "search> ", range: "last> " } as const;

function topLine(state: ExploreState, screen: Screen): string {
  const { columns } = screen;
  if (state.mode === "query" || state.mode === "search" || state.mode === "range") {
    const prompt = prompts[state.mode];
    const room = Math.max(1, columns - prompt.length - 1);
    // The end is where one types.
    const shown = Array.from(plainText(state.input)).slice(-room).join("");
    return paint("1", prompt, screen) + fitCells(`${shown}█`, columns - prompt.length);
  }
  const tail = state.isTailing ? " tailing" : "";
  const right = state.before === undefined ? ` last ${state.since}${tail} ` : " context ";
  const left = fitCells(` ${plainText(state.query)}`, Math.max(0, columns - right.length));
  return paint("7", left + right, screen);
}

const levelOrder = ["fatal", "critical", "error", "warn", "info", "debug", "trace", "unknown"];
const levelCodes: Readonly<Record<string, string>> = {
  fatal: "1;31",
  critical: "1;31",
  error: "31",
  warn: "33",
  info: "32",
  debug: "34",
  trace: "34",
  unknown: "37",
};
const eighths = " ▁▂▃▄▅▆▇█";

/** Bars of all levels together, in the colour of the worst in each; below them what they count. */
function histogramLines(histogram: Histogram | undefined, screen: Screen): string[] {
  const blank = " ".repeat(screen.columns);
  if (histogram === undefined) return Array.from({ length: histogramRows + 1 }, () => blank);
  const found = levelOrder.filter((level) => histogram.levels.has(level));
  const others = [...histogram.levels.keys()].filter((level) => !levelOrder.includes(level));
  const levels = [...found, ...others];
  const count = Math.max(0, ...levels.map((level) => histogram.levels.get(level)!.length));
  const columns = Array.from({ length: screen.columns }, (_, x) => {
    const at = Math.floor((x * count) / screen.columns);
    const counts = levels.map((level) => histogram.levels.get(level)![at] ?? 0);
    const worst = levels[counts.findIndex((one) => one > 0)] ?? "unknown";
    return { total: counts.reduce((sum, one) => sum + one, 0), worst };
  });
  const max = Math.max(1, ...columns.map(({ total }) => total));
  const rows = Array.from({ length: histogramRows }, (_, row) => {
    const below = (histogramRows - 1 - row) * 8;
    return columns
      .map(({ total, worst }) => {
        const height = total === 0 ? 0 : Math.max(1, Math.round((total / max) * histogramRows * 8));
        const block = eighths[Math.min(8, Math.max(0, height - below))]!;
        return block === " " ? block : paint(levelCodes[worst] ?? "37", block, screen);
      })
      .join("");
  });
  const sums = levels.map((level) => {
    const sum = histogram.levels.get(level)!.reduce((total, one) => total + one, 0);
    return `${level} ${sum}`;
  });
  const [from, to] = [histogram.fromNs, histogram.toNs].map((ns) => timeText(ns, screen));
  const middle = fitCells(`  ${sums.join("  ")}`, screen.columns - from!.length - to!.length);
  return [...rows, `${from}${middle}${to}`];
}

function timeText(ns: bigint, { zone }: Screen): string {
  return formatGoTime({ ns, zone }, "15:04:05");
}

function entryLines(state: ExploreState, screen: Screen, room: number): string[] {
  const { entries, selected, search } = state;
  if (entries.length === 0) return [state.isLoading ? " loading …" : ` ${emptyText}`];
  const first = firstVisible(entries.length, selected, room);
  return entries.slice(first, first + room).map((entry, i) => {
    const { labels } = joinedEntry(entry);
    const level = levelOf(labels);
    const isHit = search !== "" && isFound(entry.line, search);
    const time = formatGoTime({ ns: entry.timeNs, zone: screen.zone }, "01-02 15:04:05.000");
    const mark = isHit ? "*" : " ";
    const text = fitCells(`${time} ${plainText(entry.line)}`, Math.max(0, screen.columns - 1));
    if (first + i === selected) return paint("7", `${mark}${text}`, screen);
    const code = lineCodes[level];
    return mark + (code === undefined ? text : paint(code, text, screen));
  });
}

const lineCodes: Readonly<Record<string, string>> = {
  fatal: "1;31",
  critical: "1;31",
  error: "31",
  warn: "33",
  debug: "2",
  trace: "2",
};

const emptyText = "no lines in this range: r asks for more of it, e changes the query";

/** The selection stands in the middle, except at the ends. */
function firstVisible(count: number, selected: number, room: number): number {
  return Math.max(0, Math.min(count - room, selected - Math.floor(room / 2)));
}

function detailLines(state: ExploreState, screen: Screen, room: number): string[] {
  const entry = state.entries[state.selected];
  if (entry === undefined) return [];
  const { columns } = screen;
  const time = formatGoTime({ ns: entry.timeNs, zone: screen.zone }, detailLayout);
  const plain = plainText(entry.line);
  const lineRows = Math.max(1, Math.min(4, Math.ceil(plain.length / columns), room - 4));
  const head = Array.from({ length: lineRows }, (_, i) =>
    fitCells(plain.slice(i * columns, (i + 1) * columns), columns),
  );
  const rows = detailRows(state);
  const width = Math.min(30, Math.max(4, ...rows.map(({ name }) => name.length)));
  const space = Math.max(1, room - head.length - 2);
  const first = firstVisible(rows.length, state.detailAt, space);
  const table = rows.slice(first, first + space).map(({ category, name, value }, i) => {
    const text = ` ${category.padEnd(8)} ${fitCells(plainText(name), width)}  ${plainText(value)}`;
    const line = fitCells(text, columns);
    return first + i === state.detailAt ? paint("7", line, screen) : line;
  });
  return [paint("1", fitCells(time, columns), screen), ...head, "─".repeat(columns), ...table];
}

const detailLayout = "2006-01-02T15:04:05.000000000Z07:00";

function bottomLine(state: ExploreState, screen: Screen): string {
  const keys = {
    lines: "e query  / search  r range  enter unfold  c context  t tail  ? keys",
    detail: "↑↓ choose  + filter in  - filter out  c context  esc back",
    query: "enter run  ↑ history  ctrl-u clear  esc back",
    search: "enter find  esc back",
    range: "15m, 1h, 2d …  enter load  esc back",
    help: "any key goes back",
  }[state.mode];
  const place = state.entries.length === 0 ? "" : `${state.selected + 1}/${state.entries.length} `;
  const busy = state.isLoading ? "loading … " : "";
  const text = state.message === "" ? keys : plainText(state.message);
  const right = ` ${busy}${place}`;
  return paint("7", fitCells(` ${text}`, screen.columns - right.length) + right, screen);
}

const helpLines: readonly string[] = [
  " e  :        edit the query (↑ ↓ history)",
  " r           how far to look back: 15m, 1h, 2d",
  " R           ask again",
  " /           search in the lines; n, N next and previous",
  " ↑ ↓ j k     line by line; ↑ on the first one fetches older lines",
  " PgUp PgDn   page by page; g, G to the ends",
  " enter       unfold a line: labels, metadata, fields; there + and - filter",
  " c           lines around this one, in its stream; esc goes back",
  " t           live tail on and off",
  " h           histogram on and off",
  " q  ctrl-c   quit",
];

/**
 * What the terminal explorer shows and how keys change it. Pure: what needs a server is given back
 * as a wish, and its answer comes in through `withAnswer`.
 */
import { makeMatcher, printExpr } from "#logql";
import type { CategorizedEntry } from "./categorized-entries.ts";
import { joinedEntry } from "./categorized-entries.ts";
import { queryOf } from "./parsed-query.ts";

export type Mode = "lines" | "query" | "search" | "range" | "detail" | "help";

export interface Histogram {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Counts of each column, by level. */
  readonly levels: ReadonlyMap<string, readonly number[]>;
}

export interface ExploreState {
  readonly mode: Mode;
  readonly query: string;
  /** `1h`, as --since takes it. */
  readonly since: string;
  /** Oldest first. */
  readonly entries: readonly CategorizedEntry[];
  readonly selected: number;
  readonly input: string;
  readonly history: readonly string[];
  readonly historyAt: number;
  readonly search: string;
  readonly detailAt: number;
  readonly isTailing: boolean;
  readonly isLoading: boolean;
  readonly hasHistogram: boolean;
  readonly histogram: Histogram | undefined;
  readonly message: string;
  /** What was shown before the context of a line. */
  readonly before: ExploreState | undefined;
}

/** What the keys ask of the world. */
export type Wish = "load" | "older" | "context" | "tail" | "stopTail" | "quit";

export interface Step {
  readonly state: ExploreState;
  readonly wish?: Wish;
}

/** More lines are a page further, not more memory. */
export const entriesMax = 10_000;
const historyMax = 100;

export function initialState(query: string, since: string): ExploreState {
  return {
    mode: query === "" ? "query" : "lines",
    query,
    since,
    entries: [],
    selected: 0,
    input: query,
    history: [],
    historyAt: 0,
    search: "",
    detailAt: 0,
    isTailing: false,
    isLoading: false,
    hasHistogram: true,
    histogram: undefined,
    message: "",
    before: undefined,
  };
}

/** `page`: lines that are visible. */
export function press(state: ExploreState, key: string, page: number): Step {
  if (key === "interrupt") return { state, wish: "quit" };
  switch (state.mode) {
    case "lines":
      return pressLines({ ...state, message: "" }, key, page);
    case "detail":
      return pressDetail(state, key);
    case "help":
      return { state: { ...state, mode: "lines" } };
    case "query":
    case "search":
    case "range":
      return pressInput(state, key);
    default:
      return state.mode satisfies never;
  }
}

const moves: Readonly<Record<string, (page: number) => number>> = {
  up: () => -1,
  k: () => -1,
  down: () => 1,
  j: () => 1,
  pageup: (page) => -page,
  pagedown: (page) => page,
  " ": (page) => page,
  home: () => Number.NEGATIVE_INFINITY,
  g: () => Number.NEGATIVE_INFINITY,
  end: () => Number.POSITIVE_INFINITY,
  G: () => Number.POSITIVE_INFINITY,
};

function pressLines(state: ExploreState, key: string, page: number): Step {
  const move = moves[key];
  if (move !== undefined) return moved(state, move(page));
  switch (key) {
    case "q":
      return { state, wish: "quit" };
    case "e":
    case ":":
      return { state: { ...state, mode: "query", input: state.query, historyAt: 0 } };
    case "/":
      return { state: { ...state, mode: "search", input: state.search } };
    case "r":
      return { state: { ...state, mode: "range", input: state.since } };
    case "R":
      return { state, wish: "load" };
    case "n":
      return { state: searched(state, 1) };
    case "N":
      return { state: searched(state, -1) };
    case "enter":
      if (state.entries.length === 0) return { state };
      return { state: { ...state, mode: "detail", detailAt: 0 } };
    case "t":
      return { state, wish: state.isTailing ? "stopTail" : "tail" };
    case "c":
      return state.entries.length === 0 ? { state } : { state, wish: "context" };
    case "h":
      return { state: { ...state, hasHistogram: !state.hasHistogram } };
    case "escape":
      return { state: state.before ?? { ...state, search: "" } };
    case "?":
      return { state: { ...state, mode: "help" } };
    default:
      return { state };
  }
}

function moved(state: ExploreState, by: number): Step {
  const last = Math.max(0, state.entries.length - 1);
  const selected = Math.min(last, Math.max(0, state.selected + by));
  const wantsOlder = by === -1 && state.selected === 0 && state.before === undefined;
  const next = { ...state, selected };
  return wantsOlder && last > 0 ? { state: next, wish: "older" } : { state: next };
}

/** The next line, in a circle, that has the term; capitals count only when the term has some. */
function searched(state: ExploreState, direction: 1 | -1): ExploreState {
  const { entries, search, selected } = state;
  if (search === "") return { ...state, message: "nothing is searched yet: /" };
  for (let i = 1; i <= entries.length; i++) {
    const at = (selected + direction * i + entries.length * 2) % entries.length;
    if (isFound(entries[at]!.line, search)) return { ...state, selected: at, message: "" };
  }
  return { ...state, message: `no line here has ${JSON.stringify(search)}` };
}

export function isFound(line: string, search: string): boolean {
  const isSame = search !== search.toLowerCase();
  return isSame ? line.includes(search) : line.toLowerCase().includes(search);
}

function pressInput(state: ExploreState, key: string): Step {
  switch (key) {
    case "enter":
      return entered(state);
    case "escape":
      return { state: { ...state, mode: "lines" } };
    case "backspace":
      return { state: { ...state, input: Array.from(state.input).slice(0, -1).join("") } };
    case "clear":
      return { state: { ...state, input: "" } };
    case "up":
    case "down":
      return { state: fromHistory(state, key === "up" ? 1 : -1) };
    default:
      if (Array.from(key).length > 1) return { state };
      return { state: { ...state, input: state.input + key } };
  }
}

function fromHistory(state: ExploreState, by: number): ExploreState {
  if (state.mode !== "query") return state;
  const historyAt = Math.min(state.history.length, Math.max(0, state.historyAt + by));
  const input = historyAt === 0 ? state.query : state.history.at(-historyAt)!;
  return { ...state, historyAt, input };
}

function entered(state: ExploreState): Step {
  const input = state.input.trim();
  const lines = { ...state, mode: "lines" as const, message: "" };
  if (state.mode === "search") return { state: searched({ ...lines, search: input }, -1) };
  if (state.mode === "range") {
    return { state: { ...lines, since: input, before: undefined }, wish: "load" };
  }
  return { state: withQuery(lines, input), wish: "load" };
}

export function withQuery(state: ExploreState, query: string): ExploreState {
  const others = state.history.filter((one) => one !== query);
  const history = [...others, query].slice(-historyMax);
  return { ...state, mode: "lines", query, history, before: undefined };
}

export interface DetailRow {
  readonly category: "label" | "metadata" | "field";
  readonly name: string;
  readonly value: string;
}

export function detailRows(state: ExploreState): DetailRow[] {
  const entry = state.entries[state.selected];
  if (entry === undefined) return [];
  const rows = (category: DetailRow["category"], labels: CategorizedEntry["stream"]): DetailRow[] =>
    labels.pairs.map(([name, value]) => ({ category, name, value }));
  const parsed = rows("field", entry.parsed);
  const fields = parsed.length > 0 ? parsed : fieldsOfLine(entry.line);
  return [...rows("label", entry.stream), ...rows("metadata", entry.metadata), ...fields];
}

/** Fields that a parser of the query would find: members of JSON, or of logfmt. */
function fieldsOfLine(line: string): DetailRow[] {
  const row = (name: string, value: string): DetailRow => ({ category: "field", name, value });
  if (line.startsWith("{")) {
    try {
      const members = Object.entries(JSON.parse(line) as object);
      return members
        .filter(([, value]) => typeof value !== "object")
        .map(([name, value]) => row(name, String(value)));
    } catch {
      return [];
    }
  }
  const found = line.matchAll(/(?:^|\s)([A-Za-z_][\w.]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g);
  return Array.from(found, ([, name, quoted, bare]) => row(name!, quoted ?? bare ?? ""));
}

function pressDetail(state: ExploreState, key: string): Step {
  const rows = detailRows(state);
  const last = Math.max(0, rows.length - 1);
  switch (key) {
    case "up":
    case "k":
      return { state: { ...state, detailAt: Math.max(0, state.detailAt - 1) } };
    case "down":
    case "j":
      return { state: { ...state, detailAt: Math.min(last, state.detailAt + 1) } };
    case "+":
    case "-": {
      const row = rows[state.detailAt];
      if (row === undefined) return { state };
      const line = state.entries[state.selected]!.line;
      const query = filtered(state.query, row, { isOut: key === "-", line });
      return { state: withQuery(state, query), wish: "load" };
    }
    case "c":
      return { state: { ...state, mode: "lines" }, wish: "context" };
    case "q":
    case "enter":
    case "escape":
      return { state: { ...state, mode: "lines" } };
    default:
      return { state };
  }
}

/** The query with one more condition: in the selector for a label of the stream, else behind it. */
export function filtered(
  query: string,
  { category, name, value }: DetailRow,
  { isOut, line }: { isOut: boolean; line: string },
): string {
  const expr = queryOf(query);
  if (expr.kind !== "log") return query;
  const op = isOut ? "!=" : "=";
  if (category === "label") {
    const matchers = expr.matchers.filter((one) => one.name !== name || one.op !== op);
    return printExpr({ ...expr, matchers: [...matchers, makeMatcher(name, op, value)] });
  }
  const isParsed = expr.stages.some(({ kind }) => parsers.has(kind));
  const parser = category === "field" && !isParsed ? parserOf(line) : "";
  const field = name.replace(/[^A-Za-z0-9_]/g, "_");
  return `${printExpr(expr)}${parser} | ${field}${op}${JSON.stringify(value)}`;
}

const parsers: ReadonlySet<string> = new Set(["json", "logfmt", "pattern", "regexp", "unpack"]);

function parserOf(line: string): string {
  return line.startsWith("{") ? " | json" : " | logfmt";
}

/** New lines at the end; the selection follows them when it stood there. */
export function withTail(state: ExploreState, fresh: readonly CategorizedEntry[]): ExploreState {
  const wasLast = state.selected >= state.entries.length - 1;
  const all = [...state.entries, ...fresh];
  const dropped = Math.max(0, all.length - entriesMax);
  const entries = dropped > 0 ? all.slice(dropped) : all;
  const selected = wasLast ? entries.length - 1 : Math.max(0, state.selected - dropped);
  return { ...state, entries, selected: Math.max(0, selected) };
}

/** Older lines in front; what is selected stays selected. */
export function withOlder(state: ExploreState, older: readonly CategorizedEntry[]): ExploreState {
  const seen = new Set(state.entries.slice(0, 1000).map(keyOf));
  const fresh = older.filter((entry) => !seen.has(keyOf(entry)));
  if (fresh.length === 0) return { ...state, message: "there are no older lines in the range" };
  const entries = [...fresh, ...state.entries].slice(0, entriesMax);
  return { ...state, entries, selected: Math.max(0, fresh.length - 1) };
}

function keyOf(entry: CategorizedEntry): string {
  return `${entry.timeNs} ${joinedEntry(entry).labels.key} ${entry.line}`;
}

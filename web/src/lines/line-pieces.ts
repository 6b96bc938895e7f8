// A line as it is shown: terminal colours, marks, and JSON over several lines when wanted. Pure; the
// result is texts with how they look.
import { type AnsiStyle, ansiPieces, withoutAnsi } from "./ansi.ts";
import { type Mark, marksIn } from "./highlight.ts";

export interface LinePiece {
  readonly text: string;
  readonly style: AnsiStyle;
  readonly isMarked: boolean;
  /** Of JSON that was taken apart. */
  readonly part?: "key" | "string" | "number" | "word";
}

/** A longer line is cut where it is shown; unfolded and copied it is whole. */
export const shownCharsMax = 5_000;
/** Longer JSON is shown as it came: taking it apart would be felt. */
const prettyCharsMax = 100_000;

const plain: AnsiStyle = {};

export interface LineLook {
  readonly markers: readonly RegExp[];
  readonly isPretty: boolean;
  readonly isWhole: boolean;
}

export function linePieces(line: string, look: LineLook): LinePiece[] {
  const pretty = look.isPretty ? prettyJson(line) : undefined;
  if (pretty !== undefined) return marked(jsonPieces(pretty), marksIn(pretty, look.markers));
  const shown = look.isWhole ? line : cut(line);
  const marks = marksIn(withoutAnsi(shown), look.markers);
  return marked(ansiPieces(shown), marks);
}

function cut(line: string): string {
  return line.length > shownCharsMax ? `${line.slice(0, shownCharsMax)} …` : line;
}

/** Indented when the line is an object or a list in JSON, else undefined. Numbers stay as written. */
export function prettyJson(line: string): string | undefined {
  const text = line.trim();
  if (!/^[{[]/.test(text) || text.length > prettyCharsMax) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indented(text);
}

const jsonTokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Not by JSON.stringify: that would round large numbers and drop keys that come twice. */
function indented(text: string): string {
  let result = "";
  let depth = 0;
  let before = "";
  for (const [token] of text.matchAll(jsonTokens)) {
    const isClose = token === "}" || token === "]";
    if (isClose) depth--;
    const isEmpty = isClose && (before === "{" || before === "[");
    if (isNewLine(token, before) && !isEmpty) result += `\n${"  ".repeat(depth)}`;
    result += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth++;
    before = token;
  }
  return result;
}

function isNewLine(token: string, before: string): boolean {
  if (before === "" || token === "," || token === ":") return false;
  return before === "{" || before === "[" || before === "," || token === "}" || token === "]";
}

type Unmarked = Omit<LinePiece, "isMarked">;

function jsonPieces(text: string): Unmarked[] {
  const pieces: Unmarked[] = [];
  let from = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(:)?|-?\d[\d.eE+-]*|true|false|null/g)) {
    const to = match.index + match[0].length;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), style: plain });
    pieces.push({ text: match[0], style: plain, part: partOf(match[0]) });
    from = to;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), style: plain });
  return pieces;
}

function partOf(token: string): NonNullable<LinePiece["part"]> {
  if (token.startsWith('"')) return token.endsWith(":") ? "key" : "string";
  return /^[tfn]/.test(token) ? "word" : "number";
}

/** Pieces cut at the borders of marks, which count in the joined text. */
function marked(pieces: readonly Unmarked[], marks: readonly Mark[]): LinePiece[] {
  if (marks.length === 0) return pieces.map((piece) => ({ ...piece, isMarked: false }));
  const result: LinePiece[] = [];
  let offset = 0;
  let next = 0;
  for (const piece of pieces) {
    const end = offset + piece.text.length;
    let at = offset;
    while (at < end) {
      while (next < marks.length && marks[next]!.to <= at) next++;
      const mark = marks[next];
      const isMarked = mark !== undefined && mark.from <= at;
      const border = isMarked ? mark.to : (mark?.from ?? end);
      const to = Math.min(border, end);
      result.push({ ...piece, text: piece.text.slice(at - offset, to - offset), isMarked });
      at = to;
    }
    offset = end;
  }
  return result;
}

import type { CSSProperties, JSX } from "preact";
import { useMemo } from "preact/hooks";
import { formatClock, formatNs, msOfNs } from "../state/format.ts";
import { zone } from "../state/zone.ts";
import { formatAgo } from "./ago.ts";
import type { AnsiStyle } from "./ansi.ts";
import { columns, isPretty, timeLook, valueOf } from "./display.ts";
import type { Entry } from "./entry.ts";
import { type LinePiece, linePieces } from "./line-pieces.ts";
import "./line-row.css";

export interface LineRowProps {
  readonly entry: Entry;
  readonly index: number;
  readonly markers: readonly RegExp[];
  readonly isOpen: boolean;
  readonly isSelected: boolean;
  /** The line that was asked for: of a permalink, or in the middle of its context. */
  readonly isMeant: boolean;
  readonly onToggle: () => void;
  readonly children?: JSX.Element | undefined;
}

/** One entry: time, chosen columns, line; unfolded with what is known of it below. */
export function LineRow(props: LineRowProps): JSX.Element {
  const { entry, index, isOpen, isSelected, isMeant, onToggle } = props;
  const classes = ["line", `level-${entry.level}`];
  if (isOpen) classes.push("open");
  if (isSelected) classes.push("selected");
  if (isMeant) classes.push("meant");
  const onClick = (): void => {
    // Who selects text does not want the line to unfold.
    if (getSelection()?.isCollapsed !== false) onToggle();
  };
  return (
    <li class={classes.join(" ")} data-index={index} aria-current={isMeant ? "true" : undefined}>
      <div class="line-head" onClick={onClick}>
        <button
          type="button"
          class="line-fold"
          aria-expanded={isOpen}
          aria-label={`${entry.level} line at ${formatClock(entry.timeNs)}`}
          onClick={(event) => {
            event.stopPropagation();
            onToggle();
          }}
        >
          <span aria-hidden="true">▸</span>
        </button>
        <LineTime timeNs={entry.timeNs} />
        {columns.value.map((name) => (
          <span class="line-column" key={name} title={`${name}: ${valueOf(entry, name) ?? ""}`}>
            {valueOf(entry, name) ?? <i aria-label="missing">–</i>}
          </span>
        ))}
        <LineText entry={entry} markers={props.markers} isWhole={isOpen} />
      </div>
      {props.children}
    </li>
  );
}

function LineTime({ timeNs }: { readonly timeNs: string }): JSX.Element | null {
  const look = timeLook.value;
  // Read here, so that times follow the zone.
  void zone.value;
  if (look === "none") return null;
  const full = formatNs(timeNs);
  const texts = { date: full, time: full.slice(11), ago: formatAgo(Date.now() - msOfNs(timeNs)) };
  return (
    <time title={`${full}${timeNs.slice(-6)} (${zone.value === "utc" ? "UTC" : "local"})`}>
      {texts[look]}
    </time>
  );
}

interface LineTextProps {
  readonly entry: Entry;
  readonly markers: readonly RegExp[];
  readonly isWhole: boolean;
}

function LineText({ entry, markers, isWhole }: LineTextProps): JSX.Element {
  const pretty = isPretty.value;
  const pieces = useMemo(
    () => linePieces(entry.line, { markers, isPretty: pretty, isWhole }),
    [entry, markers, pretty, isWhole],
  );
  const only = pieces[0];
  if (pieces.length === 0) return <span class="text empty">(empty line)</span>;
  if (pieces.length === 1 && isPlain(only!)) return <span class="text">{only!.text}</span>;
  return <span class="text">{pieces.map(pieceOf)}</span>;
}

function isPlain({ isMarked, style, part }: LinePiece): boolean {
  return !isMarked && part === undefined && Object.keys(style).length === 0;
}

function pieceOf(piece: LinePiece, index: number): JSX.Element | string {
  if (isPlain(piece)) return piece.text;
  const { text, style, isMarked, part } = piece;
  const classes = [...classesOf(style), ...(part === undefined ? [] : [`json-${part}`])];
  const look = { class: classes.join(" "), style: colorsOf(style) };
  if (!isMarked) {
    return (
      <span key={index} {...look}>
        {text}
      </span>
    );
  }
  return (
    <mark key={index} {...look}>
      {text}
    </mark>
  );
}

function classesOf(style: AnsiStyle): string[] {
  const { color, background, isBold, isFaint, isItalic, isUnderlined } = style;
  const classes: string[] = [];
  if (color !== undefined && !color.startsWith("#")) classes.push(`ansi-${color}`);
  if (background !== undefined && !background.startsWith("#"))
    classes.push(`ansi-on-${background}`);
  if (isBold === true) classes.push("ansi-bold");
  if (isFaint === true) classes.push("ansi-faint");
  if (isItalic === true) classes.push("ansi-italic");
  if (isUnderlined === true) classes.push("ansi-underlined");
  return classes;
}

/** Only colours that `ansiPieces` wrote itself, as `#rrggbb`. */
function colorsOf({ color, background }: AnsiStyle): CSSProperties {
  return {
    ...(color?.startsWith("#") === true ? { color } : {}),
    ...(background?.startsWith("#") === true ? { background } : {}),
  };
}

import { type Signal, signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Icon } from "../app/icons.tsx";
import { Popover } from "../app/popover.tsx";
import { formatMoment } from "../state/format.ts";
import { askAgain, change } from "../state/location.ts";
import { type ChosenRange, parseMoment, rangeTitle } from "../state/time-range.ts";
import { zone } from "../state/zone.ts";
import { chosenRange, rangeNow } from "./address.ts";
import "./range-picker.css";

const quickRanges = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d", "90d"];

/** Ranges before the one shown, the last one last: what `undoRange` goes back to. */
const before: Signal<readonly ChosenRange[]> = signal([]);
/** Nobody remembers more steps than this. */
const beforeMax = 50;

/** Sets the range of the view and asks for its data; a step that "back" undoes. */
export function chooseRange(from: string, to: string): void {
  before.value = [...before.value, chosenRange.peek()].slice(-beforeMax);
  change({ from, to }, "push");
  askAgain();
}

/** The range before this one; the query stays. */
export function undoRange(): void {
  const last = before.value.at(-1);
  if (last === undefined) return;
  before.value = before.value.slice(0, -1);
  change({ from: last.from, to: last.to }, "push");
  askAgain();
}

export function UndoRangeButton(): JSX.Element {
  return (
    <button
      type="button"
      class="button icon"
      aria-label="Back to the range before"
      title="Back to the range before ([)"
      disabled={before.value.length === 0}
      onClick={undoRange}
    >
      <Icon name="back" />
    </button>
  );
}

/** A range by moments, as dragging over a chart gives it. */
export function zoomTo(fromMs: number, toMs: number): void {
  chooseRange(String(Math.floor(fromMs)), String(Math.ceil(toMs)));
}

/** The same middle, twice the width. */
export function zoomOut(): void {
  const { fromMs, toMs } = rangeNow();
  const quarter = (toMs - fromMs) / 2;
  zoomTo(fromMs - quarter, Math.min(toMs + quarter, Math.max(toMs, Date.now())));
}

export function RangePicker(): JSX.Element {
  const title = rangeTitle(chosenRange.value, formatMoment);
  return (
    <Popover
      label={`Time range: ${title}`}
      title="Time range (d)"
      button={
        <>
          <Icon name="clock" /> <span class="range-title">{title}</span>
        </>
      }
    >
      {(close) => <RangeForm close={close} />}
    </Popover>
  );
}

function RangeForm({ close }: { readonly close: () => void }): JSX.Element {
  return (
    <div class="range-form">
      <div class="range-quick" role="group" aria-label="Relative ranges">
        {quickRanges.map((span) => (
          <button
            type="button"
            key={span}
            class="button quiet"
            aria-pressed={
              chosenRange.value.from === `now-${span}` && chosenRange.value.to === "now"
            }
            onClick={() => {
              chooseRange(`now-${span}`, "now");
              close();
            }}
          >
            {rangeTitle({ from: `now-${span}`, to: "now" }, formatMoment)}
          </button>
        ))}
      </div>
      <AbsoluteForm close={close} />
    </div>
  );
}

function AbsoluteForm({ close }: { readonly close: () => void }): JSX.Element {
  const from = useSignal(shown(chosenRange.value.from));
  const to = useSignal(shown(chosenRange.value.to));
  const failure = useSignal("");
  const apply = (event: Event): void => {
    event.preventDefault();
    const [fromText, toText] = [kept(from.value), kept(to.value)];
    const fromMs = fromText === undefined ? undefined : parseMoment(fromText, Date.now());
    const toMs = toText === undefined ? undefined : parseMoment(toText, Date.now());
    if (fromMs === undefined || toMs === undefined) {
      failure.value = "Write now, now-2h, or a time as 2026-01-31 14:05:00";
    } else if (fromMs >= toMs) {
      failure.value = "The range ends before it begins";
    } else {
      chooseRange(fromText!, toText!);
      close();
    }
  };
  return (
    <form class="range-absolute" onSubmit={apply}>
      <label>
        From
        <input
          class="field"
          value={from.value}
          onInput={(e) => (from.value = e.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input class="field" value={to.value} onInput={(e) => (to.value = e.currentTarget.value)} />
      </label>
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      <button type="submit" class="button primary">
        Apply
      </button>
      <label class="range-zone">
        Times in
        <select
          class="field"
          value={zone.value}
          onChange={(event) => (zone.value = event.currentTarget.value === "utc" ? "utc" : "local")}
        >
          <option value="local">local time</option>
          <option value="utc">UTC</option>
        </select>
      </label>
    </form>
  );
}

function shown(text: string): string {
  return /^\d+$/.test(text) ? formatMoment(Number(text)) : text;
}

/** Relative texts stay as they are; moments become milliseconds, read in the zone shown. */
function kept(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith("now")) return trimmed;
  const isBare = /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/.test(trimmed);
  const dated = trimmed.length === 10 ? `${trimmed} 00:00` : trimmed;
  const ms = parseMoment(isBare && zone.value === "utc" ? `${dated}Z` : dated, Date.now());
  return ms === undefined ? undefined : String(ms);
}

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { Popover } from "../app/popover.tsx";
import { formatCount } from "../state/format.ts";
import { change } from "../state/location.ts";
import { zone } from "../state/zone.ts";
import { columns, isPretty, isWrapped, timeLook, timeLooks, toggleColumn } from "./display.ts";
import { DownloadButton } from "./download-button.tsx";
import type { Entry } from "./entry.ts";
import type { LinesPanelProps } from "./lines-panel.tsx";

const timeNames = { date: "Date and time", time: "Time", ago: "How long ago", none: "No time" };

/** Above the lines: how they are shown, and taking them away. */
export function LinesToolbar(props: LinesPanelProps): JSX.Element {
  const { entries, hasMore } = props;
  return (
    <div class="lines-toolbar" role="toolbar" aria-label="How lines are shown">
      <span class="lines-count">
        {formatCount(entries.length)}
        {hasMore ? " loaded" : ""}
      </span>
      <Toggle title="Wrap" hint="Long lines over several rows (w)" state={isWrapped} />
      <Toggle title="JSON" hint="JSON over several rows (p)" state={isPretty} />
      <ColumnsButton entries={entries} />
      <select
        class="field"
        aria-label="Times of lines"
        value={timeLook.value}
        onChange={(event) => {
          const { value } = event.currentTarget;
          timeLook.value = timeLooks.find((look) => look === value) ?? "date";
        }}
      >
        {Object.entries(timeNames).map(([look, name]) => (
          <option key={look} value={look}>
            {name}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="button quiet"
        aria-label={`Times in ${zone.value === "utc" ? "UTC" : "local time"}; switch`}
        onClick={() => (zone.value = zone.value === "utc" ? "local" : "utc")}
      >
        {zone.value === "utc" ? "UTC" : "Local"}
      </button>
      <span class="toolbar-space" />
      {props.children}
      <DownloadButton query={props.query} range={props.range} direction={props.direction} />
      {columns.value.length > 0 && <ChosenColumns />}
    </div>
  );
}

interface ToggleProps {
  readonly title: string;
  readonly hint: string;
  readonly state: { value: boolean };
}

function Toggle({ title, hint, state }: ToggleProps): JSX.Element {
  return (
    <button
      type="button"
      class="button quiet"
      title={hint}
      aria-pressed={state.value}
      onClick={() => (state.value = !state.value)}
    >
      {title}
    </button>
  );
}

/** Which columns are shown, in their order; each goes by a click. */
function ChosenColumns(): JSX.Element {
  return (
    <div class="chosen-columns" role="group" aria-label="Chosen columns">
      {columns.value.map((name) => (
        <button
          type="button"
          key={name}
          aria-label={`${name}: hide this column`}
          onClick={() => toggleColumn(name)}
        >
          {name} <span aria-hidden="true">×</span>
        </button>
      ))}
    </div>
  );
}

/** Names are looked for in this many entries. */
const lookedAtMax = 500;
/** More names than this are not offered. */
const namesMax = 200;

function namesIn(entries: readonly Entry[]): string[] {
  const names = new Set<string>();
  for (const { labels, metadata, parsed } of entries.slice(0, lookedAtMax)) {
    for (const group of [labels, metadata, parsed]) {
      for (const name of Object.keys(group)) if (names.size < namesMax) names.add(name);
    }
  }
  return [...names].sort();
}

function ColumnsButton({ entries }: { readonly entries: readonly Entry[] }): JSX.Element {
  const chosen = columns.value;
  const count = chosen.length === 0 ? "" : ` ${chosen.length}`;
  return (
    <Popover
      button={
        <>
          <Icon name="columns" /> Columns{count}
        </>
      }
      label={`Columns${count}: ${chosen.length === 0 ? "none" : chosen.join(", ")}`}
    >
      {() => <ColumnsList entries={entries} />}
    </Popover>
  );
}

function ColumnsList({ entries }: { readonly entries: readonly Entry[] }): JSX.Element {
  const found = useMemo(() => namesIn(entries), [entries]);
  const chosen = columns.value;
  const names = [...chosen, ...found.filter((name) => !chosen.includes(name))];
  return (
    <div class="columns-list">
      {names.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={() => toggleColumn(name)}
          />{" "}
          {name}
        </label>
      ))}
      {names.length === 0 && <p class="soft">These lines have no labels.</p>}
      {chosen.length > 0 && (
        <button
          type="button"
          class="button quiet"
          onClick={() => change({ cols: undefined }, "replace")}
        >
          None
        </button>
      )}
    </div>
  );
}

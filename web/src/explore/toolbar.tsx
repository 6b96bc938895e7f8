import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Icon, type IconName } from "../app/icons.tsx";
import { reasonOf } from "../api/client.ts";
import { askFormatted } from "../api/questions.ts";
import { askAgain, change, formatHash, place } from "../state/location.ts";
import { isRelative } from "../state/time-range.ts";
import { copy, say } from "../state/toasts.ts";
import {
  chosenRange,
  direction,
  limit,
  openPanel,
  rangeNow,
  refresh,
  refreshes,
} from "./address.ts";
import { RangePicker, UndoRangeButton, zoomOut } from "./range-picker.tsx";
import { cancel, isRunning, run } from "./session.ts";
import "./toolbar.css";

const limits = [100, 500, 1_000, 2_000, 5_000];

interface ToolbarProps {
  /** What stands in the editor. */
  readonly draft: Signal<string>;
  readonly onRun: () => void;
}

/** Everything around the editor: panels on the left; range, refresh and run on the right. */
export function Toolbar({ draft, onRun }: ToolbarProps): JSX.Element {
  return (
    <div class="toolbar" role="toolbar" aria-label="Query">
      <PanelButton name="labels" icon="labels" title="Labels" />
      <PanelButton name="history" icon="history" title="History" />
      <PanelButton name="explain" icon="chart" title="Explain" />
      <button type="button" class="button quiet" onClick={() => void formatDraft(draft)}>
        <Icon name="format" /> <span class="toolbar-text">Format</span>
      </button>
      <button
        type="button"
        class="button quiet"
        title="Copy the address of this view, with the times it shows"
        onClick={() => void copy(fixedAddress(), "Link copied")}
      >
        <Icon name="link" /> <span class="toolbar-text">Share</span>
      </button>
      <span class="toolbar-space" />
      <OrderSelect />
      <LimitSelect />
      <UndoRangeButton />
      <RangePicker />
      <button
        type="button"
        class="button icon"
        aria-label="Zoom out"
        title="Zoom out (-)"
        onClick={zoomOut}
      >
        <Icon name="minus" />
      </button>
      <RefreshSelect />
      <RunButton onRun={onRun} />
    </div>
  );
}

/** Writes the query as the server would; what it cannot read stays as it is. */
async function formatDraft(draft: Signal<string>): Promise<void> {
  const text = draft.peek();
  try {
    const formatted = await askFormatted(text);
    if (draft.peek() === text) draft.value = formatted;
  } catch (error) {
    say(reasonOf(error), "failure");
  }
}

/** The address with moments for a relative range: it shows the same lines tomorrow. */
function fixedAddress(): string {
  const { fromMs, toMs } = run.peek()?.range ?? rangeNow();
  const parameters = new URLSearchParams(place.peek().parameters);
  parameters.set("from", String(Math.floor(fromMs)));
  parameters.set("to", String(Math.ceil(toMs)));
  parameters.delete("refresh");
  const url = new URL(location.href);
  url.hash = formatHash({ view: "explore", parameters });
  return url.href;
}

/** Opens and closes a panel below the toolbar; the address says which one is open. */
export function togglePanel(name: string): void {
  change({ panel: openPanel.peek() === name ? undefined : name }, "replace");
}

interface PanelButtonProps {
  readonly name: string;
  readonly icon: IconName;
  readonly title: string;
}

function PanelButton({ name, icon, title }: PanelButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="button quiet"
      aria-expanded={openPanel.value === name}
      onClick={() => togglePanel(name)}
    >
      <Icon name={icon} /> <span class="toolbar-text">{title}</span>
    </button>
  );
}

function RunButton({ onRun }: { readonly onRun: () => void }): JSX.Element {
  if (isRunning.value) {
    return (
      <button type="button" class="button run-button" onClick={cancel}>
        <Icon name="stop" /> Cancel
      </button>
    );
  }
  return (
    <button type="button" class="button primary run-button" title="Shift+Enter" onClick={onRun}>
      <Icon name="run" /> Run
    </button>
  );
}

function OrderSelect(): JSX.Element {
  return (
    <select
      class="field"
      aria-label="Order of lines"
      value={direction.value}
      onChange={(event) => {
        const { value } = event.currentTarget;
        change({ dir: value === "forward" ? value : undefined }, "replace");
      }}
    >
      <option value="backward">Newest first</option>
      <option value="forward">Oldest first</option>
    </select>
  );
}

function LimitSelect(): JSX.Element {
  const shown = limits.includes(limit.value) ? limits : [...limits, limit.value];
  return (
    <select
      class="field"
      aria-label="Lines of a page"
      title="Lines that are loaded at once; more come as you scroll"
      value={String(limit.value)}
      onChange={(event) => change({ limit: event.currentTarget.value }, "replace")}
    >
      {shown.map((count) => (
        <option key={count} value={String(count)}>
          {count} lines
        </option>
      ))}
    </select>
  );
}

/** Runs again by itself, while the page is seen and the range ends now. */
function RefreshSelect(): JSX.Element {
  const seconds = refreshes.find(([name]) => name === refresh.value)?.[1] ?? 0;
  const moves = isRelative(chosenRange.value);
  useEffect(() => {
    if (seconds === 0 || !moves) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && !isRunning.peek()) askAgain();
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds, moves]);
  return (
    <select
      class="field"
      aria-label="Refresh"
      title={moves ? "Run again by itself" : "Only a range that ends now is refreshed"}
      disabled={!moves}
      value={refresh.value}
      onChange={(event) => change({ refresh: event.currentTarget.value }, "replace")}
    >
      {refreshes.map(([name]) => (
        <option key={name} value={name}>
          {name === "" ? "No refresh" : `Every ${name}`}
        </option>
      ))}
    </select>
  );
}

import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { logqlCompletion } from "../editor/completion.ts";
import { QueryEditor } from "../editor/query-editor.tsx";
import { tenant, token } from "../state/access.ts";
import { askAgain, change, place, visit } from "../state/location.ts";
import { remember } from "../state/query-history.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { chosenRange, direction, limit, openPanel, query, rangeNow } from "./address.ts";
import { ExplainPanel } from "./explain-panel.tsx";
import "./explore.css";
import { FirstSteps } from "./first-steps.tsx";
import { HistogramPanel } from "./histogram-panel.tsx";
import { HistoryPanel } from "./history-panel.tsx";
import { LabelBrowser } from "./label-browser.tsx";
import { LinesOfRun } from "./lines-of-run.tsx";
import { MetricPanel } from "./metric-panel.tsx";
import { undoRange, zoomOut } from "./range-picker.tsx";
import { cancel, failure, isRunning, reset, result, run, start, warnings } from "./session.ts";
import { StatsBar } from "./stats-bar.tsx";
import { Toolbar, togglePanel } from "./toolbar.tsx";

/** Write a query, see its lines or numbers over time, follow what is found. */
export function ExploreView(): JSX.Element {
  const draft = useSignal(query.value);
  const host = useRef<HTMLDivElement>(null);
  useRunOfAddress(draft, host);
  const completion = useMemo(
    () => logqlCompletion({ range: rangeNow, scope: () => `${tenant.peek()} ${token.peek()}` }),
    [],
  );
  const runText = (text: string): void => {
    draft.value = text;
    change({ q: text.trim() }, "push");
    askAgain();
  };
  const runDraft = (): void => runText(draft.value);
  useShortcuts(shortcutsOf(host, runDraft));
  return (
    <div class="explore" ref={host}>
      <QueryEditor
        text={draft}
        onRun={runDraft}
        failure={draft.value.trim() === run.value?.query ? failure.value : ""}
        extensions={completion}
      />
      <Toolbar draft={draft} onRun={runDraft} />
      {openPanel.value === "labels" && (
        <LabelBrowser
          draft={draft.value}
          onDraft={(text) => (draft.value = text)}
          onRun={runDraft}
        />
      )}
      {openPanel.value === "history" && <HistoryPanel draft={draft.value} onPick={runText} />}
      {openPanel.value === "explain" && <ExplainPanel />}
      {query.value === "" ? <FirstSteps /> : <Answer />}
    </div>
  );
}

function shortcutsOf(host: { readonly current: HTMLElement | null }, runDraft: () => void) {
  const focus = (selector: string): void =>
    host.current?.querySelector<HTMLElement>(selector)?.focus();
  const press = (selector: string): void =>
    host.current?.querySelector<HTMLElement>(selector)?.click();
  return [
    { keys: "/", does: "Write in the editor", run: () => focus(".cm-content") },
    { keys: "r", does: "Run the query", run: runDraft },
    { keys: "x", does: "Cancel what is running", run: cancel },
    { keys: "d", does: "Choose the time range", run: () => press(".popover > .button") },
    { keys: "-", does: "Zoom out", run: zoomOut },
    { keys: "[", does: "Back to the range before", run: undoRange },
    { keys: "l", does: "Open or close the labels", run: () => togglePanel("labels") },
    { keys: "h", does: "Open or close the history", run: () => togglePanel("history") },
    { keys: "e", does: "Open or close explain", run: () => togglePanel("explain") },
  ];
}

/** Runs the query of the address when the address or what it depends on changes. */
function useRunOfAddress(
  draft: Signal<string>,
  host: { readonly current: HTMLElement | null },
): void {
  const { from, to } = chosenRange.value;
  const access = `${tenant.value} ${token.value}`;
  const lastRun = useRef("");
  useEffect(() => {
    if (place.value.view !== "explore") return;
    // Effects run late and read what is now: two quick steps must not become the same run twice.
    const now = `${visit.value} ${tenant.value} ${token.value} ${place.value.parameters.toString()}`;
    if (now === lastRun.current) return;
    lastRun.current = now;
    draft.value = query.value;
    if (query.value === "") {
      reset();
      return;
    }
    remember(query.value);
    start({
      query: query.value,
      range: rangeNow(),
      direction: direction.value,
      limit: limit.value,
      widthPixels: host.current?.clientWidth ?? 800,
    });
  }, [query.value, from, to, direction.value, limit.value, access, visit.value]);
  useEffect(() => cancel, []);
}

function Answer(): JSX.Element {
  const found = result.value;
  const isMetric = found?.kind === "metric";
  return (
    <>
      {isRunning.value && <div class="running-bar" role="progressbar" aria-label="Running" />}
      {failure.value !== "" && (
        <p class="note failure query-failure" role="alert">
          {failure.value}
        </p>
      )}
      {warnings.value.map((warning) => (
        <p class="note warning" key={warning}>
          {warning}
        </p>
      ))}
      {failure.value === "" && !isMetric && <HistogramPanel />}
      <StatsBar />
      {found?.kind === "metric" && found.series.length > 0 && <MetricPanel found={found} />}
      {found?.kind === "log" && found.entries.length > 0 && <LinesOfRun />}
      {isEmpty() && <NothingFound />}
    </>
  );
}

function isEmpty(): boolean {
  const found = result.value;
  if (found === undefined || isRunning.value) return false;
  return found.kind === "log" ? found.entries.length === 0 : found.series.length === 0;
}

function NothingFound(): JSX.Element {
  return (
    <section class="panel nothing-found">
      <h2>Nothing found</h2>
      <p class="soft">No line in this time range passes the query.</p>
      <p>
        <button type="button" class="button" onClick={zoomOut}>
          Look at twice the time
        </button>{" "}
        <button type="button" class="button" onClick={() => togglePanel("labels")}>
          See which labels there are
        </button>
      </p>
    </section>
  );
}

import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { tenant, token } from "../state/access.ts";
import { askAgain, change, visit } from "../state/location.ts";
import { QueryEditor } from "../editor/query-editor.tsx";
import { Icon } from "../app/icons.tsx";
import { LinesPanel } from "../lines/lines-panel.tsx";
import { chosenRange, direction, limit, query, rangeNow } from "./address.ts";
import "./explore.css";
import {
  cancel,
  failure,
  isLoadingMore,
  isRunning,
  loadMore,
  reset,
  result,
  run,
  start,
} from "./session.ts";
import { withLabelFilter, withMatcher } from "./query-text.ts";
import type { FieldFilter } from "../lines/lines-panel.tsx";

export function ExploreView(): JSX.Element {
  const draft = useSignal(query.value);
  const host = useRef<HTMLDivElement>(null);
  useRunOfAddress(draft, host);
  const runDraft = (): void => {
    change({ q: draft.value.trim() }, "push");
    askAgain();
  };
  return (
    <div class="explore" ref={host}>
      <div class="query-row">
        <QueryEditor
          text={draft.value}
          onChange={(text) => (draft.value = text)}
          onRun={runDraft}
          failure={failure.value}
          extensions={[]}
        />
        <RunButton onRun={runDraft} />
      </div>
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      <Result />
    </div>
  );
}

/** Runs the query of the address when the address or what it depends on changes. */
function useRunOfAddress(draft: Signal<string>, host: { current: HTMLElement | null }): void {
  const { from, to } = chosenRange.value;
  const access = `${tenant.value} ${token.value}`;
  useEffect(() => {
    draft.value = query.value;
    if (query.value === "") {
      reset();
      return;
    }
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

function RunButton({ onRun }: { readonly onRun: () => void }): JSX.Element {
  if (isRunning.value) {
    return (
      <button type="button" class="button" onClick={cancel}>
        <Icon name="stop" /> Cancel
      </button>
    );
  }
  return (
    <button type="button" class="button primary" title="Shift+Enter" onClick={onRun}>
      <Icon name="run" /> Run
    </button>
  );
}

function Result(): JSX.Element | null {
  const found = result.value;
  if (found === undefined || run.value === undefined) return null;
  if (found.kind === "metric") return null;
  return (
    <LinesPanel
      entries={found.entries}
      direction={run.value.direction}
      query={run.value.query}
      hasMore={found.nextCursor !== undefined}
      isLoading={isLoadingMore.value}
      onMore={() => void loadMore()}
      onFilterIn={(filter) => filterBy(filter, "=")}
      onFilterOut={(filter) => filterBy(filter, "!=")}
    />
  );
}

function filterBy({ name, value, kind }: FieldFilter, operator: "=" | "!="): void {
  const add = kind === "label" ? withMatcher : withLabelFilter;
  change({ q: add(query.value, { name, operator, value }) }, "push");
}

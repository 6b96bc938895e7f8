import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Icon } from "../app/icons.tsx";
import { formatMoment } from "../state/format.ts";
import { forget, pastQueries, save, savedQueries } from "../state/query-history.ts";
import "./history-panel.css";

interface HistoryPanelProps {
  /** What stands in the editor; it can be saved. */
  readonly draft: string;
  readonly onPick: (query: string) => void;
}

/** Saved queries, then those that were run, newest first. A click runs one. */
export function HistoryPanel({ draft, onPick }: HistoryPanelProps): JSX.Element {
  const search = useSignal("");
  const wanted = search.value.toLowerCase();
  const matches = (text: string): boolean => text.toLowerCase().includes(wanted);
  const saved = savedQueries.value.filter(({ name, query }) => matches(`${name} ${query}`));
  const past = pastQueries.value.filter(({ query }) => matches(query));
  return (
    <section class="history-panel panel" aria-label="Saved queries and history">
      <div class="history-tools">
        <input
          class="field"
          type="search"
          aria-label="Search saved queries and history"
          placeholder="Search"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
        <SaveForm draft={draft} />
      </div>
      {saved.length > 0 && <h3>Saved</h3>}
      <ul>
        {saved.map(({ name, query }) => (
          <li key={name}>
            <button type="button" class="history-query" onClick={() => onPick(query)}>
              <strong>{name}</strong> <code>{query}</code>
            </button>
            <button
              type="button"
              class="button icon quiet"
              aria-label={`Forget ${name}`}
              onClick={() => forget(name)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <h3>History</h3>
      {past.length === 0 && <p class="soft">Queries that you run are listed here.</p>}
      <ul>
        {past.map(({ query, atMs }) => (
          <li key={query}>
            <button type="button" class="history-query" onClick={() => onPick(query)}>
              <code>{query}</code> <span class="soft">{formatMoment(atMs)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SaveForm({ draft }: { readonly draft: string }): JSX.Element {
  const name = useSignal("");
  const submit = (event: Event): void => {
    event.preventDefault();
    save(name.value.trim(), draft);
    name.value = "";
  };
  return (
    <form class="history-save" onSubmit={submit}>
      <input
        class="field"
        aria-label="Name for this query"
        placeholder="Name for this query"
        value={name.value}
        onInput={(event) => (name.value = event.currentTarget.value)}
      />
      <button
        type="submit"
        class="button"
        disabled={name.value.trim() === "" || draft.trim() === ""}
      >
        <Icon name="star" /> Save
      </button>
    </form>
  );
}

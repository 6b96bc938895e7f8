import type { JSX } from "preact";
import { formatNs } from "../state/format.ts";
import type { Entry } from "./entry.ts";
import "./lines-panel.css";

/** What Explore and other views give to a list of lines. */
export interface LinesPanelProps {
  /** In the order shown: newest first when `direction` is backward. */
  readonly entries: readonly Entry[];
  readonly direction: "forward" | "backward";
  /** The query behind the entries, for highlighting its line filters and for downloads. */
  readonly query: string;
  /** There are more entries than these: another page can be asked for by `onMore`. */
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly onMore: () => void;
  /** Adds `name="value"` to the query: to the selector for labels, else as a label filter. */
  readonly onFilterIn: (filter: FieldFilter) => void;
  readonly onFilterOut: (filter: FieldFilter) => void;
}

export interface FieldFilter {
  readonly name: string;
  readonly value: string;
  /** Where the name was found. */
  readonly kind: "label" | "metadata" | "parsed";
}

export function LinesPanel(props: LinesPanelProps): JSX.Element {
  const { entries, hasMore, isLoading, onMore } = props;
  return (
    <section class="lines panel" aria-label="Lines">
      <ol>
        {entries.map((entry, index) => (
          <li key={index} class={`line level-${entry.level}`}>
            <time>{formatNs(entry.timeNs)}</time>
            <span class="text">{entry.line}</span>
          </li>
        ))}
      </ol>
      {hasMore && (
        <button type="button" class="button" disabled={isLoading} onClick={onMore}>
          {isLoading ? "Loading …" : "Load more"}
        </button>
      )}
    </section>
  );
}

import type { JSX } from "preact";
import { openContext } from "./context-place.ts";
import { columns, isPretty, isWrapped, timeLook } from "./display.ts";
import type { Entry } from "./entry.ts";
import { LineDetails } from "./line-details.tsx";
import { LineRow } from "./line-row.tsx";
import { type ListHandle, type ShownRows, VirtualList } from "./virtual-list.tsx";

export interface LineListProps {
  readonly entries: readonly Entry[];
  /** Behind the entries; what its filters change is told by `onQuery`. */
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly markers: readonly RegExp[];
  readonly opened: ReadonlySet<Entry>;
  readonly onToggle: (entry: Entry) => void;
  readonly selected?: Entry | undefined;
  readonly meant?: Entry | undefined;
  readonly handle: { current: ListHandle | undefined };
  readonly coveredPixels?: number;
  readonly onShown?: (shown: ShownRows) => void;
}

const rowPixels = 20;
const prettyRowPixels = 120;

let lastKey = 0;
const keys = new WeakMap<Entry, number>();

/** A number for an entry, the same as long as it is held. */
function keyFor(entry: Entry): number {
  const known = keys.get(entry);
  if (known !== undefined) return known;
  keys.set(entry, ++lastKey);
  return lastKey;
}

/** Entries as rows that unfold; few of them are in the page. */
export function LineList(props: LineListProps): JSX.Element {
  const { entries, query, onQuery, opened, handle, coveredPixels = 0, onShown } = props;
  const look = [isWrapped.value, isPretty.value, timeLook.value, ...columns.value].join(" ");
  return (
    <VirtualList
      items={entries}
      estimatePixels={isPretty.value ? prettyRowPixels : rowPixels}
      look={look}
      handle={handle}
      coveredPixels={coveredPixels}
      {...(onShown === undefined ? {} : { onShown })}
      row={(entry, index) => (
        <LineRow
          key={keyFor(entry)}
          entry={entry}
          index={index}
          markers={props.markers}
          isOpen={opened.has(entry)}
          isSelected={props.selected === entry}
          isMeant={props.meant === entry}
          onToggle={() => props.onToggle(entry)}
        >
          {opened.has(entry) ? (
            <LineDetails
              entry={entry}
              entries={entries}
              query={query}
              onQuery={onQuery}
              onContext={() => openContext(entry)}
            />
          ) : undefined}
        </LineRow>
      )}
    />
  );
}

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { selectorOf } from "../logql/query-text.ts";
import { formatNs } from "../state/format.ts";
import { addressOf, change, parameter } from "../state/location.ts";
import { closeContext, contextKey, contextStream } from "./context-place.ts";
import "./context-drawer.css";
import { isWrapped } from "./display.ts";
import type { Entry } from "./entry.ts";
import { timeOfKey } from "./entry-key.ts";
import { LineList } from "./line-list.tsx";
import { permalinkOf } from "./permalink.ts";
import { type Found, scopeText, type Side, useContextLines } from "./context-lines.ts";
import type { ListHandle } from "./virtual-list.tsx";

/** More lines than this in one context are better read in Explore. */
const entriesMax = 5_000;

const query = parameter("q");

/** What lies around the line that the address names; nothing when it names none. */
export function ContextDrawer(): JSX.Element | null {
  const timeNs = timeOfKey(contextKey.value);
  if (timeNs === undefined || contextStream.value === "") return null;
  return <Drawer key={`${contextKey.value} ${contextStream.value}`} timeNs={timeNs} />;
}

function Drawer({ timeNs }: { readonly timeNs: string }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const handle = useRef<ListHandle | undefined>(undefined);
  const { found, failure, more } = useContextLines(timeNs);
  useEffect(() => ref.current?.showModal(), []);
  const meant = found?.meant;
  useEffect(() => {
    if (found === undefined) return;
    const index = found.entries.indexOf(found.meant);
    requestAnimationFrame(() => handle.current?.show(index, "center"));
  }, [meant]);
  const closeOutside = (event: MouseEvent): void => {
    if (event.target === ref.current) closeContext();
  };
  return (
    <dialog
      ref={ref}
      class="context-drawer"
      aria-labelledby="context-title"
      onClose={closeContext}
      onClick={closeOutside}
    >
      <Head timeNs={timeNs} meant={meant} />
      <div
        class={`context-lines ${isWrapped.value ? "wrapped" : "unwrapped"}`}
        tabIndex={0}
        autofocus
      >
        {failure !== "" && (
          <p class="note failure" role="alert">
            {failure}
          </p>
        )}
        {found === undefined && failure === "" && <Skeleton />}
        {found !== undefined && <Lines found={found} more={more} handle={handle} />}
      </div>
    </dialog>
  );
}

function Head({ timeNs, meant }: { readonly timeNs: string; readonly meant: Entry | undefined }) {
  const hasQuery = selectorOf(query.value) !== undefined;
  return (
    <header class="context-head">
      <div>
        <h2 id="context-title">Around {formatNs(timeNs)}</h2>
        <code class="soft">{contextStream.value}</code>
      </div>
      {hasQuery && <ScopeSelect />}
      {meant !== undefined && (
        <a
          class="button"
          href={new URL(permalinkOf(meant, streamPlace())).hash}
          target="_blank"
          rel="noopener"
          title="This line in Explore, in a new tab"
        >
          <Icon name="open" /> Open in new tab
        </a>
      )}
      <button type="button" class="button icon quiet" aria-label="Close" onClick={closeContext}>
        <Icon name="close" />
      </button>
    </header>
  );
}

/** Explore with the whole stream. */
function streamPlace() {
  const [, parameters] = addressOf("explore", { q: contextStream.value }).split("?");
  return { view: "explore", parameters: new URLSearchParams(parameters) };
}

function ScopeSelect(): JSX.Element {
  return (
    <select
      class="field"
      aria-label="Which lines count as around"
      value={scopeText.value}
      onChange={(event) => {
        const { value } = event.currentTarget;
        change({ around: value === "query" ? value : undefined }, "replace");
      }}
    >
      <option value="stream">In its stream</option>
      <option value="query">In all streams of the query</option>
    </select>
  );
}

const noMarkers: readonly RegExp[] = [];

interface LinesProps {
  readonly found: Found;
  readonly more: (side: Side) => void;
  readonly handle: { current: ListHandle | undefined };
}

function Lines({ found, more, handle }: LinesProps): JSX.Element {
  const opened = useSignal<ReadonlySet<Entry>>(new Set());
  const { entries, meant, hasBefore, hasAfter } = found;
  const isRoom = entries.length < entriesMax;
  const openQuery = (text: string): void => {
    location.hash = addressOf("explore", { q: text });
  };
  return (
    <>
      <MoreButton side="before" isThere={hasBefore && isRoom} more={more} />
      <LineList
        entries={entries}
        query={contextStream.value}
        onQuery={openQuery}
        markers={noMarkers}
        opened={opened.value}
        onToggle={(entry) => (opened.value = new Set(opened.value.has(entry) ? [] : [entry]))}
        meant={meant}
        handle={handle}
      />
      <MoreButton side="after" isThere={hasAfter && isRoom} more={more} />
    </>
  );
}

interface MoreProps {
  readonly side: Side;
  readonly isThere: boolean;
  readonly more: (side: Side) => void;
}

function MoreButton({ side, isThere, more }: MoreProps): JSX.Element {
  if (!isThere) {
    return (
      <p class="lines-edge soft">
        {side === "before" ? "Nothing before this" : "Nothing after this"}
      </p>
    );
  }
  return (
    <p class="lines-edge">
      <button type="button" class="link-button" onClick={() => more(side)}>
        {side === "before" ? "Load earlier lines" : "Load later lines"}
      </button>
    </p>
  );
}

function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {[82, 64, 91, 70, 55, 78].map((width) => (
        <i key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

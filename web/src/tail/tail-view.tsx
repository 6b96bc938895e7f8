import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { logqlCompletion } from "../editor/completion.ts";
import { QueryEditor } from "../editor/query-editor.tsx";
import { rangeNow } from "../explore/address.ts";
import { Icon } from "../app/icons.tsx";
import { isLogQuery } from "../logql/query-text.ts";
import { tenant, token } from "../state/access.ts";
import { formatCount } from "../state/format.ts";
import { addressOf, askAgain, change, open, parameter, visit } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { TailLines } from "./tail-lines.tsx";
import { counts, isPaused, reason, state, Tail } from "./tail-session.ts";
import "./tail-view.css";

const query = parameter("q");

/** Lines as they arrive. */
export function TailView(): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const draft = useSignal(query.value);
  const tail = useRef<Tail | undefined>(undefined);
  const access = `${tenant.value} ${token.value}`;
  useEffect(() => {
    draft.value = query.value;
    if (!isLogQuery(query.value)) return undefined;
    const next = new Tail(query.value);
    tail.current = next;
    return () => next.end();
  }, [query.value, access, visit.value]);
  const completion = useMemo(
    () => logqlCompletion({ range: rangeNow, scope: () => `${tenant.peek()} ${token.peek()}` }),
    [],
  );
  const runDraft = (): void => {
    change({ q: draft.peek().trim() }, "push");
    askAgain();
  };
  useShortcuts([
    { keys: "/", does: "Write in the editor", run: () => focusEditor(host.current) },
    { keys: " ", does: "Pause or go on", run: () => tail.current?.togglePause() },
    { keys: "t", does: "Back to Explore", run: () => open("explore", { q: query.peek() }) },
  ]);
  return (
    <div class="tail" ref={host}>
      <h1 class="off-screen">Live</h1>
      <div class="tail-query">
        <QueryEditor
          text={draft}
          onRun={runDraft}
          failure={state.value === "refused" ? reason.value : ""}
          extensions={completion}
        />
        <button type="button" class="button primary" onClick={runDraft}>
          <Icon name="live" /> Follow
        </button>
      </div>
      {query.value === "" ? <Invitation /> : <Followed tail={tail} />}
    </div>
  );
}

function focusEditor(host: HTMLElement | null): void {
  host?.querySelector<HTMLElement>(".cm-content")?.focus();
}

interface FollowedProps {
  readonly tail: { readonly current: Tail | undefined };
}

function Followed({ tail }: FollowedProps): JSX.Element {
  if (!isLogQuery(query.value)) {
    return (
      <p class="note failure" role="alert">
        Only lines can be followed: the query has to begin with a selector.
      </p>
    );
  }
  return (
    <>
      <TailBar tail={tail} />
      {state.value === "refused" ? (
        <p class="note failure" role="alert">
          {reason.value}
        </p>
      ) : (
        <TailLines query={query.value} />
      )}
    </>
  );
}

const stateNames = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Connection lost; trying again …",
  refused: "Refused",
  closed: "Ended",
};

function TailBar({ tail }: FollowedProps): JSX.Element {
  const { received, rate, droppedByServer, gone, waiting } = counts.value;
  const shown = isPaused.value ? "paused" : state.value;
  const facts: readonly (readonly [name: string, value: string, title: string])[] = [
    ["Lines a second", rate.toFixed(rate < 10 ? 1 : 0), "Over the last five seconds"],
    ["Received", formatCount(received), "Since it was opened"],
    ["Dropped", formatCount(droppedByServer), "That the server could not send fast enough"],
    ["Scrolled out", formatCount(gone), "Older lines that made room for newer ones"],
  ];
  return (
    <div class="tail-bar panel">
      <span class={`tail-state ${shown}`} role="status" title={reason.value}>
        <i aria-hidden="true" />{" "}
        {isPaused.value ? `Paused, ${formatCount(waiting)} waiting` : stateNames[state.value]}
      </span>
      {state.value === "waiting" && (
        <button type="button" class="button" onClick={() => tail.current?.retryNow()}>
          Try now
        </button>
      )}
      <dl aria-label="Counters">
        {facts.map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <span class="toolbar-space" />
      <button
        type="button"
        class="button"
        title="Space"
        onClick={() => tail.current?.togglePause()}
      >
        <Icon name={isPaused.value ? "run" : "pause"} /> {isPaused.value ? "Go on" : "Pause"}
      </button>
      <button type="button" class="button quiet" onClick={() => tail.current?.clear()}>
        Clear
      </button>
      <a class="button quiet" href={addressOf("explore", { q: query.value })}>
        Explore
      </a>
    </div>
  );
}

function Invitation(): JSX.Element {
  const all = '{service_name=~".+"}';
  return (
    <section class="panel tail-invitation">
      <h2>Follow lines as they arrive</h2>
      <p class="soft">Write a selector above, with line filters if you like, or take everything.</p>
      <a class="button" href={addressOf("live", { q: all })}>
        Follow everything
      </a>
    </section>
  );
}

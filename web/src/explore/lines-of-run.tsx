import { type Signal, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { isAbort, reasonOf } from "../api/client.ts";
import { linesBefore } from "../lines/lines-before.ts";
import { LinesPanel } from "../lines/lines-panel.tsx";
import { hasAnswerStages } from "../logql/query-text.ts";
import { addressOf, change, open, parameter } from "../state/location.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { say } from "../state/toasts.ts";
import { query } from "./address.ts";
import { isLoadingMore, loadMore, result, run } from "./session.ts";

const meantKey = parameter("line");
const isLoadingBefore: Signal<boolean> = signal(false);

/** The lines that the run has found, and more of them on both sides. */
export function LinesOfRun(): JSX.Element | null {
  const found = result.value;
  const asked = run.value;
  useShortcuts([
    { keys: "t", does: "Follow this query live", run: () => open("live", { q: query.peek() }) },
  ]);
  const isLog = found?.kind === "log";
  useEffect(() => {
    // A link to a line ends with it: what came next is loaded, too.
    if (isLog && meantKey.peek() !== "") void loadBefore({ isQuiet: true });
  }, [asked, isLog]);
  if (found?.kind !== "log" || asked === undefined) return null;
  const before = hasAnswerStages(asked.query)
    ? {}
    : { onBefore: (how: { readonly isQuiet: boolean }) => void loadBefore(how) };
  return (
    <LinesPanel
      entries={found.entries}
      direction={asked.direction}
      query={asked.query}
      range={asked.range}
      hasMore={found.nextCursor !== undefined}
      isLoading={isLoadingMore.value}
      onMore={() => void loadMore()}
      isLoadingBefore={isLoadingBefore.value}
      onQuery={(text) => change({ q: text, line: undefined }, "push")}
      {...before}
    >
      <a class="button" href={addressOf("live", { q: asked.query })} title="Follow live (t)">
        <Icon name="live" /> Live
      </a>
    </LinesPanel>
  );
}

/** Entries that one page of the browser holds at most; older pages have to be left first. */
const entriesMax = 500_000;

async function loadBefore({ isQuiet }: { readonly isQuiet: boolean }): Promise<void> {
  const shown = result.peek();
  const asked = run.peek();
  if (shown?.kind !== "log" || asked === undefined || isLoadingBefore.peek()) return;
  if (shown.entries.length >= entriesMax) return;
  isLoadingBefore.value = true;
  try {
    const { signal: never } = new AbortController();
    const { query: text, direction, range } = asked;
    const question = { query: text, direction, range, entries: shown.entries };
    const more = await linesBefore({ ...question, nowMs: Date.now(), signal: never });
    // Another run may have begun meanwhile.
    const now = result.peek();
    if (run.peek() !== asked || now?.kind !== "log") return;
    if (more.length > 0) result.value = { ...now, entries: [...more, ...now.entries] };
    else if (!isQuiet) say(direction === "backward" ? "No newer lines yet" : "No older lines");
  } catch (error) {
    if (!isAbort(error)) say(reasonOf(error), "failure");
  } finally {
    isLoadingBefore.value = false;
  }
}

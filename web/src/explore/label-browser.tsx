import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { isAbort, reasonOf } from "../api/client.ts";
import { askDetectedLabels, askVolume, type DetectedLabel, type Volume } from "../api/questions.ts";
import { formatBytes, formatCount } from "../state/format.ts";
import { visit } from "../state/location.ts";
import { chosenValues, matchersIn, selectorOf, withToggledValue } from "../logql/query-text.ts";
import { rangeNow } from "./address.ts";
import "./label-browser.css";

interface LabelBrowserProps {
  /** What stands in the editor; clicks change its selector. */
  readonly draft: string;
  readonly onDraft: (text: string) => void;
  readonly onRun: () => void;
}

/** Values listed for a label; the search finds among them. */
const valuesMax = 1000;

/** Builds the selector by clicking: labels with their counts, then values with their volume. */
export function LabelBrowser({ draft, onDraft, onRun }: LabelBrowserProps): JSX.Element {
  const opened = useSignal<readonly string[]>(openedAtFirst(draft));
  const labels = useSignal<readonly DetectedLabel[]>([]);
  const failure = useSignal("");
  const isAsked = useSignal(false);
  const selector = currentSelector(draft);
  useEffect(() => {
    const gone = new AbortController();
    askDetectedLabels("", rangeNow(), gone.signal).then(
      (found) => {
        labels.value = found.toSorted((a, b) => a.cardinality - b.cardinality);
        isAsked.value = true;
        failure.value = "";
        if (opened.value.length === 0) opened.value = firstOf(labels.value);
      },
      (error: unknown) => {
        if (!isAbort(error)) failure.value = reasonOf(error);
      },
    );
    return () => gone.abort();
  }, [visit.value]);
  const toggle = (name: string): void => {
    const isOpen = opened.value.includes(name);
    opened.value = isOpen ? opened.value.filter((one) => one !== name) : [...opened.value, name];
  };
  return (
    <section class="label-browser panel" aria-label="Label browser">
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      {isAsked.value && labels.value.length === 0 && (
        <p class="soft">There are no labels in this time range.</p>
      )}
      <div class="label-names" role="group" aria-label="Labels">
        {labels.value.map(({ label, cardinality }) => (
          <button
            type="button"
            key={label}
            class="button"
            aria-pressed={opened.value.includes(label)}
            onClick={() => toggle(label)}
          >
            {label} <span class="soft">{formatCount(cardinality)}</span>
          </button>
        ))}
      </div>
      <div class="label-columns">
        {opened.value.map((name) => (
          <ValueColumn key={name} name={name} selector={selector} draft={draft} onDraft={onDraft} />
        ))}
      </div>
      <div class="label-end">
        <code>{selector === "" ? "{}" : selector}</code>
        <button type="button" class="button primary" disabled={selector === ""} onClick={onRun}>
          Show lines
        </button>
      </div>
    </section>
  );
}

function openedAtFirst(draft: string): readonly string[] {
  const range = selectorOf(draft);
  if (range === undefined) return [];
  return matchersIn(draft.slice(range.from, range.to)).map(({ name }) => name);
}

function firstOf(labels: readonly DetectedLabel[]): readonly string[] {
  const names = labels.map(({ label }) => label);
  const usual = ["service_name", "app", "job", "namespace"].find((name) => names.includes(name));
  return usual === undefined ? names.slice(0, 1) : [usual];
}

function currentSelector(draft: string): string {
  const range = selectorOf(draft);
  if (range === undefined) return "";
  const matchers = matchersIn(draft.slice(range.from, range.to));
  return matchers.length === 0 ? "" : `{${matchers.map(({ text }) => text).join(", ")}}`;
}

interface ValueColumnProps {
  readonly name: string;
  readonly selector: string;
  readonly draft: string;
  readonly onDraft: (text: string) => void;
}

/** Values of one label among the streams that the other matchers select. */
function ValueColumn({ name, selector, draft, onDraft }: ValueColumnProps): JSX.Element {
  const volumes = useSignal<readonly Volume[]>([]);
  const search = useSignal("");
  const matchers = matchersIn(selector);
  const others = matchers.filter((one) => one.name !== name).map(({ text }) => text);
  const base = others.length === 0 ? "{}" : `{${others.join(", ")}}`;
  const chosen = chosenValues(matchers, name);
  useEffect(() => {
    const gone = new AbortController();
    const question = { selector: base, range: rangeNow(), targetLabel: name, limit: valuesMax };
    askVolume({ ...question, signal: gone.signal }).then(
      (found) => (volumes.value = found),
      (error: unknown) => {
        // A matcher that is being typed may be wrong; the values of before stay.
        if (!isAbort(error) && volumes.value.length === 0) volumes.value = [];
      },
    );
    return () => gone.abort();
  }, [base, visit.value]);
  const choose = (value: string): void => onDraft(withToggledValue(draft, name, value));
  const wanted = search.value.toLowerCase();
  const shown = volumes.value.filter(({ value }) => value.toLowerCase().includes(wanted));
  return (
    <div class="label-column" role="group" aria-label={`Values of ${name}`}>
      <div class="label-column-head">
        <strong>{name}</strong>
        <span class="soft">{formatCount(volumes.value.length)}</span>
      </div>
      <input
        class="field"
        type="search"
        aria-label={`Search values of ${name}`}
        placeholder="Search"
        value={search.value}
        onInput={(event) => (search.value = event.currentTarget.value)}
      />
      <div class="label-values">
        {shown.map(({ value, bytes }) => (
          <button
            type="button"
            key={value}
            class="label-value"
            aria-pressed={chosen.includes(value)}
            onClick={() => choose(value)}
          >
            <span>{value}</span> <span class="soft">{formatBytes(bytes)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

// Completion of a query: words of LogQL, and names and values asked from the server for the selector
// and range so far.
import {
  autocompletion,
  type Completion,
  type CompletionContext as Place,
  type CompletionResult,
  snippetCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { isAbort } from "../api/client.ts";
import {
  askDetectedFields,
  askFieldValues,
  askLabelNames,
  askLabelValues,
} from "../api/questions.ts";
import type { TimeRange } from "../api/types.ts";
import { completionContext, type CompletionContext } from "../logql/completion-context.ts";
import {
  functions,
  lineFilters,
  matcherOperators,
  ranges,
  stages,
  type Word,
} from "./vocabulary.ts";

/** Answers are good for so long: who types asks for the same again and again. */
const knownForMs = 30_000;
const knownMax = 200;

export interface CompletionSources {
  /** The range of the view; names are asked for it. */
  readonly range: () => TimeRange;
  /** Changes when answers of before must not be shown, as with another tenant. */
  readonly scope: () => string;
}

/** Extension of the editor. */
export function logqlCompletion(sources: CompletionSources): Extension {
  const asked = new Answers(sources.scope);
  return autocompletion({
    activateOnTyping: true,
    icons: true,
    override: [(place) => complete(place, sources, asked)],
  });
}

async function complete(
  place: Place,
  sources: CompletionSources,
  asked: Answers,
): Promise<CompletionResult | null> {
  const context = completionContext(place.state.doc.toString(), place.pos);
  if (context.kind === "nothing" || (context.kind === "after stage" && !place.explicit))
    return null;
  const gone = new AbortController();
  place.addEventListener("abort", () => gone.abort(), { onDocChange: true });
  try {
    const options = await optionsOf(context, { sources, asked, signal: gone.signal });
    if (options.length === 0) return null;
    const validFor = context.kind.endsWith("value") ? /^"[^"]*$/ : /^[\w.]*$/;
    return { from: context.from, options, validFor };
  } catch (error) {
    // Without the server there are no names; its errors stand at the query.
    if (isAbort(error) || error instanceof Error) return null;
    throw error;
  }
}

interface Asking {
  readonly sources: CompletionSources;
  readonly asked: Answers;
  readonly signal: AbortSignal;
}

async function optionsOf(context: CompletionContext, asking: Asking): Promise<Completion[]> {
  switch (context.kind) {
    case "nothing":
      return [];
    case "start":
      return [selectorOption, ...functions.map((word) => wordOption(word, "function"))];
    case "range":
      return ranges.map((label) => ({ label, type: "constant" }));
    case "matcher operator":
      return matcherOperators.map((word) => wordOption(word, "operator", true));
    case "label name":
      return (await labelNames(context, asking)).map(labelOption);
    case "label value":
      return (await labelValues(context, asking)).map(valueOption);
    case "stage":
      return [
        ...inOrder(stages.map((word) => wordOption(word, "keyword"))),
        ...(await fields(context, asking)).map((name) => fieldOption(name, true)),
      ];
    case "after stage":
      return [
        ...inOrder(
          [...lineFilters, ...stages.map(behindPipe)].map((w) => wordOption(w, "keyword")),
        ),
      ];
    case "field":
      return (await fields(context, asking)).map((name) => fieldOption(name, false));
    case "field value":
      return (await fieldValues(context, asking)).map(valueOption);
    case "grouping": {
      const names = [...(await labelNames(context, asking)), ...(await fields(context, asking))];
      return [...new Set(names)].map((name) => fieldOption(name, false));
    }
    default:
      return context.kind satisfies never;
  }
}

/** The usual ones first, as the vocabulary has them; without this they stand by the alphabet. */
function inOrder(options: readonly Completion[]): Completion[] {
  return options.map((option, index) => ({ ...option, boost: options.length - index }));
}

function behindPipe({ label, detail, snippet }: Word): Word {
  return { label: `| ${label}`, detail, snippet: `| ${snippet ?? label}` };
}

const selectorOption: Completion = {
  ...snippetCompletion("{#{}}", { label: "{", detail: "select streams", type: "type", boost: 20 }),
  apply: applySelector,
};

function applySelector(view: EditorView, _option: Completion, from: number, to: number): void {
  view.dispatch({ changes: { from, to, insert: "{}" }, selection: { anchor: from + 1 } });
  startCompletion(view);
}

function wordOption(word: Word, type: string, startsNext = false): Completion {
  const { label, detail, snippet } = word;
  if (snippet === undefined) return { label, detail, type };
  const option = snippetCompletion(snippet, { label, detail, type });
  if (!startsNext || typeof option.apply !== "function") return option;
  const insert = option.apply;
  return {
    ...option,
    apply: (view, completion, from, to) => {
      insert(view, completion, from, to);
      startCompletion(view);
    },
  };
}

/** A name, its `="` and on to its values. */
function labelOption(name: string): Completion {
  return {
    label: name,
    type: "property",
    apply: (view, _option, from, to) => {
      const after = view.state.sliceDoc(to, to + 2);
      if (/^\s*[=!]/.test(after)) {
        view.dispatch({ changes: { from, to, insert: name } });
        return;
      }
      const insert = `${name}=""`;
      const anchor = from + insert.length - 1;
      view.dispatch({ changes: { from, to, insert }, selection: { anchor } });
      startCompletion(view);
    },
  };
}

/** The whole string with its quotes; a closing one that stands there already is used. */
function valueOption(value: string): Completion {
  const text = JSON.stringify(value);
  return {
    label: text,
    displayLabel: value,
    type: "text",
    apply: (view, _option, from, to) => {
      const end = view.state.sliceDoc(to, to + 1) === '"' ? to + 1 : to;
      const anchor = from + text.length;
      view.dispatch({ changes: { from, to: end, insert: text }, selection: { anchor } });
    },
  };
}

function fieldOption(name: string, isFilter: boolean): Completion {
  if (!isFilter) return { label: name, type: "variable" };
  return {
    label: name,
    detail: "field",
    type: "variable",
    apply: (view, _option, from, to) => {
      const insert = `${name}=""`;
      const anchor = from + insert.length - 1;
      view.dispatch({ changes: { from, to, insert }, selection: { anchor } });
      startCompletion(view);
    },
  };
}

function labelNames({ selector }: CompletionContext, asking: Asking): Promise<readonly string[]> {
  const { asked, sources, signal } = asking;
  return asked.get(`names ${selector}`, () => askLabelNames(selector, sources.range(), signal));
}

function labelValues(context: CompletionContext, asking: Asking): Promise<readonly string[]> {
  const { name, selector } = context;
  const { asked, sources, signal } = asking;
  return asked.get(`values ${name} ${selector}`, () =>
    askLabelValues(name, selector, sources.range(), signal),
  );
}

async function fields({ pipeline }: CompletionContext, asking: Asking): Promise<readonly string[]> {
  if (pipeline === "") return [];
  const { asked, sources, signal } = asking;
  return asked.get(`fields ${pipeline}`, async () => {
    const found = await askDetectedFields(pipeline, sources.range(), signal);
    return found.map(({ label }) => label);
  });
}

async function fieldValues(context: CompletionContext, asking: Asking): Promise<readonly string[]> {
  const { name, pipeline } = context;
  if (pipeline === "") return [];
  const { asked, sources, signal } = asking;
  return asked.get(`field values ${name} ${pipeline}`, () =>
    askFieldValues(name, pipeline, sources.range(), signal),
  );
}

/** Answers of the last half minute, the oldest forgotten first. */
class Answers {
  readonly #scope: () => string;
  readonly #known = new Map<string, { readonly atMs: number; readonly names: readonly string[] }>();

  constructor(scope: () => string) {
    this.#scope = scope;
  }

  async get(question: string, ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const key = `${this.#scope()} ${question}`;
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.atMs < knownForMs) return known.names;
    const names = await ask();
    this.#known.delete(key);
    this.#known.set(key, { atMs: performance.now(), names });
    const [oldest] = this.#known.keys();
    if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest);
    return names;
  }
}

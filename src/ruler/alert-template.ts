/**
 * Labels and annotations of alerts as templates over `.Labels`, `.Value`, `.ExternalLabels` and
 * `.ExternalURL`, with `$labels`, `$value`, `$externalLabels` and `$externalURL` set.
 *
 * Templates run to their end or not at all: where one asks something whose answer is not there
 * yet, the run ends, the question is asked, and the template runs anew with the answer. Templates
 * change nothing, so nobody can tell.
 */
import { LruMap, messageOf } from "#base";
import {
  compileDocumentTemplate,
  type DocumentTemplate,
  FunctionError,
  GoMap,
  type GoValue,
  TemplateError,
  textMap,
} from "#gotemplate";
import { ruleFunctions, type TemplateSample, type TemplateSources } from "./rule-functions.ts";

/** Different questions that one text may ask: more is a loop gone wrong. */
const questionsMax = 20;

const definitions =
  "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}" +
  "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/** What an expansion can ask; each is asked at most once an expansion. */
export interface TemplateAnswers {
  query(text: string): Promise<readonly TemplateSample[]>;
  lines(count: number): Promise<string>;
}

export interface TemplateInput {
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
  readonly answers: TemplateAnswers;
}

type Question =
  | { readonly kind: "query"; readonly text: string }
  | { readonly kind: "lines"; readonly count: number };

/** Thrown through the interpreter to leave a run that lacks an answer. */
class Unanswered extends Error {
  readonly question: Question;

  constructor(question: Question) {
    super("a question of a template was not answered yet");
    this.question = question;
  }
}

/** Throws TemplateError for a text that does not parse. */
export function checkTemplate(text: string, alert: string): void {
  const sources: TemplateSources = { query: () => [], lines: () => "", externalUrl: "" };
  compile(text, alert, sources);
}

/** A parsed text and who answers its questions while it runs, which nothing interrupts. */
interface Compiled {
  readonly template: DocumentTemplate;
  sources: TemplateSources;
}

/** Rules are expanded for every alert at every evaluation; this many texts stay parsed. */
const compiledMax = 2000;
const compiledTexts = new LruMap<string, Compiled>({
  name: "alert_templates",
  weightMax: compiledMax,
});

function compile(text: string, alert: string, sources: TemplateSources): Compiled {
  const place = JSON.stringify([alert, text]);
  let compiled = compiledTexts.get(place);
  if (compiled === undefined) {
    const asked: TemplateSources = {
      query: (query) => own.sources.query(query),
      lines: (count) => own.sources.lines(count),
      get externalUrl() {
        return own.sources.externalUrl;
      },
    };
    const options = { name: `__alert_${alert}`, functions: ruleFunctions(asked) };
    const own: Compiled = {
      template: compileDocumentTemplate(definitions + text, options),
      sources,
    };
    compiled = own;
    compiledTexts.set(place, compiled);
  }
  return compiled;
}

/** Throws TemplateError, or what asking threw. */
export async function expandAlertText(
  text: string,
  alert: string,
  input: TemplateInput,
): Promise<string> {
  if (!text.includes("{{")) return text;
  const queries = new Map<string, readonly TemplateSample[]>();
  const lines = new Map<number, string>();
  const sources: TemplateSources = {
    externalUrl: input.externalUrl,
    query(asked) {
      const known = queries.get(asked);
      if (known === undefined) throw new Unanswered({ kind: "query", text: asked });
      return known;
    },
    lines(count) {
      const known = lines.get(count);
      if (known === undefined) throw new Unanswered({ kind: "lines", count });
      return known;
    },
  };
  const compiled = compile(text, alert, sources);
  const root = rootOf(input);
  for (let asked = 0; asked <= questionsMax; asked++) {
    try {
      // Another expansion of the same text may have run while this one waited for an answer.
      compiled.sources = sources;
      return compiled.template.execute(root);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      const { question } = error;
      if (question.kind === "lines") {
        lines.set(question.count, await input.answers.lines(question.count));
      } else queries.set(question.text, await askQuery(question.text, input.answers));
    }
  }
  throw new TemplateError(`template: __alert_${alert}: asks more than ${questionsMax} questions`);
}

async function askQuery(
  text: string,
  answers: TemplateAnswers,
): Promise<readonly TemplateSample[]> {
  try {
    return await answers.query(text);
  } catch (error) {
    throw new FunctionError(`error calling query: ${messageOf(error)}`);
  }
}

function rootOf(input: TemplateInput): GoMap {
  return new GoMap(
    new Map<string, GoValue>([
      ["Labels", textMap(input.labels)],
      ["ExternalLabels", textMap(Object.entries(input.externalLabels))],
      ["ExternalURL", input.externalUrl],
      ["Value", input.value],
    ]),
  );
}

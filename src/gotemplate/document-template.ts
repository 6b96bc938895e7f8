/** Go's text/template over any document with functions of the caller's own, as rules use it. */

import { builtinFunctions } from "./builtin-functions.ts";
import { comparisonFunctions } from "./comparison-functions.ts";
import { encodingFunctions } from "./encoding-functions.ts";
import type { FunctionTable } from "./go-function.ts";
import { runProgram } from "./interpreter.ts";
import { parseTemplate } from "./parser.ts";
import type { TemplateScope } from "./template.ts";
import type { GoValue } from "./values.ts";
import { LabelMap } from "./values.ts";

export interface DocumentTemplate {
  /** `root` is what the dot is at the start. Throws TemplateError, and what functions throw. */
  execute(root: GoValue): string;
}

export interface DocumentTemplateOptions {
  /** What Go calls the template in messages. */
  readonly name: string;
  /** Beside those that text/template itself has, and over them. */
  readonly functions: FunctionTable;
}

const { html, js, urlquery } = encodingFunctions;

/** What text/template has by itself. */
const ownFunctions: FunctionTable = {
  ...builtinFunctions,
  ...comparisonFunctions,
  ...(html === undefined ? {} : { html }),
  ...(js === undefined ? {} : { js }),
  ...(urlquery === undefined ? {} : { urlquery }),
};

/** Throws TemplateError. */
export function compileDocumentTemplate(
  text: string,
  options: DocumentTemplateOptions,
): DocumentTemplate {
  const { name } = options;
  const functions = { ...ownFunctions, ...options.functions };
  const hasFunction = (called: string): boolean => Object.hasOwn(functions, called);
  const definitions = parseTemplate(text, { name, hasFunction });
  const program = { name, text, definitions, functions };
  return { execute: (root) => runProgram(program, noEntry, root) };
}

/** There is no entry: functions that ask for one are not in the table. */
const noEntry: TemplateScope = {
  label: () => undefined,
  labels: () => [],
  line: () => "",
  timestampNs: () => 0n,
  nowNs: () => 0n,
};

/** Names and texts as a template's `map[string]string`. */
export function textMap(pairs: readonly (readonly [string, string])[]): LabelMap {
  const byName = new Map(pairs);
  const label = (name: string): string | undefined => byName.get(name);
  return new LabelMap({ ...noEntry, label, labels: () => [...byName] });
}

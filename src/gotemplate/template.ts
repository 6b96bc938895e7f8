/** Go's text/template as LogQL uses it: compile once, execute per entry. */

import { findDependencies } from "./dependencies.ts";
import { functions, hasFunction } from "./functions.ts";
import { type Program, runProgram } from "./interpreter.ts";
import { outputLengthMax } from "./limits.ts";
import type { Definitions } from "./nodes.ts";
import { parseTemplate } from "./parser.ts";
import { TemplateError } from "./template-error.ts";

/** What a template sees of the entry at hand. */
export interface TemplateScope {
  /** Effective label (parsed, metadata, stream), undefined when there is none. */
  label(name: string): string | undefined;
  /** All effective labels (for `{{ . }}` and `range`), sorted by name. */
  labels(): readonly (readonly [string, string])[];
  /** `__line__`: the line at this stage. */
  line(): string;
  /** `__timestamp__`: nanoseconds since 1970. */
  timestampNs(): bigint;
  /** `now`: nanoseconds since 1970. */
  nowNs(): bigint;
}

export interface Template {
  /** Names of labels the template may read; undefined when it can reach any (`{{ . }}`). */
  readonly labelsRead: ReadonlySet<string> | undefined;
  readonly readsLine: boolean;
  /** Throws TemplateError. Output is bounded; more is an error. */
  execute(scope: TemplateScope): string;
}

/**
 * `name` is what Go calls the template in messages (`line` for line_format, `label` for
 * label_format). Throws TemplateError.
 */
export function compileTemplate(text: string, options: { name: string }): Template {
  const definitions = parseTemplate(text, { name: options.name, hasFunction });
  const program: Program = { name: options.name, text, definitions, functions };
  const { labelsRead, readsLine } = findDependencies(definitions);
  const parts = plainParts(definitions, options.name);
  const execute =
    parts === undefined
      ? (scope: TemplateScope): string => runProgram(program, scope)
      : (scope: TemplateScope): string => joinParts(parts, { scope, name: options.name });
  return { labelsRead, readsLine, execute };
}

/** Literal text, then a label (empty name: none). The usual template needs no interpreter. */
interface PlainPart {
  readonly literal: string;
  readonly label: string | undefined;
}

/** undefined when there is anything but text and `{{.label}}`. */
function plainParts(definitions: Definitions, name: string): readonly PlainPart[] | undefined {
  const parts: PlainPart[] = [];
  let literal = "";
  for (const node of definitions.get(name) ?? []) {
    if (node.kind === "text") {
      literal += node.text;
      continue;
    }
    if (node.kind !== "action" || node.pipeline.variables.length > 0) return undefined;
    const [command, ...otherCommands] = node.pipeline.commands;
    const [operand, ...args] = command?.operands ?? [];
    if (otherCommands.length > 0 || args.length > 0) return undefined;
    if (operand?.kind !== "field" || operand.fields.length !== 1) return undefined;
    parts.push({ literal, label: operand.fields[0] });
    literal = "";
  }
  if (literal !== "") parts.push({ literal, label: undefined });
  return parts;
}

function joinParts(
  parts: readonly PlainPart[],
  options: { scope: TemplateScope; name: string },
): string {
  let text = "";
  for (const part of parts) {
    text += part.literal;
    if (part.label !== undefined) text += options.scope.label(part.label) ?? "";
  }
  if (text.length > outputLengthMax) {
    throw new TemplateError(
      `template: ${options.name}: output is longer than ${outputLengthMax} characters`,
    );
  }
  return text;
}

/** The parsed template. Nodes print themselves as Go does, for error messages. */

import type { NumberConstant } from "./constants.ts";

/** Where a node starts in the text, in UTF-16 units. */
interface Placed {
  readonly at: number;
}

export type Operand =
  | ({ readonly kind: "bool"; readonly value: boolean } & Placed)
  | ({
      readonly kind: "chain";
      readonly base: Operand;
      readonly fields: readonly string[];
    } & Placed)
  | ({ readonly kind: "dot" } & Placed)
  | ({ readonly kind: "field"; readonly fields: readonly string[] } & Placed)
  | ({ readonly kind: "identifier"; readonly name: string } & Placed)
  | ({ readonly kind: "nil" } & Placed)
  | ({ readonly kind: "number"; readonly text: string; readonly value: NumberConstant } & Placed)
  | Pipeline
  | ({ readonly kind: "string"; readonly quoted: string; readonly value: string } & Placed)
  | Variable;

/** `$x.a.b`: the name with its `$`, and the fields. */
export interface Variable extends Placed {
  readonly kind: "variable";
  readonly name: string;
  readonly fields: readonly string[];
}

export interface Command extends Placed {
  readonly kind: "command";
  readonly operands: readonly Operand[];
}

export interface Pipeline extends Placed {
  readonly kind: "pipeline";
  readonly variables: readonly Variable[];
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
}

export interface Branch extends Placed {
  readonly kind: "if" | "range" | "with";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export interface TemplateCall extends Placed {
  readonly kind: "template";
  readonly name: string;
  readonly pipeline: Pipeline | undefined;
}

export type Node =
  | ({ readonly kind: "action"; readonly pipeline: Pipeline } & Placed)
  | Branch
  | ({ readonly kind: "break" } & Placed)
  | ({ readonly kind: "continue" } & Placed)
  | TemplateCall
  | ({ readonly kind: "text"; readonly text: string } & Placed);

/** All templates of one text by name. */
export type Definitions = ReadonlyMap<string, readonly Node[]>;

function fieldsText(fields: readonly string[]): string {
  return fields.map((field) => `.${field}`).join("");
}

/** An operand as Go writes it back in messages. */
export function operandText(operand: Operand): string {
  switch (operand.kind) {
    case "bool":
      return String(operand.value);
    case "chain": {
      const base = operandText(operand.base);
      const fields = fieldsText(operand.fields);
      return operand.base.kind === "pipeline" ? `(${base})${fields}` : base + fields;
    }
    case "dot":
      return ".";
    case "field":
      return fieldsText(operand.fields);
    case "identifier":
      return operand.name;
    case "nil":
      return "nil";
    case "number":
      return operand.text;
    case "pipeline":
      return pipelineText(operand);
    case "string":
      return operand.quoted;
    case "variable":
      return operand.name + fieldsText(operand.fields);
    default:
      return operand satisfies never;
  }
}

export function commandText(command: Command): string {
  const texts = command.operands.map((operand) =>
    operand.kind === "pipeline" ? `(${operandText(operand)})` : operandText(operand),
  );
  return texts.join(" ");
}

export function pipelineText(pipeline: Pipeline): string {
  const names = pipeline.variables.map(operandText).join(", ");
  const declaration = names === "" ? "" : `${names} ${pipeline.isAssignment ? "=" : ":="} `;
  return declaration + pipeline.commands.map(commandText).join(" | ");
}

function listText(nodes: readonly Node[]): string {
  return nodes.map(nodeText).join("");
}

export function nodeText(node: Node): string {
  switch (node.kind) {
    case "action":
      return `{{${pipelineText(node.pipeline)}}}`;
    case "break":
    case "continue":
      return `{{${node.kind}}}`;
    case "if":
    case "range":
    case "with": {
      const otherwise = node.otherwise === undefined ? "" : `{{else}}${listText(node.otherwise)}`;
      const head = `{{${node.kind} ${pipelineText(node.pipeline)}}}`;
      return `${head}${listText(node.body)}${otherwise}{{end}}`;
    }
    case "template": {
      const pipeline = node.pipeline === undefined ? "" : ` ${pipelineText(node.pipeline)}`;
      return `{{template ${JSON.stringify(node.name)}${pipeline}}}`;
    }
    case "text":
      return node.text;
    default:
      return node satisfies never;
  }
}

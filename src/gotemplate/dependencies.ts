/** What a template may read of an entry, so that parsers extract no more than that. */

import type { Definitions, Node, Operand, Pipeline } from "./nodes.ts";

export interface Dependencies {
  /** undefined: any label. */
  readonly labelsRead: ReadonlySet<string> | undefined;
  readonly readsLine: boolean;
}

interface Findings {
  readonly labels: Set<string>;
  readsAll: boolean;
  readsLine: boolean;
}

/**
 * Never too little: a field of a dot that is not the labels counts as a label, too. Inside `with`
 * and `range` a bare dot can be the labels only when the pipeline names them, which counts there.
 */
export function findDependencies(definitions: Definitions): Dependencies {
  const findings: Findings = { labels: new Set(), readsAll: false, readsLine: false };
  for (const nodes of definitions.values()) visitList(nodes, findings, true);
  return {
    labelsRead: findings.readsAll ? undefined : findings.labels,
    readsLine: findings.readsLine,
  };
}

function visitList(nodes: readonly Node[], findings: Findings, dotIsLabels: boolean): void {
  for (const node of nodes) visitNode(node, findings, dotIsLabels);
}

function visitNode(node: Node, findings: Findings, dotIsLabels: boolean): void {
  switch (node.kind) {
    case "action":
      visitPipeline(node.pipeline, findings, dotIsLabels);
      return;
    case "if":
    case "range":
    case "with":
      visitPipeline(node.pipeline, findings, dotIsLabels);
      visitList(node.body, findings, dotIsLabels && node.kind === "if");
      visitList(node.otherwise ?? [], findings, dotIsLabels);
      return;
    case "template":
      // Handing the labels on reads nothing; the called template is visited with them as its dot.
      if (node.pipeline !== undefined && !isBareDot(node.pipeline)) {
        visitPipeline(node.pipeline, findings, dotIsLabels);
      }
      return;
    case "break":
    case "continue":
    case "text":
      return;
    default:
      node satisfies never;
  }
}

function isBareDot(pipeline: Pipeline): boolean {
  const [command, ...others] = pipeline.commands;
  const [operand, ...args] = command?.operands ?? [];
  const isAlone = others.length === 0 && args.length === 0 && pipeline.variables.length === 0;
  return isAlone && operand?.kind === "dot";
}

function visitPipeline(pipeline: Pipeline, findings: Findings, dotIsLabels: boolean): void {
  for (const command of pipeline.commands) {
    for (const operand of command.operands) visitOperand(operand, findings, dotIsLabels);
  }
}

function visitOperand(operand: Operand, findings: Findings, dotIsLabels: boolean): void {
  switch (operand.kind) {
    case "chain":
      visitOperand(operand.base, findings, dotIsLabels);
      return;
    case "dot":
      if (dotIsLabels) findings.readsAll = true;
      return;
    case "field":
      findings.labels.add(operand.fields[0] ?? "");
      return;
    case "identifier":
      if (operand.name === "__line__") findings.readsLine = true;
      return;
    case "pipeline":
      visitPipeline(operand, findings, dotIsLabels);
      return;
    case "variable":
      if (operand.name !== "$") return;
      if (operand.fields[0] === undefined) findings.readsAll = true;
      else findings.labels.add(operand.fields[0]);
      return;
    case "bool":
    case "nil":
    case "number":
    case "string":
      return;
    default:
      operand satisfies never;
  }
}

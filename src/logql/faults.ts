import type { MetricExpr } from "./ast.ts";

/**
 * What is wrong with a node though its syntax is right. Loki reports faults of syntax first and
 * these afterwards, the outermost first, so the parser writes them down and `checkExpr` reports one
 * of them.
 */
export class Faults {
  readonly #messages = new Map<MetricExpr, string>();

  /** The first fault of a node counts. Returns the node. */
  add<T extends MetricExpr>(node: T, message: string | undefined): T {
    if (message !== undefined && !this.#messages.has(node)) this.#messages.set(node, message);
    return node;
  }

  of(node: MetricExpr): string | undefined {
    return this.#messages.get(node);
  }
}

/**
 * The tree of a parsed expression. Flags are already resolved by the parser: case folding has
 * become classes, `.` a class, `^` and `$` one of the assertions, greediness a property of the
 * repetition. Nodes are never changed after parsing.
 */
import type { CodePoints } from "./code-points.ts";

/**
 * A syntax error, in RE2's (Go regexp/syntax) words: ``error parsing regexp: missing closing ):
 * `(a` ``.
 */
export class RegexSyntaxError extends Error {
  constructor(problem: string, at: string) {
    super(`error parsing regexp: ${problem}: \`${at}\``);
    this.name = "RegexSyntaxError";
  }
}

export type Assertion =
  | "text-start"
  | "text-end"
  | "line-start"
  | "line-end"
  | "word-boundary"
  | "no-word-boundary";

export interface Capture {
  readonly kind: "capture";
  /** 1 for the first opening parenthesis. */
  readonly index: number;
  readonly body: Node;
}

export interface Repeat {
  readonly kind: "repeat";
  readonly body: Node;
  readonly min: number;
  /** Infinity when open. */
  readonly max: number;
  readonly isGreedy: boolean;
}

export type Node =
  | { readonly kind: "empty" }
  | { readonly kind: "literal"; readonly codePoint: number }
  | { readonly kind: "class"; readonly set: CodePoints }
  | { readonly kind: "assert"; readonly what: Assertion }
  | Capture
  | Repeat
  | { readonly kind: "concat"; readonly parts: readonly Node[] }
  | { readonly kind: "alternate"; readonly branches: readonly Node[] };

/** The parser's result; `groupNames` has one item for each capture. */
export interface Expression {
  readonly root: Node;
  readonly groupNames: readonly (string | undefined)[];
}

export const emptyNode: Node = { kind: "empty" };

export function concat(parts: readonly Node[]): Node {
  if (parts.length === 0) return emptyNode;
  return parts.length === 1 ? parts[0]! : { kind: "concat", parts };
}

export function alternate(branches: readonly Node[]): Node {
  return branches.length === 1 ? branches[0]! : { kind: "alternate", branches };
}

/**
 * Can it match without consuming? "always" when nothing is asked of the place, "somewhere" when an
 * assertion decides, "never" otherwise.
 */
export function emptiness(node: Node): "always" | "somewhere" | "never" {
  switch (node.kind) {
    case "empty":
      return "always";
    case "literal":
    case "class":
      return "never";
    case "assert":
      return "somewhere";
    case "capture":
      return emptiness(node.body);
    case "repeat":
      return node.min === 0 ? "always" : emptiness(node.body);
    case "concat": {
      const kinds = node.parts.map(emptiness);
      if (kinds.includes("never")) return "never";
      return kinds.includes("somewhere") ? "somewhere" : "always";
    }
    case "alternate": {
      const kinds = node.branches.map(emptiness);
      if (kinds.includes("always")) return "always";
      return kinds.includes("somewhere") ? "somewhere" : "never";
    }
    default:
      return node satisfies never;
  }
}

/** Is one of these assertions in the tree? */
export function hasAssertion(node: Node, among: readonly Assertion[]): boolean {
  switch (node.kind) {
    case "assert":
      return among.includes(node.what);
    case "capture":
    case "repeat":
      return hasAssertion(node.body, among);
    case "concat":
      return node.parts.some((part) => hasAssertion(part, among));
    case "alternate":
      return node.branches.some((branch) => hasAssertion(branch, among));
    case "empty":
    case "literal":
    case "class":
      return false;
    default:
      return node satisfies never;
  }
}

export const allAssertions: readonly Assertion[] = [
  "text-start",
  "text-end",
  "line-start",
  "line-end",
  "word-boundary",
  "no-word-boundary",
];

/** Leaves out what makes no difference to whether an unanchored search finds something. */
import { type Node, concat, emptiness } from "./syntax.ts";
import { type Target, isEverything } from "./translate.ts";

/**
 * A tree that matches somewhere in exactly the texts in which `root` does; positions and groups may
 * differ. `.*x.*` becomes `x`: the leading loop alone would make the search quadratic.
 */
export function simplifyForTest(root: Node, target: Target): Node {
  return trim(trim(root, { isStart: true, target }), { isStart: false, target });
}

interface Side {
  readonly isStart: boolean;
  readonly target: Target;
}

function trim(node: Node, side: Side): Node {
  if (emptiness(node) === "always") return { kind: "empty" };
  switch (node.kind) {
    case "capture":
      return trim(node.body, side);
    case "repeat": {
      // One turn is enough; more of them can only begin earlier or end later.
      const isOpen = node.min > 0 && node.max > node.min;
      return isOpen ? { ...node, max: node.min, isGreedy: true } : node;
    }
    case "alternate":
      return { kind: "alternate", branches: node.branches.map((branch) => trim(branch, side)) };
    case "concat":
      return trimConcat(node.parts, side);
    case "empty":
    case "literal":
    case "class":
    case "assert":
      return node;
    default:
      return node satisfies never;
  }
}

function trimConcat(all: readonly Node[], side: Side): Node {
  let parts = side.isStart ? [...all] : all.toReversed();
  for (;;) {
    const first = parts[0];
    if (first === undefined) return { kind: "empty" };
    if (isAnchor(first, side) && parts[1] !== undefined && takesAll(parts[1], side.target)) {
      parts = parts.slice(2);
    } else if (emptiness(first) === "always") {
      parts = parts.slice(1);
    } else break;
  }
  const trimmed = trim(parts[0]!, side);
  const done = [trimmed, ...parts.slice(1)];
  return concat(side.isStart ? done : done.reverse());
}

/** In a block, where lines have no newline inside, the ends of line and text are the same. */
function isAnchor(node: Node, { isStart, target }: Side): boolean {
  if (node.kind !== "assert") return false;
  if (node.what === (isStart ? "text-start" : "text-end")) return true;
  return target === "line-block" && node.what === (isStart ? "line-start" : "line-end");
}

function takesAll(node: Node, target: Target): boolean {
  if (node.kind === "capture") return takesAll(node.body, target);
  if (node.kind !== "repeat" || node.min > 0 || node.max !== Infinity) return false;
  return node.body.kind === "class" && isEverything(node.body.set, target);
}

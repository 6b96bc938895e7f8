/**
 * V8's two engines. The fast one backtracks; with the switches below, a run that has gone back
 * `backtracksMax` times is begun again in the "experimental" one, which takes linear time, at about
 * 20 MiB/s. Two things must be known:
 * - The count starts anew with each call, not each line. A search through a 1 MiB block goes back
 *   about once a byte for harmless expressions like `\w+@\w+`; V8's own bound of 50,000 would send
 *   those to the slow engine (measured: 15 instead of 170 MiB/s).
 * - A loop over one class is not counted, so `a+$` is quadratic in the fast engine. `Engines`
 *   therefore takes the slow one for long texts. Whether the linear engine takes an expression is
 *   asked of the engine itself, by its `l` flag. The switches are the process's: every other
 *   expression only gains by them.
 */
import { setFlagsFromString } from "node:v8";
import { type Node } from "./syntax.ts";

/**
 * One backtrack takes about 5 ns: no call loses more than some milliseconds before it is finished
 * in linear time.
 */
export const backtracksMax = 1_000_000;
/**
 * Longest text for an expression with a loop in the fast engine: quadratic time for it is at most
 * some 20 ms.
 */
export const fastLengthMax = 8192;
/** The same for loops within loops, where every text would cost `backtracksMax` at worst. */
export const fastNestedLengthMax = 32;

setFlagsFromString("--enable-experimental-regexp-engine");
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString(`--regexp-backtracks-before-fallback=${backtracksMax}`);

/** `l` is V8's own: run in the linear engine, or refuse. */
const linearFlags = "gl";

/** One expression for both engines; flag `g`, so set `lastIndex`. */
export interface Engines {
  readonly fast: RegExp;
  readonly linear: RegExp;
  /** In longer texts only `linear` keeps the promise of linear time. */
  readonly fastLengthMax: number;
}

/**
 * The same for blocks of lines. Where lines may be longer and there is no `linear`, test line by
 * line.
 */
export interface BlockEngines {
  readonly fast: RegExp;
  readonly linear: RegExp | undefined;
  /** Longest line for `fast`. */
  readonly fastLengthMax: number;
}

/**
 * Word boundaries that one match can pass. V8 compiles what follows each of them twice when it
 * cannot tell what stands there: `(a|b)*?` and 35 times `\bq?` took 40 s and gigabytes, and ended
 * the process when memory did.
 */
const boundariesMax = 12;
/** V8 copies the body of a loop a few times. */
const loopCopies = 3;

function boundariesOf(node: Node): number {
  switch (node.kind) {
    case "empty":
    case "literal":
    case "class":
      return 0;
    case "assert":
      return node.what === "word-boundary" || node.what === "no-word-boundary" ? 1 : 0;
    case "capture":
      return boundariesOf(node.body);
    case "repeat":
      return boundariesOf(node.body) * (node.max === Infinity ? loopCopies + node.min : node.max);
    case "concat":
      return node.parts.reduce((all, part) => all + boundariesOf(part), 0);
    case "alternate":
      return node.branches.reduce((most, branch) => Math.max(most, boundariesOf(branch)), 0);
    default:
      return node satisfies never;
  }
}

/**
 * `node` is what `source` was translated from. Undefined when the linear engine does not take it.
 */
export function compileEngines(source: string, node: Node): Engines | undefined {
  if (boundariesOf(node) > boundariesMax) return undefined;
  const linear = compileOrRefuse(source, linearFlags);
  const fast = compileOrRefuse(source, "g");
  if (linear === undefined || fast === undefined) return undefined;
  return { fast, linear, fastLengthMax: lengthMaxOf(node) };
}

/**
 * The linear engine refuses the look-behind that stands for `^`. Such an expression is still taken
 * if it is so simple that the fast engine cannot need more than quadratic time in a line.
 */
export function compileBlockEngines(source: string, node: Node): BlockEngines | undefined {
  const engines = compileEngines(source, node);
  if (engines !== undefined) return engines;
  if (boundariesOf(node) > boundariesMax) return undefined;
  const fast = compileOrRefuse(source, "g");
  if (fast === undefined || !isAtMostQuadratic(node)) return undefined;
  return { fast, linear: undefined, fastLengthMax };
}

function compileOrRefuse(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    // A syntax error here means "not in linear time" or "too large".
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function lengthMaxOf(node: Node): number {
  const depth = loopDepth(node);
  if (depth === 0) return Infinity;
  return depth === 1 ? fastLengthMax : fastNestedLengthMax;
}

/** Ways to go on that are not worth counting: they multiply the time by 2 to this power at most. */
const choicesMax = 8;

/**
 * Two of: a search that begins anywhere in the line, and loops over one class. Choices are few and
 * outside of loops.
 */
function isAtMostQuadratic(node: Node): boolean {
  const { loops, choices } = weigh(node);
  return loops + (startsAtLine(node) ? 0 : 1) <= 2 && choices <= choicesMax;
}

interface Weight {
  readonly loops: number;
  readonly choices: number;
}

function weigh(node: Node): Weight {
  switch (node.kind) {
    case "empty":
    case "literal":
    case "class":
    case "assert":
      return { loops: 0, choices: 0 };
    case "capture":
      return weigh(node.body);
    case "repeat": {
      const body = weigh(node.body);
      const isSimple = node.body.kind === "class" || node.body.kind === "literal";
      if (node.max === Infinity) return { loops: isSimple ? 1 : Infinity, choices: 0 };
      const { min, max } = node;
      return { loops: body.loops * max, choices: body.choices * max + (max - min) };
    }
    case "concat":
      return sum(node.parts.map(weigh), 0);
    case "alternate":
      return sum(node.branches.map(weigh), node.branches.length - 1);
    default:
      return node satisfies never;
  }
}

function sum(weights: readonly Weight[], choices: number): Weight {
  return weights.reduce(
    (all, weight) => ({
      loops: all.loops + weight.loops,
      choices: all.choices + weight.choices,
    }),
    { loops: 0, choices },
  );
}

function startsAtLine(node: Node): boolean {
  if (node.kind === "capture") return startsAtLine(node.body);
  if (node.kind === "concat") return startsAtLine(node.parts[0]!);
  if (node.kind === "alternate") return node.branches.every(startsAtLine);
  return node.kind === "assert" && (node.what === "line-start" || node.what === "text-start");
}

/** How deep open loops are nested. */
function loopDepth(node: Node): number {
  switch (node.kind) {
    case "empty":
    case "literal":
    case "class":
    case "assert":
      return 0;
    case "capture":
      return loopDepth(node.body);
    case "repeat":
      return loopDepth(node.body) + (node.max === Infinity ? 1 : 0);
    case "concat":
      return node.parts.reduce((deepest, part) => Math.max(deepest, loopDepth(part)), 0);
    case "alternate":
      return node.branches.reduce((deepest, branch) => Math.max(deepest, loopDepth(branch)), 0);
    default:
      return node satisfies never;
  }
}

/**
 * What a match must contain, read off the tree. U+FFFD is never given as a literal: it also stands
 * for bytes that are not UTF-8, so a search for its three bytes would miss them.
 */
import { type Node, allAssertions, hasAssertion } from "./syntax.ts";
import { sizeOf } from "./code-points.ts";

/**
 * More alternatives for one term cost a filter more than they save. 54 are needed for `(?i)sess`.
 */
export const alternativesMax = 64;
/** A plain `a|b|c`, as label matchers have it, may be longer. */
export const plainLiteralsMax = 10_000;
/** A shorter literal is in nearly every block. */
const literalLengthMin = 2;
const replacement = 0xfffd;

type Term = readonly string[];

interface Facts {
  /** All texts the node can match, if few. */
  readonly exact: Term | undefined;
  /** Else, terms that all must be in the match. */
  readonly required: readonly Term[];
}

const unknown: Facts = { exact: undefined, required: [] };

/** The texts of a tree without assertions that matches only few of them, in order of preference. */
export function literalsOf(root: Node): Term | undefined {
  const plain = plainTexts(root);
  if (plain !== undefined) return plain;
  return hasAssertion(root, allAssertions) ? undefined : factsOf(root).exact;
}

/** All of the terms must be in every match, of each term one literal at least. */
export function requiredLiteralsOf(root: Node): readonly Term[] {
  const plain = plainTexts(root);
  const { exact, required } =
    plain === undefined ? factsOf(root) : { exact: plain, required: [] as Term[] };
  const terms = exact === undefined ? required : [exact];
  return terms.filter(isUseful);
}

const isUseful = (term: Term): boolean => term.every((text) => text.length >= literalLengthMin);

/** A choice of rows of literals, of any sensible length. */
function plainTexts(node: Node): Term | undefined {
  if (node.kind === "capture") return plainTexts(node.body);
  if (node.kind === "alternate") {
    if (node.branches.length > plainLiteralsMax) return undefined;
    const texts: string[] = [];
    for (const branch of node.branches) {
      const text = plainText(branch);
      if (text === undefined) return undefined;
      texts.push(text);
    }
    return texts;
  }
  const text = plainText(node);
  return text === undefined ? undefined : [text];
}

function plainText(node: Node): string | undefined {
  if (node.kind === "empty") return "";
  if (node.kind === "capture") return plainText(node.body);
  if (node.kind === "literal") {
    return node.codePoint === replacement ? undefined : String.fromCodePoint(node.codePoint);
  }
  if (node.kind !== "concat") return undefined;
  let text = "";
  for (const part of node.parts) {
    const more = plainText(part);
    if (more === undefined) return undefined;
    text += more;
  }
  return text;
}

function factsOf(node: Node): Facts {
  switch (node.kind) {
    case "empty":
    case "assert":
      return { exact: [""], required: [] };
    case "literal":
      if (node.codePoint === replacement) return unknown;
      return { exact: [String.fromCodePoint(node.codePoint)], required: [] };
    case "class":
      return { exact: members(node.set), required: [] };
    case "capture":
      return factsOf(node.body);
    case "repeat":
      return factsOfRepeat(factsOf(node.body), node);
    case "concat":
      return factsOfConcat(node.parts.map(factsOf));
    case "alternate":
      return factsOfAlternate(node.branches.map(factsOf));
    default:
      return node satisfies never;
  }
}

function members(set: readonly number[]): Term | undefined {
  // A set that matches nothing is left unknown: "one literal of none" says little to anyone.
  if (set.length === 0 || sizeOf(set) > alternativesMax) return undefined;
  const texts: string[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let codePoint = set[i]!; codePoint <= set[i + 1]!; codePoint++) {
      if (codePoint === replacement) return undefined;
      texts.push(String.fromCodePoint(codePoint));
    }
  }
  return texts;
}

function factsOfRepeat(body: Facts, { min, max }: { min: number; max: number }): Facts {
  if (max === 0) return { exact: [""], required: [] };
  if (min === 0) {
    if (max > 1 || body.exact === undefined) return unknown;
    return { exact: [...body.exact, ""], required: [] };
  }
  // Copies beyond this make literals longer than any filter looks at.
  const copies = Math.min(min, alternativesMax);
  const facts = factsOfConcat(Array.from({ length: copies }, () => body));
  if (copies === max) return facts;
  return { exact: undefined, required: termsOf(facts) };
}

const termsOf = ({ exact, required }: Facts): readonly Term[] =>
  exact === undefined ? required : [exact];

function factsOfConcat(parts: readonly Facts[]): Facts {
  const terms: Term[] = [];
  let row: Term = [""];
  // What follows every text of the row: a long literal is not copied, nor compared, a character at a time.
  let tail = "";
  let isExact = true;
  const whole = (): Term => (tail === "" ? row : row.map((text) => text + tail));
  for (const part of parts) {
    const [only, ...more] = part.exact ?? [];
    if (only !== undefined && more.length === 0) {
      tail += only;
      continue;
    }
    const before = whole();
    tail = "";
    if (part.exact !== undefined && row.length * part.exact.length <= alternativesMax) {
      const { exact } = part;
      row = [...new Set(before.flatMap((text) => exact.map((next) => text + next)))];
      continue;
    }
    isExact = false;
    terms.push(before);
    if (part.exact === undefined) terms.push(...part.required);
    row = part.exact ?? [""];
  }
  if (isExact) return { exact: whole(), required: [] };
  return { exact: undefined, required: [...terms, whole()].filter(isUseful) };
}

function factsOfAlternate(branches: readonly Facts[]): Facts {
  const exact: string[] = [];
  const choice: string[] = [];
  let isExact = true;
  for (const branch of branches) {
    if (branch.exact === undefined) isExact = false;
    else exact.push(...branch.exact);
    choice.push(...(bestOf(termsOf(branch)) ?? [""]));
  }
  const isSmall = choice.length <= alternativesMax && exact.length <= alternativesMax;
  if (isExact && isSmall) return { exact: [...new Set(exact)], required: [] };
  const term = [...new Set(choice)];
  return { exact: undefined, required: isSmall && isUseful(term) ? [term] : [] };
}

/** The term whose shortest literal is longest. */
function bestOf(terms: readonly Term[]): Term | undefined {
  const shortest = (term: Term): number => Math.min(...term.map((text) => text.length));
  let best: Term | undefined;
  for (const term of terms) {
    if (best === undefined || shortest(term) > shortest(best)) best = term;
  }
  return best;
}

/** Text: case, trimming, cutting, padding, replacing. Lengths are bytes where Go's are. */

import { charged, countAt, ofStrings, stringAt } from "./arguments.ts";
import type { FunctionContext, FunctionTable, GoFunction } from "./go-function.ts";
import { FunctionError } from "./template-error.ts";
import { byteLength, isAscii, sliceBytes } from "./text-bytes.ts";
import type { Evaluated } from "./values.ts";

/** unicode.IsSpace at both ends. */
const spaces =
  "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const spaceAtStart = new RegExp(`^${spaces}`);
const spaceAtEnd = new RegExp(`${spaces}$`);

/** Go maps character by character: what would become several characters stays as it is. */
function mapRunes(text: string, change: (rune: string) => string): string {
  if (isAscii(text)) return change(text);
  let mapped = "";
  for (const rune of text) {
    const changed = change(rune);
    mapped += Array.from(changed).length === 1 ? changed : rune;
  }
  return mapped;
}

function upper(text: string): string {
  return mapRunes(text, (rune) => rune.toUpperCase());
}

function lower(text: string): string {
  return mapRunes(text, (rune) => rune.toLowerCase());
}

/** `strings.Title`: a letter is raised when no letter, digit or underscore precedes it. */
function title(text: string): string {
  let titled = "";
  let isInWord = false;
  for (const rune of text) {
    titled += isInWord ? rune : upper(rune);
    isInWord = /[\p{L}\p{Nd}_]/u.test(rune) || !(isAscii(rune) || /\s/u.test(rune));
  }
  return titled;
}

function trimSpace(text: string): string {
  return text.replace(spaceAtStart, "").replace(spaceAtEnd, "");
}

function trimLeft(text: string, characters: string): string {
  const set = new Set(characters);
  let from = 0;
  for (const rune of text) {
    if (!set.has(rune)) break;
    from += rune.length;
  }
  return text.slice(from);
}

function trimRight(text: string, characters: string): string {
  const set = new Set(characters);
  const runes = Array.from(text);
  let count = runes.length;
  while (count > 0 && set.has(runes[count - 1] ?? "")) count--;
  return count === runes.length ? text : runes.slice(0, count).join("");
}

function trimBoth(text: string, characters: string): string {
  return trimRight(trimLeft(text, characters), characters);
}

function trimPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function trimSuffix(text: string, suffix: string): string {
  return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

/** `strings.Replace`: the first `count` occurrences, all when it is negative. */
function replace(
  text: string,
  change: { from: string; to: string; count: number },
  context: FunctionContext,
): string {
  const { from, to, count } = change;
  // An empty text to replace is found before every character and at the end.
  const pieces = from === "" ? ["", ...Array.from(text), ""] : text.split(from);
  const last = pieces.length - 1;
  const total = count < 0 ? last : Math.min(count, last);
  if (from === "" && text === "") return total > 0 ? to : "";
  context.charge(text.length + total * to.length);
  const head = pieces.slice(0, total + 1).join(to);
  return total === last ? head : head + from + pieces.slice(total + 1).join(from);
}

function outOfBounds(what: string): FunctionError {
  return new FunctionError(`runtime error: slice bounds out of range ${what}`);
}

function substring(args: readonly Evaluated[]): string {
  const { from, to, text } = {
    from: countAt(args, 0),
    to: countAt(args, 1),
    text: stringAt(args, 2),
  };
  const length = byteLength(text);
  if (from < 0) {
    if (to > length) throw outOfBounds(`[:${to}] with length ${length}`);
    if (to < 0) throw outOfBounds(`[:${to}]`);
    return sliceBytes(text, 0, to);
  }
  if (to < 0 || to > length) {
    if (from > length) throw outOfBounds(`[${from}:${length}]`);
    return sliceBytes(text, from, length);
  }
  if (from > to) throw outOfBounds(`[${from}:${to}]`);
  return sliceBytes(text, from, to);
}

function truncate(args: readonly Evaluated[]): string {
  const { count, text } = { count: countAt(args, 0), text: stringAt(args, 1) };
  const length = byteLength(text);
  if (count < 0 && length + count > 0) return sliceBytes(text, length + count, length);
  return count >= 0 && length > count ? sliceBytes(text, 0, count) : text;
}

function align(side: "left" | "right"): GoFunction {
  return {
    parameters: ["int", "string"],
    run(args, context) {
      const { count, text } = { count: countAt(args, 0), text: stringAt(args, 1) };
      const runes = Array.from(text);
      if (count < 0 || count === runes.length) return text;
      if (count < runes.length) {
        const kept = side === "left" ? runes.slice(0, count) : runes.slice(runes.length - count);
        return charged(kept.join(""), context);
      }
      context.charge(count);
      const padding = " ".repeat(count - runes.length);
      return side === "left" ? text + padding : padding + text;
    },
  };
}

function indent(before: string): GoFunction {
  return {
    parameters: ["int", "string"],
    run(args, context) {
      const padding = repeat(" ", countAt(args, 0), context);
      const text = stringAt(args, 1);
      const lines = text.split("\n");
      context.charge(text.length + lines.length * padding.length);
      return before + padding + lines.join(`\n${padding}`);
    },
  };
}

function repeat(text: string, count: number, context: FunctionContext): string {
  if (count < 0) throw new FunctionError("strings: negative Repeat count");
  context.charge(text.length * count);
  return text === "" ? "" : text.repeat(count);
}

export const stringFunctions: FunctionTable = {
  ToLower: ofStrings(1, lower),
  ToUpper: ofStrings(1, upper),
  Replace: {
    parameters: ["string", "string", "string", "int"],
    run: (args, context) =>
      replace(
        stringAt(args, 0),
        { from: stringAt(args, 1), to: stringAt(args, 2), count: countAt(args, 3) },
        context,
      ),
  },
  Trim: ofStrings(2, trimBoth),
  TrimLeft: ofStrings(2, trimLeft),
  TrimPrefix: ofStrings(2, trimPrefix),
  TrimRight: ofStrings(2, trimRight),
  TrimSpace: ofStrings(1, trimSpace),
  TrimSuffix: ofStrings(2, trimSuffix),
  alignLeft: align("left"),
  alignRight: align("right"),
  contains: ofStrings(2, (part, text) => text.includes(part)),
  hasPrefix: ofStrings(2, (prefix, text) => text.startsWith(prefix)),
  hasSuffix: ofStrings(2, (suffix, text) => text.endsWith(suffix)),
  indent: indent(""),
  lower: ofStrings(1, lower),
  nindent: indent("\n"),
  repeat: {
    parameters: ["int", "string"],
    run: (args, context) => repeat(stringAt(args, 1), countAt(args, 0), context),
  },
  replace: {
    parameters: ["string", "string", "string"],
    run: (args, context) =>
      replace(
        stringAt(args, 2),
        { from: stringAt(args, 0), to: stringAt(args, 1), count: -1 },
        context,
      ),
  },
  substr: {
    parameters: ["int", "int", "string"],
    run: (args, context) => charged(substring(args), context),
  },
  title: ofStrings(1, title),
  trim: ofStrings(1, trimSpace),
  trimAll: ofStrings(2, (characters, text) => trimBoth(text, characters)),
  trimPrefix: ofStrings(2, (prefix, text) => trimPrefix(text, prefix)),
  trimSuffix: ofStrings(2, (suffix, text) => trimSuffix(text, suffix)),
  trunc: {
    parameters: ["int", "string"],
    run: (args, context) => charged(truncate(args), context),
  },
  upper: ofStrings(1, upper),
};

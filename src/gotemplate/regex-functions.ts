/** Regular expressions, RE2's. One that does not compile is an error of the call. */

import { LruMap } from "#base";
import { compileRegex, type Regex } from "#regex";
import { charged, stringAt } from "./arguments.ts";
import type { FunctionTable, GoFunction } from "./go-function.ts";
import { integer } from "./values.ts";

/** Expressions are nearly always constants of the template; this many stay compiled. */
const compiledCountMax = 256;
const compiled = new LruMap<string, Regex>({
  name: "template_regexes",
  weightMax: compiledCountMax,
});

function regexFor(source: string): Regex {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const regex = compileRegex(source, { anchored: false });
  compiled.set(source, regex);
  return regex;
}

function replaceAll(literal: boolean): GoFunction {
  return {
    parameters: ["string", "string", "string"],
    run(args, context) {
      const { text, replacement } = { text: stringAt(args, 1), replacement: stringAt(args, 2) };
      const regex = regexFor(stringAt(args, 0));
      // Before the work: each match can add the replacement and, through it, parts of the text.
      if (replacement.length > 64) {
        context.charge(regex.count(text) * replacement.length);
      }
      return charged(regex.replaceAll(text, replacement, { literal }), context);
    },
  };
}

export const regexFunctions: FunctionTable = {
  count: {
    parameters: ["string", "string"],
    run: (args) => integer(regexFor(stringAt(args, 0)).count(stringAt(args, 1))),
  },
  regexReplaceAll: replaceAll(false),
  regexReplaceAllLiteral: replaceAll(true),
};

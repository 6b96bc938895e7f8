import { Labels } from "#model";
import type { Regex } from "#regex";
import type { Matrix } from "./series.ts";

/**
 * `label_replace`: where the anchored expression matches the source label (a missing one is ""),
 * the target becomes the expansion of the replacement; an empty expansion removes it. Series that
 * become equal both stay.
 */
export function replaceLabel(
  input: Matrix,
  options: {
    readonly target: string;
    readonly replacement: string;
    readonly source: string;
    readonly regex: Regex;
  },
): Matrix {
  const series = input.series.map((one) => {
    const value = one.labels.get(options.source) ?? "";
    const match = options.regex.find(value);
    if (match === undefined) return one;
    const text = expandTemplate(options.replacement, match.groups, options.regex.groupNames);
    const pairs = one.labels.pairs.filter(([name]) => name !== options.target);
    return {
      ...one,
      labels: Labels.of(text === "" ? pairs : [...pairs, [options.target, text]]),
    };
  });
  return { stepCount: input.stepCount, series };
}

/**
 * Go's Regexp.Expand: `$name`, `${name}`, `$1`, `${1}`; `$1_` is the group named `1_`; `$$` is a
 * dollar; a group that is not there or took no part is empty; a `$` that starts nothing stands for
 * itself.
 */
export function expandTemplate(
  template: string,
  groups: readonly (string | undefined)[],
  groupNames: readonly (string | undefined)[],
): string {
  return template.replace(
    /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (_all, dollar: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (dollar !== undefined) return "$";
      const name = braced ?? bare ?? "";
      if (/^[0-9]+$/.test(name)) return groups[Number(name)] ?? "";
      const at = groupNames.indexOf(name);
      return at === -1 ? "" : (groups[at + 1] ?? "");
    },
  );
}

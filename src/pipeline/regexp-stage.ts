import type { RegexpStage } from "#logql";
import { compileRegex } from "#regex";
import type { RowStage } from "./row-state.ts";
import type { WantedLabels } from "./wanted-labels.ts";

/** `| regexp`: named groups of the first match; a group that took no part gives an empty label. */
export function compileRegexp(stage: RegexpStage, wanted: WantedLabels): RowStage {
  const regex = compileRegex(stage.pattern, { anchored: false });
  const groups: { index: number; name: string }[] = [];
  for (const [index, name] of regex.groupNames.entries()) {
    if (name !== undefined && wanted.has(name)) groups.push({ index: index + 1, name });
  }
  return (row) => {
    const match = regex.find(row.line());
    if (match === undefined) return true;
    for (const { index, name } of groups) {
      row.addFieldText(row.fieldName(name), match.groups[index] ?? "");
    }
    return true;
  };
}

/**
 * Go's replacement templates (package regexp, Regexp.Expand): `$1`, `$name`, `${name}` and `$$`. A
 * name is as long as possible, so `$1x` is the group named `1x`; an unknown or unset group is
 * empty; a `$` that begins nothing stands for itself.
 */
export interface ExpandGroups {
  /** Names of groups 1…n. */
  readonly groupNames: readonly (string | undefined)[];
  /** Texts of groups 0…n. */
  readonly groups: readonly (string | undefined)[];
}

const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

export function expandTemplate(template: string, groups: ExpandGroups): string {
  if (!template.includes("$")) return template;
  return template.replace(reference, (_all, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    return name === undefined ? "$" : valueOf(name, groups);
  });
}

function valueOf(name: string, { groupNames, groups }: ExpandGroups): string {
  // Numbers have no leading zero; anything else is a name.
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return groups[Number(name)] ?? "";
  for (const [i, groupName] of groupNames.entries()) {
    const text = groups[i + 1];
    if (groupName === name && text !== undefined) return text;
  }
  return "";
}

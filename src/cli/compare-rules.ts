/** What it takes to make the groups of a server equal to those of files. Pure. */
import { createTwoFilesPatch } from "diff";
import { type PlacedGroup, printRuleGroup } from "#ruler";

export interface GroupChange {
  readonly kind: "create" | "replace" | "delete";
  readonly namespace: string;
  readonly group: string;
  /** What is to be there; undefined for `delete`. */
  readonly wanted: PlacedGroup | undefined;
  /** Unified, from the server's group to the file's. */
  readonly patch: string;
}

export interface NamespaceChoice {
  /** Only these; empty: all. */
  readonly only: readonly string[];
  readonly except: readonly string[];
}

export function isChosen(namespace: string, { only, except }: NamespaceChoice): boolean {
  return (only.length === 0 || only.includes(namespace)) && !except.includes(namespace);
}

/** By namespace and group. Groups are the same when they print the same: layout does not count. */
export function compareRules(
  groups: { readonly wanted: readonly PlacedGroup[]; readonly present: readonly PlacedGroup[] },
  choice: NamespaceChoice,
): GroupChange[] {
  const wanted = byPlace(groups.wanted, choice);
  const present = byPlace(groups.present, choice);
  const changes: GroupChange[] = [];
  for (const place of [...new Set([...wanted.keys(), ...present.keys()])].sort()) {
    const [to, from] = [wanted.get(place), present.get(place)];
    const one = to ?? from;
    if (one === undefined) continue;
    const [toText, fromText] = [textOf(to), textOf(from)];
    if (toText === fromText) continue;
    changes.push({
      kind: to === undefined ? "delete" : from === undefined ? "create" : "replace",
      namespace: one.namespace,
      group: one.group.name,
      wanted: to,
      patch: patchOf(`${one.namespace}/${one.group.name}`, fromText, toText),
    });
  }
  return changes;
}

function byPlace(
  groups: readonly PlacedGroup[],
  choice: NamespaceChoice,
): Map<string, PlacedGroup> {
  const chosen = groups.filter(({ namespace }) => isChosen(namespace, choice));
  return new Map(chosen.map((one) => [`${one.namespace}\0${one.group.name}`, one]));
}

function textOf(placed: PlacedGroup | undefined): string {
  return placed === undefined ? "" : printRuleGroup(placed.group);
}

function patchOf(name: string, from: string, to: string): string {
  const [left, right] = [from === "" ? "/dev/null" : `server/${name}`, `files/${name}`];
  const patch = createTwoFilesPatch(left, to === "" ? "/dev/null" : right, from, to, "", "");
  return patch.replace(/^=+\n/, "");
}

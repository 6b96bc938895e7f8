/** Rule files on disk: which ones, what is in them, what is wrong with them. */
import { basename, extname, join, resolve } from "node:path";
import { messageOf, MiB } from "#base";
import { type PlacedGroup, parseRuleFile } from "#ruler";
import { usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { checkRuleFile, checkTogether } from "./check-rules.ts";
import { type FileFault, YamlReader } from "./yaml-reader.ts";

/** People write rules; a longer file is something else. */
const fileBytesMax: number = 16 * MiB;
/** Links that lead in circles end here. */
const foldersDeepMax = 20;
const extensions: ReadonlySet<string> = new Set([".yaml", ".yml"]);

export interface RuleFileOptions {
  /** `--rule-files`, `--rule-dirs`: several with commas. */
  readonly ruleFiles?: string;
  readonly ruleDirs?: string;
}

export interface LoadedRules {
  /** Empty for files that are no YAML. */
  readonly groups: readonly (PlacedGroup & { readonly file: string })[];
  readonly files: readonly string[];
  readonly faults: readonly FileFault[];
}

/** Files as named, and what lies below folders as named. Throws a usage error when there are none. */
export async function findRuleFiles(
  named: readonly string[],
  options: RuleFileOptions,
  io: CliIo,
): Promise<string[]> {
  const listed = (text: string | undefined): string[] => (text ?? "").split(",").filter(Boolean);
  const all = [...named, ...listed(options.ruleFiles), ...listed(options.ruleDirs)];
  if (all.length === 0) throw usageError("which rule files or folders?");
  const found = new Set<string>();
  for (const path of all) for (const file of await filesAt(path, io, 0)) found.add(file);
  if (found.size === 0) {
    throw usageError(`no .yaml or .yml file in ${all.join(", ")}`);
  }
  return [...found];
}

async function filesAt(path: string, io: CliIo, deep: number): Promise<string[]> {
  const full = resolve(io.folder, path);
  try {
    const { isFolder } = await io.files.stat(full);
    if (!isFolder) return [path];
    if (deep >= foldersDeepMax) throw usageError(`${path}: folders in folders without end`);
    const files: string[] = [];
    for (const { name, isFolder: isInner } of await io.files.list(full)) {
      if (name.startsWith(".")) continue;
      const inner = join(path, name);
      if (isInner) files.push(...(await filesAt(inner, io, deep + 1)));
      else if (extensions.has(extname(name))) files.push(inner);
    }
    return files;
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

export async function readTextFile(path: string, io: CliIo): Promise<string> {
  try {
    const full = resolve(io.folder, path);
    const { sizeBytes } = await io.files.stat(full);
    if (sizeBytes > fileBytesMax) throw usageError(`${path}: longer than 16 MiB`);
    return (await io.files.read(full)).toString("utf8");
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

/** Reads and checks; a namespace is what the file says, or else the file's name. */
export async function loadRules(files: readonly string[], io: CliIo): Promise<LoadedRules> {
  const groups: (PlacedGroup & { file: string })[] = [];
  const faults: FileFault[] = [];
  const checked: { reader: YamlReader; groups: readonly PlacedGroup[] }[] = [];
  for (const file of files) {
    const text = await readTextFile(file, io);
    const reader = new YamlReader({ file, text });
    if (checkRuleFile(reader)) {
      const parsed = parseRuleFile(text);
      const namespace = parsed.namespace ?? basename(file, extname(file));
      const placed = parsed.groups.map((group) => ({ namespace, group, file }));
      groups.push(...placed);
      checked.push({ reader, groups: placed });
    }
    faults.push(...reader.faults);
  }
  return { groups, files, faults: [...faults, ...checkTogether(checked)] };
}

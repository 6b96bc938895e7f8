/**
 * Rules in files that only people change: `<folder>/<tenant>/<any name>`, YAML with `groups:`. The
 * namespace is the file's name, as in Loki. Names that begin with a dot are passed over: editors
 * and mounted volumes leave such.
 */
import { join } from "node:path";
import { isStoreError, messageOf, MiB, RequestError } from "#base";
import { validateTenantId } from "#model";
import type { Files } from "#world";
import type { PlacedGroup, RuleGroup } from "./rule-group.ts";
import { comparePlaced, type ReportProblem, type RuleStore } from "./rule-store.ts";
import { parseRuleFile, RuleYamlError } from "./rule-yaml.ts";
import { validateGroups } from "./validate-group.ts";

/** No file of rules that people write is as large. */
const fileBytesMax: number = 16 * MiB;

export interface FileRuleStoreOptions {
  readonly files: Files;
  readonly folder: string;
  /** Folders in it that are no tenants. */
  readonly except?: readonly string[];
}

interface Remembered {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly groups: readonly RuleGroup[];
}

export class FileRuleStore implements RuleStore {
  readonly #files: Files;
  readonly #folder: string;
  readonly #except: ReadonlySet<string>;
  /** By path. Files that are gone are forgotten with their tenant's next list. */
  #remembered = new Map<string, Map<string, Remembered>>();

  constructor({ files, folder, except = [] }: FileRuleStoreOptions) {
    this.#files = files;
    this.#folder = folder;
    this.#except = new Set(except);
  }

  async tenants(): Promise<readonly string[]> {
    const found = await this.#listed(this.#folder);
    return found
      .filter(({ name, isFolder }) => isFolder && !this.#except.has(name) && isTenant(name))
      .map(({ name }) => name);
  }

  async #listed(folder: string) {
    try {
      const found = await this.#files.list(folder);
      return found.filter(({ name }) => !name.startsWith("."));
    } catch (error) {
      if (isStoreError(error, "missing")) return [];
      throw error;
    }
  }

  async list(tenant: string, report: ReportProblem): Promise<readonly PlacedGroup[]> {
    validateTenantId(tenant);
    if (this.#except.has(tenant)) return [];
    const folder = join(this.#folder, tenant);
    const before = this.#remembered.get(tenant);
    const after = new Map<string, Remembered>();
    const placed: PlacedGroup[] = [];
    for (const { name, isFolder } of await this.#listed(folder)) {
      if (isFolder) continue;
      const path = join(folder, name);
      const read = await this.#read(path, before?.get(path), report);
      if (read === undefined) continue;
      after.set(path, read);
      for (const group of read.groups) placed.push({ namespace: name, group });
    }
    this.#remembered.set(tenant, after);
    return placed.sort(comparePlaced);
  }

  async #read(
    path: string,
    known: Remembered | undefined,
    report: ReportProblem,
  ): Promise<Remembered | undefined> {
    try {
      const { sizeBytes, modifiedMs } = await this.#files.stat(path);
      if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known;
      if (sizeBytes > fileBytesMax) {
        report({ where: path, reason: `${sizeBytes} bytes, at most ${fileBytesMax}` });
        return { sizeBytes, modifiedMs, groups: [] };
      }
      const text = (await this.#files.read(path)).toString("utf8");
      return { sizeBytes, modifiedMs, groups: usableGroups(text, path, report) };
    } catch (error) {
      // Gone between listing and reading.
      if (isStoreError(error, "missing")) return undefined;
      throw error;
    }
  }

  put(): Promise<void> {
    return Promise.reject(refusal());
  }

  remove(): Promise<void> {
    return Promise.reject(refusal());
  }
}

function refusal(): RequestError {
  return new RequestError(400, "these rules are in files that only people change");
}

/** A file with a mistake is left out whole, as Loki does it: half a file is a surprise. */
function usableGroups(text: string, path: string, report: ReportProblem): readonly RuleGroup[] {
  try {
    const { groups } = parseRuleFile(text);
    const problems = validateGroups(groups);
    if (problems.length === 0) return groups;
    report({ where: path, reason: problems.join(", ") });
  } catch (error) {
    if (!(error instanceof RuleYamlError)) throw error;
    report({ where: path, reason: messageOf(error) });
  }
  return [];
}

function isTenant(name: string): boolean {
  try {
    validateTenantId(name);
    return true;
  } catch {
    return false;
  }
}

/** Files of people and objects of the API, side by side; what is written goes to the objects. */
export class CombinedRuleStore implements RuleStore {
  readonly #written: RuleStore;
  readonly #files: RuleStore;

  constructor(options: { readonly written: RuleStore; readonly files: RuleStore }) {
    this.#written = options.written;
    this.#files = options.files;
  }

  async tenants(): Promise<readonly string[]> {
    const [written, files] = await Promise.all([this.#written.tenants(), this.#files.tenants()]);
    return [...new Set([...written, ...files])].sort();
  }

  /** A group of the same namespace and name in both is the written one. */
  async list(tenant: string, report: ReportProblem): Promise<readonly PlacedGroup[]> {
    const [written, files] = await Promise.all([
      this.#written.list(tenant, report),
      this.#files.list(tenant, report),
    ]);
    const known = new Set(written.map(placeText));
    const others = files.filter((placed) => !known.has(placeText(placed)));
    return [...written, ...others].sort(comparePlaced);
  }

  put(tenant: string, placed: PlacedGroup): Promise<void> {
    return this.#written.put(tenant, placed);
  }

  async remove(tenant: string, namespace: string, name: string): Promise<void> {
    await this.#written.remove(tenant, namespace, name);
    const left = await this.#files.list(tenant, () => undefined);
    const isInFile = left.some(
      (placed) => placed.namespace === namespace && placed.group.name === name,
    );
    if (isInFile) throw refusal();
  }
}

function placeText({ namespace, group }: PlacedGroup): string {
  return JSON.stringify([namespace, group.name]);
}

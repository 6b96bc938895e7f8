/**
 * Rules in an object store, as Loki keeps them there:
 * `rules/<tenant>/<base64url of the namespace>/<base64url of the group's name>`, each a protobuf
 * (rule-proto.ts). Padding is kept, as Loki writes it; keys without are read as well.
 */
import { isStoreError, LruMap, messageOf, RequestError } from "#base";
import { validateTenantId } from "#model";
import { isKey, keyPartBytesMax, type ObjectInfo, type ObjectStore } from "#objectstore";
import type { PlacedGroup } from "./rule-group.ts";
import { decodeRuleGroup, encodeRuleGroup } from "./rule-proto.ts";
import { comparePlaced, type ReportProblem, type RuleStore } from "./rule-store.ts";

const root = "rules/";
/** Decoded groups that are kept, so that looking for changes costs one LIST a tenant. */
const rememberedMax = 10_000;
/** Objects that are fetched at the same time after a start. */
const fetchesAtOnce = 8;

interface Remembered {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Undefined: it could not be read, which was reported. */
  readonly placed: PlacedGroup | undefined;
}

export class ObjectRuleStore implements RuleStore {
  readonly #objects: ObjectStore;
  readonly #remembered = new LruMap<string, Remembered>({
    name: "rules",
    weightMax: rememberedMax,
  });

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async tenants(): Promise<readonly string[]> {
    const names = await this.#objects.listFolders(root);
    return names.filter(isTenant);
  }

  async list(tenant: string, report: ReportProblem): Promise<readonly PlacedGroup[]> {
    validateTenantId(tenant);
    const found: ObjectInfo[] = [];
    for await (const info of this.#objects.list(`${root}${tenant}/`)) found.push(info);
    const groups: PlacedGroup[] = [];
    for (let at = 0; at < found.length; at += fetchesAtOnce) {
      const batch = found.slice(at, at + fetchesAtOnce);
      const read = await Promise.all(batch.map((info) => this.#group(info, report)));
      for (const placed of read) if (placed !== undefined) groups.push(placed);
    }
    return groups.sort(comparePlaced);
  }

  async #group(info: ObjectInfo, report: ReportProblem): Promise<PlacedGroup | undefined> {
    const { key, sizeBytes, modifiedMs } = info;
    const known = this.#remembered.get(key);
    if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known.placed;
    let placed: PlacedGroup | undefined;
    try {
      placed = placeOf(key, decodeRuleGroup(await this.#objects.get(key), key));
    } catch (error) {
      if (isStoreError(error, "missing")) return undefined;
      if (!isStoreError(error, "corrupt")) throw error;
      report({ where: key, reason: messageOf(error) });
    }
    this.#remembered.set(key, { sizeBytes, modifiedMs, placed });
    return placed;
  }

  async put(tenant: string, placed: PlacedGroup): Promise<void> {
    const key = keyOf(tenant, placed.namespace, placed.group.name);
    await this.#objects.put(key, encodeRuleGroup(tenant, placed));
    this.#remembered.delete(key);
  }

  async remove(tenant: string, namespace: string, name: string): Promise<void> {
    const key = keyOf(tenant, namespace, name);
    this.#remembered.delete(key);
    await this.#objects.delete(key);
    const plain = key.replaceAll("=", "");
    if (plain !== key) await this.#objects.delete(plain);
  }
}

/** The key says where a group lies; older writers left its namespace out of the object. */
function placeOf(key: string, { group }: PlacedGroup): PlacedGroup {
  const [namespace = "", name = ""] = key.split("/").slice(-2).map(decodePart);
  return { namespace, group: group.name === name ? group : { ...group, name } };
}

function encodePart(text: string): string {
  const encoded = Buffer.from(text).toString("base64url");
  return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=");
}

function decodePart(part: string): string {
  return Buffer.from(part, "base64url").toString("utf8");
}

function isTenant(name: string): boolean {
  try {
    validateTenantId(name);
    return true;
  } catch {
    return false;
  }
}

function keyOf(tenant: string, namespace: string, name: string): string {
  validateTenantId(tenant);
  const parts = [encodePart(namespace), encodePart(name)];
  if (namespace === "" || name === "") {
    throw new RequestError(400, "a rule group needs a namespace and a name");
  }
  const key = `${root}${tenant}/${parts.join("/")}`;
  if (!isKey(key)) {
    throw new RequestError(
      400,
      `the names of a rule group's namespace and of the group have at most ` +
        `${Math.floor((keyPartBytesMax * 3) / 4)} bytes`,
    );
  }
  return key;
}

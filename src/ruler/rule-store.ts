/** Where rules are kept. */
import type { PlacedGroup } from "./rule-group.ts";

export interface RuleStore {
  /** Tenants that may have rules; ids that are none are left out. */
  tenants(): Promise<readonly string[]>;
  /**
   * The groups of a tenant by namespace and name. What cannot be read is left out and said to
   * `report`. Rejects with StoreError when the store does not answer.
   */
  list(tenant: string, report: ReportProblem): Promise<readonly PlacedGroup[]>;
  /** Replaces a group of the same name. Throws RequestError 400 where rules cannot be written. */
  put(tenant: string, placed: PlacedGroup): Promise<void>;
  /** No error when there is none. */
  remove(tenant: string, namespace: string, name: string): Promise<void>;
}

/** Something of a tenant's rules that cannot be used, once for each version of it. */
export type ReportProblem = (problem: { readonly where: string; readonly reason: string }) => void;

/** By namespace, then by name: the order in which rules are shown. */
export function comparePlaced(left: PlacedGroup, right: PlacedGroup): number {
  return compare(left.namespace, right.namespace) || compare(left.group.name, right.group.name);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

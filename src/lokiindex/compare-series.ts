import { compareText, type LabelPair, Labels } from "#model";
import { tenantLabel } from "./limits.ts";

/** What identifies a series in a file. */
export interface SeriesIdentity {
  readonly fingerprint: bigint;
  readonly labels: Labels;
}

/** The order of records: by fingerprint, then labels pair by pair, the shorter list first. */
export function compareSeries(a: SeriesIdentity, b: SeriesIdentity): number {
  if (a.fingerprint !== b.fingerprint) return a.fingerprint < b.fingerprint ? -1 : 1;
  const shared = Math.min(a.labels.size, b.labels.size);
  for (let i = 0; i < shared; i++) {
    const [aName, aValue] = a.labels.pairs[i]!;
    const [bName, bValue] = b.labels.pairs[i]!;
    const order = compareText(aName, bName) || compareText(aValue, bValue);
    if (order !== 0) return order;
  }
  return a.labels.size - b.labels.size;
}

/** Labels as a file of many tenants has them: the tenant's label in its place. */
export function withTenantLabel(labels: Labels, tenant: string): Labels {
  const own: LabelPair = [tenantLabel, tenant];
  return Labels.of([...labels.pairs.filter(([name]) => name !== tenantLabel), own]);
}

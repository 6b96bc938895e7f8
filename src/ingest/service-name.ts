import type { LabelPair } from "#model";

/** The label that tells Grafana's Logs Drilldown which service a stream is of. */
export const serviceNameLabel = "service_name";

/**
 * The value Loki gives a stream that has no `service_name`: that of the first label of `candidates`
 * which the stream has, else `unknown_service`. Undefined when the stream has one or `candidates`
 * (discover_service_name) is empty.
 */
export function discoverServiceName(
  pairs: readonly LabelPair[],
  candidates: readonly string[],
): string | undefined {
  if (candidates.length === 0) return undefined;
  if (pairs.some(([name]) => name === serviceNameLabel)) return undefined;
  for (const candidate of candidates) {
    const found = pairs.find(([name]) => name === candidate);
    if (found !== undefined) return found[1];
  }
  return "unknown_service";
}

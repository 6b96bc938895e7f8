import { defaultLimits, type Limits } from "#config";
import type { QueryData, QueryRequest, QueryResult } from "#query";
import { createQueryEngine } from "#query";
import type { LogStore } from "#storage";
import { ManualClock } from "#world";

/** What a test says of a query; the rest is as a client would leave it. */
export type Asked = Partial<Omit<QueryRequest, "limits">> & {
  readonly text: string;
  readonly limits?: Partial<Limits>;
  readonly queryMemoryBytesMax?: number;
  readonly clock?: ManualClock;
};

export function runQuery(store: LogStore, asked: Asked): Promise<QueryResult> {
  const { limits, queryMemoryBytesMax, clock = new ManualClock({ nowMs: 0 }), ...rest } = asked;
  const engine = createQueryEngine({
    store,
    clock,
    ...(queryMemoryBytesMax === undefined ? {} : { queryMemoryBytesMax }),
  });
  return engine.run({
    tenants: ["t"],
    kind: "range",
    fromNs: 0n,
    toNs: 100n,
    stepNs: undefined,
    intervalNs: 0n,
    limit: 100,
    direction: "backward",
    signal: new AbortController().signal,
    ...rest,
    limits: { ...defaultLimits, ...limits },
  });
}

/** Data in a form that is short to write down. */
export function brief(data: QueryData): unknown {
  const labelText = (pairs: readonly (readonly [string, string])[]): string =>
    pairs.map((pair) => pair.join("=")).join(" ");
  switch (data.kind) {
    case "streams":
      return data.streams.map(({ labels, entries }) => [
        labelText(labels),
        ...entries.map(({ timeNs, line }) => `${timeNs} ${line}`),
      ]);
    case "matrix":
      return data.series.map(({ labels, timesMs, values }) => [
        labelText(labels),
        ...Array.from(timesMs, (time, i) => `${time} ${values[i]}`),
      ]);
    case "vector":
      return data.samples.map(({ labels, value }) => `${labelText(labels)}: ${value}`);
    case "scalar":
      return data.value;
    default:
      return data satisfies never;
  }
}

/** What the answers must be, counted line by line from the corpus itself. */
import { type Corpus, needle, readRequest } from "./corpus.ts";

export interface Expectations {
  /** Lines, over the whole corpus. */
  readonly needles: number;
  readonly json503: number;
  readonly rareTraces: number;
  readonly refusals: number;
  /** Over all entries, too: see `stepMsOf`. */
  readonly counted: number;
  readonly byApp: ReadonlyMap<string, number>;
  readonly errorsByApp: ReadonlyMap<string, number>;
  readonly jsonFailuresByStatus: ReadonlyMap<string, number>;
  readonly bytesByEnv: ReadonlyMap<string, number>;
  readonly logfmtLevels: ReadonlySet<string>;
  /** Time of the newest entry of env="prod", in ns. */
  readonly newestProdNs: bigint;
}

/**
 * Sixty windows, of whole seconds. Loki widens a query to whole steps at
 * both ends, so that the windows cover every entry.
 */
export function stepMsOf(corpus: Corpus): number {
  const { start, end } = corpus.facts;
  return Math.max(1, Math.floor((end - start) / 60_000)) * 1000;
}

const rareTrace = /trace(_id":"|=)[0-9a-f]*deadbe[0-9a-f]*/;
const status503 = '"status":503';
const statusOf = /"status":(\d+)/;
const levelOf = /\blevel=(\w+)/;

export function expectationsOf(corpus: Corpus): Expectations {
  const sums = {
    needles: 0,
    json503: 0,
    rareTraces: 0,
    refusals: 0,
    counted: 0,
    byApp: new Map<string, number>(),
    errorsByApp: new Map<string, number>(),
    jsonFailuresByStatus: new Map<string, number>(),
    bytesByEnv: new Map<string, number>(),
    logfmtLevels: new Set<string>(),
    newestProdNs: 0n,
  };
  const add = (map: Map<string, number>, key: string, by: number): void => {
    map.set(key, (map.get(key) ?? 0) + by);
  };
  for (const request of corpus.requests) {
    for (const { labels, entries } of readRequest(request)) {
      const app = /app="([^"]*)"/.exec(labels)?.[1] ?? "";
      const env = /env="([^"]*)"/.exec(labels)?.[1] ?? "";
      for (const entry of entries) {
        const text = entry.line.toString("latin1");
        if (text.includes(needle)) sums.needles++;
        if (app === "json" && text.includes(status503)) sums.json503++;
        if (text.includes("trace") && rareTrace.test(text)) sums.rareTraces++;
        if (/connection refused by peer x/i.test(text)) sums.refusals++;
        if (env === "prod") {
          const ns = BigInt(entry.seconds) * 1_000_000_000n + BigInt(entry.nanos);
          if (ns > sums.newestProdNs) sums.newestProdNs = ns;
        }
        sums.counted++;
        add(sums.byApp, app, 1);
        add(sums.bytesByEnv, env, entry.line.length);
        if (/error/i.test(text)) add(sums.errorsByApp, app, 1);
        if (app === "json") {
          const status = statusOf.exec(text)?.[1] ?? "";
          if (Number(status) >= 500) add(sums.jsonFailuresByStatus, status, 1);
        }
        if (app === "logfmt") sums.logfmtLevels.add(levelOf.exec(text)?.[1] ?? "");
      }
    }
  }
  return sums;
}

/** The twelve queries, in LogQL and in VictoriaLogs' LogsQL, and how to tell a right answer. */
import { type Corpus, needle } from "./corpus.ts";
import { type Expectations, stepMsOf } from "./expectations.ts";

export interface LokiData {
  readonly resultType: string;
  readonly result: readonly LokiSeries[];
  readonly stats?: unknown;
}

interface LokiSeries {
  readonly stream?: Readonly<Record<string, string>>;
  readonly metric?: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [time: string | number, value: string])[];
  readonly value?: readonly [time: number, value: string];
}

export interface BenchQuery {
  readonly name: string;
  readonly kind: "range" | "instant" | "matrix";
  readonly logql: string;
  readonly logsql: string;
  /** The label that series are told apart by. */
  readonly label?: string;
  /** LogQL answers by the second, LogsQL by the step. */
  readonly isRate?: true;
  /** LogsQL looks for whole words where LogQL looks for text: its answer is another one. */
  readonly isByWords?: true;
  /** Largest time allowed, in Y. */
  readonly targetY: number;
  /** Undefined when the answer is right, else what is wrong with it. */
  readonly check: (data: LokiData) => string | undefined;
}

export const linesMax = 100;

export function benchQueries(corpus: Corpus, expected: Expectations): BenchQuery[] {
  return [...lineQueries(expected), ...metricQueries(corpus, expected)];
}

function lineQueries(expected: Expectations): BenchQuery[] {
  const all = '{env=~".+"}';
  const trace = 'trace(_id\\":\\"|=)[0-9a-f]*deadbe[0-9a-f]*';
  const newest = "sort by (_time) desc limit 100";
  return [
    {
      name: "needle-absent",
      logql: `${all} |= "this-string-is-nowhere-8c1f"`,
      logsql: '"this-string-is-nowhere-8c1f"',
      targetY: 0.04,
      check: lines(0),
    },
    {
      name: "needle-rare",
      logql: `${all} |= "${needle}"`,
      logsql: `"${needle}"`,
      targetY: 0.04,
      check: lines(expected.needles),
    },
    {
      name: "latest-100",
      logql: '{env="prod"}',
      logsql: `{env="prod"} | ${newest}`,
      targetY: 0.07,
      check: (data: LokiData) => lines(linesMax)(data) ?? newestIs(data, expected.newestProdNs),
    },
    {
      name: "filter-limit",
      logql: '{app="json"} |= "\\"status\\":503"',
      logsql: `{app="json"} "\\"status\\":503" | ${newest}`,
      targetY: 0.05,
      check: lines(expected.json503),
    },
    {
      name: "regex-rare",
      logql: `${all} |~ "${trace}"`,
      logsql: `~"${trace}"`,
      targetY: 0.7,
      check: lines(expected.rareTraces),
    },
    {
      name: "case-insens",
      logql: `${all} |~ "(?i)CONNECTION REFUSED BY PEER X"`,
      logsql: 'i("CONNECTION REFUSED BY PEER X")',
      targetY: 0.9,
      check: lines(expected.refusals),
    },
  ].map((query) => ({ ...query, kind: "range" as const }));
}

function metricQueries(corpus: Corpus, expected: Expectations): BenchQuery[] {
  const { start, end } = corpus.facts;
  const step = `${stepMsOf(corpus) / 1000}s`;
  const all = '{env=~".+"}';
  return [
    {
      name: "count-all",
      kind: "instant",
      logql: `sum(count_over_time(${all}[${Math.ceil((end - start) / 1000)}s]))`,
      logsql: "* | count()",
      targetY: 0.015,
      check: (data) => differs("count", Number(data.result[0]?.value?.[1]), expected.counted),
    },
    {
      name: "count-by-app",
      kind: "matrix",
      label: "app",
      logql: `sum by (app) (count_over_time(${all}[${step}]))`,
      logsql: `* | stats by (app, _time:${step}) count()`,
      targetY: 0.12,
      check: sums("app", expected.byApp),
    },
    {
      name: "count-filter",
      kind: "matrix",
      label: "app",
      isByWords: true,
      logql: `sum by (app) (count_over_time(${all} |~ "(?i)error" [${step}]))`,
      logsql: `i(error) | stats by (app, _time:${step}) count()`,
      targetY: 1,
      check: sums("app", expected.errorsByApp),
    },
    {
      name: "json-agg",
      kind: "matrix",
      label: "status",
      logql: `sum by (status) (count_over_time({app="json"} | json | status >= 500 [${step}]))`,
      logsql:
        '{app="json"} | unpack_json | filter status:>=500 | ' +
        `stats by (status, _time:${step}) count()`,
      targetY: 0.18,
      check: sums("status", expected.jsonFailuresByStatus),
    },
    {
      name: "logfmt-quantile",
      kind: "matrix",
      label: "level",
      logql:
        'quantile_over_time(0.99, {app="logfmt"} | logfmt | unwrap duration(dur) | ' +
        `__error__="" [${step}]) by (level)`,
      logsql:
        '{app="logfmt"} | unpack_logfmt | ' + `stats by (level, _time:${step}) quantile(0.99, dur)`,
      targetY: 0.25,
      check: (data) => seriesAre("level", expected.logfmtLevels, data),
    },
    {
      name: "bytes-rate",
      kind: "matrix",
      label: "env",
      isRate: true,
      logql: `sum by (env) (bytes_rate(${all}[${step}]))`,
      logsql: `* | len(_msg) as n | stats by (env, _time:${step}) sum(n)`,
      targetY: 0.15,
      check: sums("env", expected.bytesByEnv, stepMsOf(corpus) / 1000),
    },
  ];
}

function lines(total: number): BenchQuery["check"] {
  return ({ result }) => {
    const found = result.reduce((sum, { values = [] }) => sum + values.length, 0);
    return differs("lines", found, Math.min(linesMax, total));
  };
}

function newestIs({ result }: LokiData, ns: bigint): string | undefined {
  let newest = 0n;
  for (const { values = [] } of result) {
    for (const [time] of values) if (BigInt(time) > newest) newest = BigInt(time);
  }
  return newest === ns ? undefined : `newest entry at ${newest}, expected ${ns}`;
}

/** The values of each series, added up and times `factor`, are the expected sums. */
function sums(
  label: string,
  expected: ReadonlyMap<string, number>,
  factor = 1,
): BenchQuery["check"] {
  return (data) => {
    const wrong = seriesAre(label, new Set(expected.keys()), data);
    if (wrong !== undefined) return wrong;
    for (const { metric = {}, values = [] } of data.result) {
      const sum = values.reduce((total, [, value]) => total + Number(value), 0) * factor;
      const name = metric[label] ?? "";
      const difference = differs(`${label}=${name}`, sum, expected.get(name) ?? 0);
      if (difference !== undefined) return difference;
    }
    return undefined;
  };
}

function seriesAre(
  label: string,
  expected: ReadonlySet<string>,
  { result }: LokiData,
): string | undefined {
  const found = result.map(({ metric = {} }) => metric[label] ?? "").sort();
  const wanted = [...expected].sort();
  return found.join() === wanted.join()
    ? undefined
    : `series ${found.join()}, not ${wanted.join()}`;
}

/** Rates are rounded decimals: sums of them are off by less than a thousandth of an entry. */
function differs(what: string, found: number, expected: number): string | undefined {
  const isSame = Math.abs(found - expected) <= 1e-3 + Math.abs(expected) * 1e-9;
  return isSame ? undefined : `${what}: ${found}, expected ${expected}`;
}

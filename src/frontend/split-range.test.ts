import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits, type Limits } from "#config";
import type { QueryRequest } from "#query";
import { shapeOfQuery } from "./query-shape.ts";
import { runsFor, type SplitQuery, splitQuery } from "./split-range.ts";

const second = 1_000_000_000n;
const minute = 60n * second;
const hour = 60n * minute;
const now = 100n * hour;

type Asked = Partial<Omit<QueryRequest, "limits">> & { readonly limits?: Partial<Limits> };

function split({ limits, text = 'rate({a="b"}[5m])', ...rest }: Asked): SplitQuery | undefined {
  const request: QueryRequest = {
    tenants: ["t"],
    text,
    kind: "range",
    fromNs: 90n * hour,
    toNs: 93n * hour,
    stepNs: minute,
    intervalNs: 0n,
    limit: 100,
    direction: "backward",
    signal: new AbortController().signal,
    ...rest,
    limits: { ...defaultLimits, ...limits },
  };
  const shape = shapeOfQuery(text);
  assert(shape !== undefined);
  return splitQuery(request, shape, now);
}

/** Minutes since hour 90. */
function piecesOf(query: SplitQuery | undefined): string[] | undefined {
  const text = (ns: bigint): string => String(Number((ns - 90n * hour) / second) / 60);
  return query?.pieces.map(
    ({ firstNs, lastNs, isClosed }) => `${text(firstNs)}-${text(lastNs)}${isClosed ? "" : " open"}`,
  );
}

const cuts: readonly { claim: string; asked: Asked; pieces: readonly string[] }[] = [
  {
    claim: "at the hours; a step on the border begins the next piece",
    asked: {},
    pieces: ["0-59", "60-119", "120-179", "180-180"],
  },
  {
    claim: "with the start and end rounded to steps, outwards",
    asked: { fromNs: 90n * hour + 10n * minute + second, toNs: 91n * hour + 30n * second },
    pieces: ["10-59", "60-61"],
  },
  {
    claim: "what is newer than max_cache_freshness is open, with all of its interval",
    asked: {
      fromNs: 98n * hour,
      toNs: now,
      stepNs: 10n * minute,
      limits: { splitQueriesByIntervalMs: 3_600_000 },
    },
    pieces: ["480-590 open", "600-600 open"],
  },
  {
    claim: "an offset into the future keeps an interval open for longer",
    asked: { text: 'rate({a="b"}[5m] offset -3h)', fromNs: 95n * hour, toNs: 98n * hour },
    pieces: ["300-359", "360-419 open", "420-479 open", "480-480 open"],
  },
  {
    claim: "into several hours when twenty steps take as long",
    asked: { stepNs: 10n * minute },
    pieces: ["0-110", "120-180"],
  },
  {
    claim: "where the lookback begins",
    asked: { limits: { maxQueryLookbackMs: 8 * 3_600_000 } },
    pieces: ["120-179", "180-180"],
  },
];

for (const { claim, asked, pieces } of cuts) {
  test(`a range is cut ${claim}`, () => assert.deepEqual(piecesOf(split(asked)), pieces));
}

const whole: readonly { claim: string; asked: Asked }[] = [
  { claim: "instant queries", asked: { kind: "instant" } },
  { claim: "log queries", asked: { text: '{a="b"}' } },
  { claim: "numbers", asked: { text: "1 + 1" } },
  {
    claim: "queries of tenants that do not split",
    asked: { limits: { splitQueriesByIntervalMs: 0 } },
  },
  { claim: "steps below a millisecond", asked: { stepNs: 1000n } },
  { claim: "inverted ranges", asked: { toNs: 0n } },
  { claim: "as many series as allowed", asked: { seriesLimit: "truncate" } },
  { claim: "queries with a limit of bytes", asked: { limits: { maxQueryBytesRead: 1 } } },
  { claim: "queries before the lookback", asked: { limits: { maxQueryLookbackMs: 1 } } },
  {
    claim: "templates that ask for the time",
    asked: { text: 'rate({a="b"} | label_format x=`{{ now }}` [1m])' },
  },
];

for (const { claim, asked } of whole) {
  test(`${claim} are answered as a whole`, () => assert.equal(split(asked), undefined));
}

const missing: readonly { claim: string; text: string; gone: readonly number[]; runs: string[] }[] =
  [
    { claim: "neighbours are computed together", text: "1m", gone: [1, 2, 3], runs: ["1-3"] },
    {
      claim: "pieces far apart are computed apart",
      text: "1m",
      gone: [0, 5],
      runs: ["0-0", "5-5"],
    },
    {
      claim: "windows that reach over the gap make it one",
      text: "9h",
      gone: [0, 5],
      runs: ["0-8"],
    },
  ];

for (const { claim, text, gone, runs } of missing) {
  test(claim, () => {
    const asked = { text: `rate({a="b"}[${text}])`, fromNs: 80n * hour, toNs: 88n * hour };
    const query = split(asked)!;
    const pieceAt = (ns: bigint): number =>
      query.pieces.findIndex(({ firstNs, lastNs }) => firstNs <= ns && lastNs >= ns);
    const found = runsFor(
      query,
      gone.map((i) => query.pieces[i]!),
    );
    const named = found.map((run) => `${pieceAt(run.firstNs)}-${pieceAt(run.lastNs)}`);
    assert.deepEqual(named, runs);
  });
}

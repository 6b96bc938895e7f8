import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { defaultLimits, type Limits } from "#config";
import type { QueryEngine, QueryRequest, QueryResult } from "#query";
import { createLogger, createMetrics, type Metrics } from "#telemetry";
import { ManualClock } from "#world";
import { createFrontend, type Frontend, type FrontendOptions } from "./frontend.ts";
import { noStats } from "./query-stats.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const empty: QueryResult = {
  data: { kind: "streams", streams: [] },
  stats: { ...noStats, bytesProcessed: 5 },
  warnings: [],
};

interface Execution {
  readonly request: QueryRequest;
  readonly end: (result?: QueryResult) => void;
  readonly fail: (error: Error) => void;
}

/** A frontend before an engine whose executions end when told to. */
class Bench {
  readonly clock = new ManualClock({ nowMs: 1_000_000 });
  readonly executions: Execution[] = [];
  readonly logged: string[] = [];
  readonly metrics: Metrics = createMetrics({ process: false });
  readonly engine: QueryEngine = {
    run: (request) => {
      const done = Promise.withResolvers<QueryResult>();
      const end = (result = empty): void => done.resolve(result);
      this.executions.push({ request, end, fail: done.reject });
      request.signal.addEventListener("abort", () =>
        done.reject(new RequestError(499, "The request was cancelled by the client.")),
      );
      return done.promise;
    },
  };

  frontend(options: Partial<FrontendOptions> = {}): Promise<Frontend> {
    const write = (line: string): void => void this.logged.push(line);
    return createFrontend({
      engine: this.engine,
      clock: this.clock,
      log: createLogger({ level: "warn", format: "json", write }),
      metrics: this.metrics,
      limits: { runningMax: 1 },
      ...options,
    });
  }

  async metric(line: string): Promise<number> {
    const found = (await this.metrics.text()).split("\n").find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length));
  }
}

type Asked = Partial<Omit<QueryRequest, "limits">> & { readonly limits?: Partial<Limits> };

function ask({ limits, ...rest }: Asked = {}): QueryRequest {
  return {
    tenants: ["t"],
    text: '{a="b"}',
    kind: "range",
    fromNs: 0n,
    toNs: 1000n,
    stepNs: undefined,
    intervalNs: 0n,
    limit: 100,
    direction: "backward",
    signal: new AbortController().signal,
    ...rest,
    limits: { ...defaultLimits, ...limits },
  };
}

test("identical queries share an execution however they are spelled and tagged", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend();
  const answers = [
    frontend.run(ask({ text: '{a="b"}', tags: "x" })),
    frontend.run(ask({ text: ' { a = "b" } ', tags: "y" })),
  ];
  await settle();
  bench.executions[0]!.end();
  const [first, second] = await Promise.all(answers);
  assert.equal(bench.executions.length, 1);
  assert.equal(first, second);
  assert.equal(await bench.metric("skald_queries_coalesced_total"), 1);
});

const different: readonly (readonly [string, Asked])[] = [
  ["tenant", { tenants: ["u"] }],
  ["start", { fromNs: 1n }],
  ["end", { toNs: 999n }],
  ["step", { stepNs: 5n }],
  ["interval", { intervalNs: 5n }],
  ["limit", { limit: 99 }],
  ["direction", { direction: "forward" }],
  ["kind of labels", { categorizeLabels: true }],
  ["page", { cursor: "" }],
  ["limits", { limits: { maxQuerySeries: 7 } }],
  [
    "spelling, where queries may be blocked by it",
    {
      text: '{a="b"} ',
      limits: { blockedQueries: [{ pattern: "x", regex: true, types: [], hash: 0 }] },
    },
  ],
  ["wish to compute anew", { bypassCache: true }],
];

for (const [what, asked] of different) {
  test(`queries that differ in ${what} share nothing`, async () => {
    const bench = new Bench();
    const frontend = await bench.frontend({ limits: { runningMax: 2 } });
    const { limits } = asked;
    const answers = [
      frontend.run(ask(limits?.blockedQueries ? { limits } : {})),
      frontend.run(ask(asked)),
    ];
    await settle();
    assert.equal(bench.executions.length, 2);
    for (const { end } of bench.executions) end();
    await Promise.all(answers);
  });
}

test("one who asks to compute anew shares with nobody", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend({ limits: { runningMax: 2 } });
  const answers = [1, 2].map(() => frontend.run(ask({ bypassCache: true })));
  await settle();
  assert.equal(bench.executions.length, 2);
  for (const { end } of bench.executions) end();
  await Promise.all(answers);
});

test("a text that is no query goes to the engine at once", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend();
  const running = frontend.run(ask());
  const refused = frontend.run(ask({ text: "{" }));
  await settle();
  const ofText = Map.groupBy(bench.executions, ({ request }) => request.text);
  ofText.get("{")![0]!.fail(new RequestError(400, "parse error"));
  await assert.rejects(refused, { status: 400, message: "parse error" });
  ofText.get('{a="b"}')![0]!.end();
  await running;
});

test("a query that waited says for how long, and for what it waited is counted", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend();
  const first = frontend.run(ask());
  const second = frontend.run(ask({ limit: 1 }));
  await settle();
  assert.equal(await bench.metric("skald_queries_waiting_small"), 1);
  assert.equal(await bench.metric("skald_queries_running"), 1);
  await bench.clock.advanceAndSettle(1500);
  bench.executions[0]!.end();
  assert.equal((await first).stats.queueTimeMs, 0);
  await settle();
  bench.executions[1]!.end();
  assert.equal((await second).stats.queueTimeMs, 1500);
  const sum = 'loki_query_scheduler_queue_duration_seconds_sum{priority="small"}';
  assert.equal(await bench.metric(sum), 1.5);
});

test("overload is a 429 at once, counted by tenant", async () => {
  const bench = new Bench();
  const limits = { runningMax: 1, outstandingPerTenantMax: 1 };
  const frontend = await bench.frontend({ limits });
  const answers = [1, 2].map((limit) => frontend.run(ask({ limit })));
  await settle();
  await assert.rejects(frontend.run(ask({ limit: 3 })), {
    status: 429,
    message: "too many outstanding requests",
    retryAfterSeconds: 5,
  });
  const discarded = 'loki_query_scheduler_discarded_requests_total{tenant="t"}';
  assert.equal(await bench.metric(discarded), 1);
  bench.executions[0]!.end();
  await settle();
  bench.executions[1]!.end();
  await Promise.all(answers);
});

test("estimated bytes decide who comes first; without an estimate a query is small", async () => {
  const bench = new Bench();
  const asked: number[] = [];
  const frontend = await bench.frontend({
    limits: { runningMax: 1, smallBytesMax: 10 },
    estimate: async ({ limit }) => {
      asked.push(limit);
      await settle();
      if (limit === 3) throw new Error("no index");
      return limit === 1 ? 11 : 10;
    },
  });
  const answers = [0, 1, 2, 3].map((limit) => frontend.run(ask({ limit })));
  for (let i = 0; i < 4; i++) {
    await settle();
    await settle();
    bench.executions[i]!.end();
  }
  await Promise.all(answers);
  assert.deepEqual(
    bench.executions.map(({ request }) => request.limit),
    [0, 2, 3, 1],
  );
  assert.deepEqual(asked, [1, 2, 3], "who can start at once is not estimated");
});

test("the last one who leaves ends the execution and frees the place", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend();
  const [a, b] = [new AbortController(), new AbortController()];
  const left = [a, b].map(({ signal }) => frontend.run(ask({ signal })));
  const next = frontend.run(ask({ limit: 1 }));
  await settle();
  a.abort();
  await assert.rejects(left[0]!, { status: 499 });
  assert.equal(bench.executions[0]!.request.signal.aborted, false);
  b.abort();
  await assert.rejects(left[1]!, { status: 499 });
  await settle();
  assert.equal(bench.executions.length, 2);
  bench.executions[1]!.end();
  await next;
});

test("memory is shared by all that run, and given back by what ends", async () => {
  const bench = new Bench();
  const limits = { runningMax: 3, memoryBytesMax: 100 };
  const frontend = await bench.frontend({ limits });
  const answers = [1, 2].map((limit) => frontend.run(ask({ limit })));
  await settle();
  const [first, second] = bench.executions.map(({ request }) => request.memory!);
  first!.hold(60);
  second!.hold(40);
  assert.equal(await bench.metric("skald_queries_held_bytes"), 100);
  assert.throws(() => second!.hold(1), { status: 503, retryAfterSeconds: 5 });
  assert.equal(await bench.metric("skald_queries_out_of_memory_total"), 1);
  second!.release(10);
  bench.executions[0]!.fail(new RequestError(500, "broken"));
  await assert.rejects(answers[0]!, { status: 500 });
  assert.equal(await bench.metric("skald_queries_held_bytes"), 30);
  second!.hold(70);
  bench.executions[1]!.end();
  await answers[1];
  assert.equal(await bench.metric("skald_queries_held_bytes"), 0);
});

test("a query that took too long is logged, with who asked and how it ended", async () => {
  const bench = new Bench();
  const frontend = await bench.frontend({ limits: { runningMax: 2, slowQueryMs: 1000 } });
  const quick = frontend.run(ask({ text: '{quick="1"}' }));
  await settle();
  await bench.clock.advanceAndSettle(999);
  bench.executions[0]!.end();
  await quick;
  const slow = frontend.run(ask({ tags: "Source=dashboard" }));
  const failing = frontend.run(ask({ limit: 1 }));
  await settle();
  await bench.clock.advanceAndSettle(1000);
  bench.executions[1]!.end();
  bench.executions[2]!.fail(new RequestError(504, "too late"));
  await slow;
  await assert.rejects(failing, { status: 504 });
  const events = bench.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  const { time: _time, ...event } = events[0]!;
  assert.deepEqual(event, {
    level: "warn",
    msg: "slow query",
    tenant: "t",
    query: '{a="b"}',
    kind: "range",
    fromNs: "0",
    toNs: "1000",
    durationMs: 1000,
    queueMs: 0,
    bytes: 5,
    lines: 0,
    queryTags: "Source=dashboard",
  });
  assert.equal(events.length, 2);
  assert.equal(events[1]!["error"], "too late");
});

/**
 * How fast pipelines go over blocks of 1 MiB: `node_modules/.bin/node bench/micro/pipeline.bench.ts
 * [part of a name]`. Prints MiB of lines per second and the rows that passed.
 */
import { Bench } from "tinybench";
import { ByteStrings } from "#columns";
import { type Expr, parseQuery, type Unwrap } from "#logql";
import { Labels } from "#model";
import { compilePipeline, type PipelineOptions } from "#pipeline";
import type { Block } from "#storage";
import { seededRandom } from "#world";

const blockBytes = 1024 * 1024;

function blockOf(line: (random: () => number) => string): Block {
  const random = seededRandom(7);
  const lines: string[] = [];
  for (let size = 0; size < blockBytes; size += lines.at(-1)!.length + 1) {
    lines.push(line(() => random.fraction()));
  }
  const labels = Labels.from({ app: "shop", env: "prod", service_name: "shop" });
  const bytes = ByteStrings.ofTexts(lines, 1);
  const stream = { labels, entryCount: lines.length, lineBytes: blockBytes, minNs: 0n, maxNs: 1n };
  return {
    ref: {
      facts: {
        ...stream,
        isAscii: true,
        hasInnerNewline: false,
        streams: [stream],
        levelCounts: new Map(),
        source: "bench",
        sourceOrder: 0,
      },
    },
    rowCount: lines.length,
    baseNs: 0n,
    offsets: new Float64Array(lines.length),
    streamOfRow: undefined,
    lines: bytes,
    lengths: undefined,
    metadata: [],
  };
}

const statuses = [200, 200, 200, 201, 204, 301, 404, 500, 503];
const words = ["cart", "order", "pay", "ship", "search", "login", "timeout", "refund"];

const jsonBlock = blockOf((random) => {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  return JSON.stringify({
    ts: "2026-01-10T00:09:31.958Z",
    level: pick(["info", "info", "warn", "error"]),
    msg: `${pick(words)} ${pick(words)} completed`,
    method: pick(["GET", "PUT", "POST"]),
    path: `/api/v1/${pick(words)}/${Math.floor(random() * 1000)}`,
    status: pick(statuses),
    duration: `${(random() * 900).toFixed(2)}ms`,
    bytes: Math.floor(random() * 100_000),
    user: { id: Math.floor(random() * 5000), name: pick(words) },
    trace_id: Math.floor(random() * 2 ** 48).toString(16),
  });
});

const logfmtBlock = blockOf((random) => {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const took = `${(random() * 900).toFixed(2)}ms`;
  const id = Math.floor(random() * 2 ** 48).toString(16);
  return `ts=2026-01-10T00:09:31.958Z level=${pick(["info", "warn"])} caller=worker.go:${pick(statuses)} msg="job ${pick(words)} done" queue=${pick(words)} job_id=${id} took=${took} attempts=3`;
});

const cases: [query: string, block: Block, wanted: PipelineOptions["labelsWanted"]][] = [
  [`{a="b"} |= "9f3a7c1"`, jsonBlock, "all"],
  [`{a="b"} |= "timeout"`, jsonBlock, "all"],
  [`{a="b"} != "info"`, jsonBlock, "all"],
  [`{a="b"} |~ "(?i)TIMEOUT refund"`, jsonBlock, "all"],
  [`{a="b"} |~ "status\\":5\\\\d\\\\d,"`, jsonBlock, "all"],
  [`{a="b"} |> "<_>timeout<_>status\\":503<_>"`, jsonBlock, "all"],
  [`{a="b"} | json | status >= 500`, jsonBlock, "all"],
  [`{a="b"} | json | status="503"`, jsonBlock, "all"],
  [`{a="b"} | json`, jsonBlock, "all"],
  [`sum by (status) (count_over_time({a="b"} | json [1m]))`, jsonBlock, ["status"]],
  [
    `sum by (level) (count_over_time({a="b"} | json l="level", u="user.name" [1m]))`,
    jsonBlock,
    ["l"],
  ],
  [`{a="b"} | logfmt | level="warn"`, logfmtBlock, "all"],
  [
    `sum by (queue) (sum_over_time({a="b"} | logfmt | unwrap duration(took) [1m]))`,
    logfmtBlock,
    ["queue"],
  ],
  [
    `{a="b"} | pattern "<_> level=<level> <_> msg=\\"<msg>\\" queue=<queue> <_>" | queue="pay"`,
    logfmtBlock,
    "all",
  ],
  [`{a="b"} | regexp "queue=(?P<queue>\\\\w+) " | queue="pay"`, logfmtBlock, "all"],
  [`{a="b"} | logfmt | line_format "{{.queue}} {{.took}}"`, logfmtBlock, "all"],
];

function logOf(expr: Expr): { log: Extract<Expr, { kind: "log" }>; unwrap: Unwrap | undefined } {
  if (expr.kind === "log") return { log: expr, unwrap: undefined };
  if (expr.kind === "rangeAggregation") return { log: expr.log, unwrap: expr.unwrap };
  if (expr.kind === "vectorAggregation") return logOf(expr.input);
  throw new Error(`no log query in ${expr.kind}`);
}

const only = process.argv[2] ?? "";
const bench = new Bench({ time: 400, warmupTime: 200 });
const rowCounts = new Map<string, string>();
for (const [query, block, wanted] of cases) {
  if (!query.includes(only)) continue;
  const { log, unwrap } = logOf(parseQuery(query));
  const isLogQuery = wanted === "all";
  const pipeline = compilePipeline(log, {
    labelsWanted: wanted,
    lineWanted: isLogQuery ? "bytes" : "no",
    unwrap,
    nowNs: () => 0n,
  });
  let passed = 0;
  const run = (): void => {
    passed = 0;
    pipeline.run(block, undefined, (row) => {
      if (isLogQuery) row.labels();
      else for (const name of wanted) row.label(name);
      passed++;
      return true;
    });
  };
  run();
  rowCounts.set(query, `${passed} of ${block.rowCount}`);
  bench.add(query, run);
}
await bench.run();
for (const task of bench.tasks) {
  const { result } = task;
  if (!("latency" in result)) continue;
  const rate = 1000 / result.latency.mean;
  console.log(
    `${rate.toFixed(0).padStart(6)} MiB/s  ${rowCounts.get(task.name)!.padEnd(14)} ${task.name}`,
  );
}

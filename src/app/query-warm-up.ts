/**
 * The first queries of a process run code that is cold, and take several times as long as those a
 * minute later. So a process that has a quiet moment asks itself about the examples it warmed up
 * with, which costs a fifth of a second once.
 */
import { defaultLimits } from "#config";
import type { IngestExamples } from "#ingest";
import { createQueryEngine, type QueryRequest } from "#query";
import type { Logger } from "#telemetry";
import type { Clock, ProcessMemory } from "#world";

/** One of each way that queries are answered in. */
const queries: readonly string[] = [
  `{env="example"} |= "found nowhere"`,
  `{env="example"} |= "request 77"`,
  `{env="example"}`,
  `{app="app-1"} |= "error" | json | status >= 500`,
  `{env="example"} |~ "queue [0-9]+ is"`,
  `{env="example"} |~ "(?i)REQUEST FAILED"`,
  `sum(count_over_time({env="example"}[1m]))`,
  `sum by (app) (rate({env="example"} |= "GET" [10s]))`,
  `sum by (app) (bytes_rate({env="example"}[10s]))`,
  `sum by (status) (count_over_time({env="example"} | json | __error__="" [10s]))`,
  `quantile_over_time(0.9, {env="example"} | logfmt | unwrap status | __error__="" [10s]) by (app)`,
];

/** The second time, code runs that the first has shown to be worth compiling. */
const roundCount = 2;
const lookEveryMs = 1_000;
/** Of one core: merging uses more, timers and scrapes less. */
const quietCpuShareMax = 0.2;
/** Between two of them, for whoever came meanwhile. */
const pauseMs = 5;
const stepNs = 10_000_000_000n;

export interface QueryWarmUpParts {
  readonly examples: IngestExamples;
  readonly clock: Clock;
  readonly memory: Pick<ProcessMemory, "cpuMs">;
  readonly log: Pick<Logger, "debug">;
}

/** Waits for a quiet second, then asks. Resolves with the rows that were found; rejects when aborted. */
export async function warmUpQueries(parts: QueryWarmUpParts, signal: AbortSignal): Promise<number> {
  const { examples, clock, log } = parts;
  await quietSecond(parts, signal);
  const engine = createQueryEngine({ store: examples.store, clock });
  const startedMs = clock.monotonicMs();
  let found = 0;
  for (let round = 0; round < roundCount; round++) {
    for (const text of queries) {
      const { data } = await engine
        .run(exampleQuery(text, examples, signal))
        .catch((error: unknown) => {
          signal.throwIfAborted();
          throw error;
        });
      found += data.kind === "streams" ? data.streams.length : 0;
      found += data.kind === "matrix" ? data.series.length : 0;
      await clock.sleep(pauseMs, signal);
    }
  }
  log.debug("queries are warmed up", { durationMs: clock.monotonicMs() - startedMs });
  return found;
}

async function quietSecond(
  { clock, memory }: QueryWarmUpParts,
  signal: AbortSignal,
): Promise<void> {
  for (let isQuiet = false; !isQuiet; ) {
    const [fromMs, fromCpuMs] = [clock.monotonicMs(), memory.cpuMs()];
    await clock.sleep(lookEveryMs, signal);
    const share = (memory.cpuMs() - fromCpuMs) / (clock.monotonicMs() - fromMs);
    isQuiet = share <= quietCpuShareMax;
  }
}

function exampleQuery(
  text: string,
  { tenant, fromNs, toNs }: IngestExamples,
  signal: AbortSignal,
): QueryRequest {
  return {
    tenants: [tenant],
    text,
    kind: "range",
    fromNs,
    toNs,
    stepNs,
    intervalNs: 0n,
    limit: 100,
    direction: "backward",
    limits: defaultLimits,
    signal,
  };
}

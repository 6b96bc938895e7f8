/**
 * The same lines in Loki's format and in segments, asked through the query engine: `node
 * bench/micro/loki-store.bench.ts [MiB]`. Each question meets a store that knows nothing yet, then the
 * same store again. MiB are of lines; GETs are those of the first time.
 */
import { MiB } from "#base";
import { defaultLimits } from "#config";
import type { ChunkCodec } from "#lokichunk";
import { ChunkMarks, LokiPeriods, LokiStore, LokiWriter } from "#lokistore";
import { dayStartNs, type EntryBatch, Labels } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { createQueryEngine } from "#query";
import { buildSegment, SegmentStore } from "#segment";
import type { LogStore } from "#storage";
import { seededRandom, SimulatedDisk, systemClock } from "#world";

const day = 20_513;
const tenant = "bench";
const streamCount = 8;
const random = seededRandom(1);
const digits = (max: number): number => Math.floor(random.fraction() * max);

function line(): string {
  const where = `caller=metrics.go:${digits(400)} component=querier org_id=${digits(9000)}`;
  const what = `duration=${digits(9000)}ms status=200 bytes=${digits(1e7)}`;
  return `level=info ts=2026-03-01T10:${digits(60)}:${digits(60)}.${digits(1000)}Z ${where} ${what}`;
}

function makeBatch(bytes: number): EntryBatch {
  const lines: Buffer[] = [];
  for (let made = 0; made < bytes; made += lines.at(-1)!.length) lines.push(Buffer.from(line()));
  const rowCount = lines.length;
  const lineStarts = new Uint32Array(rowCount);
  const lineEnds = new Uint32Array(rowCount);
  const epochSeconds = new Float64Array(rowCount);
  const nanos = new Uint32Array(rowCount);
  for (let row = 0, at = 0; row < rowCount; row++) {
    lineStarts[row] = at;
    at += lines[row]!.length;
    lineEnds[row] = at;
    // A dense stream: neighbouring chunks meet within a millisecond.
    epochSeconds[row] = day * 86_400 + Math.floor(row / 2_000);
    nanos[row] = (row % 2_000) * 500_000 + digits(500_000);
  }
  const metadata = { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 };
  const metadataOfRow = new Uint32Array(rowCount);
  const columns = { lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow, metadata };
  return { rowCount, streams: [], bytes: Buffer.concat(lines), ...columns };
}

const mib = Number(process.argv[2] ?? 64);
const streams = Array.from({ length: streamCount }, (_, i) => {
  const batch = makeBatch((mib * MiB) / streamCount);
  const labels = Labels.from({ app: "api", pod: `api-${i}` });
  return { labels, rows: [{ batch, fromRow: 0, toRow: batch.rowCount }] };
});
const fromNs = dayStartNs(day);
const toNs = fromNs + 3_600_000_000_000n;

const questions: Readonly<Record<string, { text: string; limit: number; stepNs?: bigint }>> = {
  "needle that is nowhere": { text: '{app="api"} |= "no such words"', limit: 100 },
  "count by minute": {
    text: 'sum(count_over_time({app="api"}[1m]))',
    limit: 100,
    stepNs: 60_000_000_000n,
  },
  "count of a filter": {
    text: 'sum(count_over_time({app="api"} |= "org_id=77" [1m]))',
    limit: 100,
    stepNs: 60_000_000_000n,
  },
  "newest 100": { text: '{app="api"}', limit: 100 },
};

async function ask(store: LogStore, name: string): Promise<{ ms: number; gets: number }> {
  const { text, limit, stepNs } = questions[name]!;
  const engine = createQueryEngine({ store, clock: systemClock });
  const startedMs = performance.now();
  const { stats } = await engine.run({
    tenants: [tenant],
    text,
    kind: "range",
    fromNs,
    toNs,
    stepNs,
    intervalNs: 0n,
    limit,
    direction: "backward",
    limits: { ...defaultLimits, maxQueryLookbackMs: 0 },
    signal: new AbortController().signal,
  });
  return { ms: performance.now() - startedMs, gets: stats.getRequests };
}

async function report(name: string, open: () => LogStore): Promise<void> {
  await ask(open(), "count of a filter");
  for (const question of Object.keys(questions)) {
    const store = open();
    const first = await ask(store, question);
    const again = await ask(store, question);
    const speed = ((mib * 1000) / first.ms).toFixed(0);
    const times = `${first.ms.toFixed(0).padStart(6)} ms ${again.ms.toFixed(0).padStart(6)} ms again`;
    console.log(
      `${name.padEnd(8)} ${question.padEnd(24)} ${times} ${speed.padStart(6)} MiB/s ${first.gets} GETs`,
    );
  }
}

async function lokiStore(encoding: ChunkCodec): Promise<() => LogStore> {
  const objects = new MemoryObjectStore({ nowMs: () => systemClock.nowMs() });
  const shape = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, schema: "v13", objects };
  const period = { ...shape, indexPrefix: "index_", pathPrefix: "index/" };
  const periods = new LokiPeriods([period]);
  const chunks = { encoding, blockBytes: 262_144, targetBytes: 1_572_864 };
  const files = new SimulatedDisk();
  const marks = new ChunkMarks({ files, folder: "/marks", clock: systemClock });
  const writer = new LokiWriter({ periods, marks, stores: [], chunks });
  const startedMs = performance.now();
  const written = await writer.write(
    { tenant, day, streams, nameNs: fromNs, ingestedAtMs: 0 },
    new AbortController().signal,
  );
  const ms = performance.now() - startedMs;
  const { chunkCount, storedBytes } = written;
  console.log(
    `${encoding.padEnd(8)} ${chunkCount} chunks, ${(storedBytes / MiB).toFixed(1)} MiB, ` +
      `written at ${((mib * 1000) / ms).toFixed(0)} MiB/s`,
  );
  return () => new LokiStore({ periods, period, clock: systemClock });
}

async function nativeStore(): Promise<() => LogStore> {
  const objects = new MemoryObjectStore({ nowMs: () => systemClock.nowMs() });
  const startedMs = performance.now();
  const built = await buildSegment(
    { tenant, day, streams, journal: [], replaces: [] },
    { id: "019ad5c3e8000123456789abcdef", filters: "trigrams" },
  );
  await objects.put(built.key, built.parts);
  const ms = performance.now() - startedMs;
  console.log(
    `native   1 segment, ${(built.sizeBytes / MiB).toFixed(1)} MiB, ` +
      `written at ${((mib * 1000) / ms).toFixed(0)} MiB/s`,
  );
  return () => new SegmentStore({ objects });
}

// Timers of the world do not keep a process alive, and stores in memory have no sockets that would.
const alive = setInterval(() => undefined, 1_000);
console.log(`${mib} MiB of lines in ${streamCount} streams`);
await report("native", await nativeStore());
for (const codec of ["snappy", "gzip", "zstd"] as const)
  await report(codec, await lokiStore(codec));
clearInterval(alive);

/**
 * How fast segments are written and read: `node bench/micro/segment.bench.ts [MiB]`. Lines are shaped as services write
 * them, digits at random. MiB are of lines; CPU seconds are of the whole process, thread pool included.
 */
import { MiB } from "#base";
import { packUints, sumDifferences, unpackNumbersInto } from "#columns";
import { dayStartNs, type EntryBatch, Labels, nsPerDay, packSet } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type BuiltSegment, buildSegment, SegmentStore, type SegmentStream } from "#segment";
import { type ColumnNeeds, newReadCounters } from "#storage";
import { seededRandom, systemClock } from "#world";

const day = 20_513;
const id = "019ad5c3e8000123456789abcdef";
const batchRows = 2000;
const random = seededRandom(1);
const digits = (max: number): number => Math.floor(random.fraction() * max);

function line(stream: number): string {
  const ip = `10.${digits(4)}.${digits(255)}.${digits(255)}`;
  switch (stream % 3) {
    case 0:
      return `level=info ts=2026-03-01T10:${digits(60)}:${digits(60)}.${digits(1000)}Z caller=metrics.go:${digits(400)} component=querier org_id=${digits(9000)} latency=fast query_type=range duration=${digits(9000)}ms status=200 bytes=${digits(1e7)} trace=${digits(2 ** 32).toString(16)}`;
    case 1:
      return `${ip} - - [01/Mar/2026:10:${digits(60)}:${digits(60)} +0000] "GET /api/v1/items/${digits(90000)}?page=${digits(90)} HTTP/1.1" ${[200, 200, 200, 404, 500][digits(5)]} ${digits(90000)} "-" "Mozilla/5.0 (X11; Linux x86_64)"`;
    default:
      return `081109 ${digits(235959)} ${digits(9999)} INFO dfs.DataNode$PacketResponder: PacketResponder ${digits(3)} for block blk_${digits(2 ** 31)}${digits(2 ** 31)} terminating src: /${ip}:${digits(65535)}`;
  }
}

/** Batches of `batchRows` rows of one stream each, in turn over the streams, times rising. */
function makeStreams(bytes: number, streamCount: number): SegmentStream[] {
  const rows = Array.from({ length: streamCount }, (): SegmentStream["rows"][number][] => []);
  const start = Number(dayStartNs(day) / 1_000_000_000n);
  let made = 0;
  for (let n = 0; made < bytes; n++) {
    const batch = makeBatch(n % streamCount, start + Math.floor(n / streamCount) * 10);
    rows[n % streamCount]!.push({ batch, fromRow: 0, toRow: batch.rowCount });
    made += batch.bytes.length;
  }
  return rows.map((slices, s) => ({
    labels: Labels.from({ app: `app-${s % 10}`, pod: `pod-${s}`, namespace: "bench" }),
    rows: slices,
  }));
}

function makeBatch(stream: number, second: number): EntryBatch {
  const lines = Array.from({ length: batchRows }, () => Buffer.from(line(stream)));
  const starts = new Uint32Array(batchRows);
  const ends = new Uint32Array(batchRows);
  let at = 0;
  for (const [row, bytes] of lines.entries()) {
    starts[row] = at;
    at += bytes.length;
    ends[row] = at;
  }
  const sets = ["", "info", "warn", "error"].map((level) =>
    level === "" ? Buffer.alloc(0) : packSet([["detected_level", level]]),
  );
  const setStarts = new Uint32Array(sets.length + 1);
  for (const [i, set] of sets.entries()) setStarts[i + 1] = setStarts[i]! + set.length;
  return {
    rowCount: batchRows,
    streams: [],
    bytes: Buffer.concat(lines),
    lineStarts: starts,
    lineEnds: ends,
    epochSeconds: new Float64Array(batchRows).map((_, i) => second + Math.floor(i / 200)),
    nanos: new Uint32Array(batchRows).map((_, i) => (i % 200) * 5_000_000 + digits(5_000_000)),
    metadataOfRow: new Uint32Array(batchRows).map(() => 1 + Math.max(0, digits(12) - 9)),
    metadata: { bytes: Buffer.concat(sets), starts: setStarts, count: sets.length },
  };
}

interface Timed<T> {
  readonly value: T;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

async function timed<T>(task: () => Promise<T>): Promise<Timed<T>> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const value = await task();
  const wallSeconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  return { value, wallSeconds, cpuSeconds: (used.user + used.system) / 1e6 };
}

function report(name: string, mebibytes: number, one: Timed<unknown>, more = ""): void {
  const wall = (mebibytes / one.wallSeconds).toFixed(0).padStart(6);
  const cpu = (mebibytes / one.cpuSeconds).toFixed(0).padStart(6);
  console.log(`${name.padEnd(34)} ${wall} MiB/s wall ${cpu} MiB per CPU-s ${more}`);
}

async function write(streams: SegmentStream[], level: number): Promise<BuiltSegment> {
  const input = { tenant: "fake", day, streams, journal: [], replaces: [] };
  return buildSegment(input, { id, level });
}

async function read(objects: MemoryObjectStore, needs: ColumnNeeds): Promise<number> {
  const store = new SegmentStore({ objects });
  const options = {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message: string) => console.log(message),
  };
  const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
  const select = { tenant: "fake", matchers: [], range };
  const { blocks } = await store.plan(select, { lineTerms: [] }, options);
  let rows = 0;
  for await (const block of store.read(blocks, needs, options)) rows += block.rowCount;
  return rows;
}

/** Blocks of 8,000 rows, as a mebibyte of lines has. */
function benchTimestamps(): void {
  const rows = 8000;
  const rounds = 2000;
  const out = new Float64Array(rows);
  for (const spanNs of [200, 60_000, 5_000_000, 1e9, 1e12]) {
    const bytes = packUints(new Float64Array(rows).map(() => digits(spanNs)));
    const width = Math.floor(bytes.length / rows);
    const packed = { bytes, planesAt: bytes.length - width * rows, count: rows, min: 0, width };
    const started = performance.now();
    for (let i = 0; i < rounds; i++) {
      unpackNumbersInto(out, 0, packed, 0, rows);
      sumDifferences(out, 0, rows, { start: 0, unit: 1000 });
    }
    const nsPerRow = ((performance.now() - started) * 1e6) / (rounds * rows);
    console.log(`timestamps of ${width} bytes: ${nsPerRow.toFixed(2)} ns per row`);
  }
}

const size = Number(process.argv[2] ?? 64);
const allNeeds: ColumnNeeds = { lines: true, lengths: true, metadata: "all" };
const timesOnly: ColumnNeeds = { lines: false, lengths: false, metadata: [] };
for (const streamCount of [20, 5000]) {
  const streams = makeStreams(size * MiB, 20);
  const cut = streamCount > 20 ? thinned(streams, streamCount) : streams;
  console.log(`\n${size} MiB in ${cut.length} streams`);
  await write(cut, 1);
  for (const level of [1, 3]) {
    const done = await timed(() => write(cut, level));
    const { facts, sizeBytes } = done.value;
    const ratio = `ratio ${(facts.lineBytes / sizeBytes).toFixed(2)}, ${facts.entryCount} entries, footer ${facts.footerBytes}`;
    report(`write, zstd level ${level}`, facts.lineBytes / MiB, done, ratio);
  }
  const built = await write(cut, 1);
  const mebibytes = built.facts.lineBytes / MiB;
  const objects = new MemoryObjectStore(systemClock);
  await objects.put(built.key, built.parts);
  await read(objects, allNeeds);
  report("read all columns", mebibytes, await timed(() => read(objects, allNeeds)));
  report("read timestamps", mebibytes, await timed(() => read(objects, timesOnly)));
}
benchTimestamps();

/** The same rows spread over many streams: every slice cut into pieces of a few rows. */
function thinned(streams: readonly SegmentStream[], count: number): SegmentStream[] {
  const rows = Array.from({ length: count }, (): SegmentStream["rows"][number][] => []);
  let next = 0;
  for (const { batch } of streams.flatMap((stream) => stream.rows)) {
    for (let row = 0; row < batch.rowCount; row += 20) {
      rows[next++ % count]!.push({ batch, fromRow: row, toRow: row + 20 });
    }
  }
  return rows.map((slices, s) => ({
    labels: Labels.from({ app: `app-${s % 10}`, pod: `pod-${s}`, namespace: "bench" }),
    rows: slices,
  }));
}

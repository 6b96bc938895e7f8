/**
 * How fast Loki's chunks are read and written, beside the native segment's blocks: `node
 * bench/micro/loki-chunk.bench.ts [MiB]`. Lines are shaped as services write them, digits at random;
 * every entry has two pairs of metadata. MiB are of lines; seconds are of one thread.
 */
import { MiB } from "#base";
import { type ChunkCodec, buildChunksNow, decodeChunkBlock, openChunk } from "#lokichunk";
import { dayStartNs, type EntryBatch, Labels, nsPerDay, packSet } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { buildSegment, SegmentStore } from "#segment";
import { type ColumnNeeds, newReadCounters } from "#storage";
import { seededRandom, systemClock } from "#world";

const day = 20_513;
const random = seededRandom(1);
const digits = (max: number): number => Math.floor(random.fraction() * max);
const labels = Labels.from({ app: "api", namespace: "bench", pod: "api-0" });

function line(): string {
  const time = `2026-03-01T10:${digits(60)}:${digits(60)}.${digits(1000)}Z`;
  const where = `caller=metrics.go:${digits(400)} component=querier org_id=${digits(9000)}`;
  return `level=info ts=${time} ${where} duration=${digits(9000)}ms status=200 bytes=${digits(1e7)}`;
}

function makeBatch(bytes: number): EntryBatch {
  const lines: Buffer[] = [];
  for (let made = 0; made < bytes; made += lines.at(-1)!.length) lines.push(Buffer.from(line()));
  const rowCount = lines.length;
  const lineStarts = new Uint32Array(rowCount);
  const lineEnds = new Uint32Array(rowCount);
  const epochSeconds = new Float64Array(rowCount);
  const nanos = new Uint32Array(rowCount);
  const metadataOfRow = new Uint32Array(rowCount);
  const sets: Buffer[] = [Buffer.alloc(0)];
  const starts = [0, 0];
  for (let row = 0, at = 0; row < rowCount; row++) {
    lineStarts[row] = at;
    at += lines[row]!.length;
    lineEnds[row] = at;
    epochSeconds[row] = day * 86_400 + Math.floor(row / 100);
    nanos[row] = (row % 100) * 10_000_000 + digits(10_000_000);
    const level = ["info", "warn", "error"][digits(3)]!;
    const set = [["detected_level", level] as const, ["pod_ip", `10.0.0.${digits(200)}`] as const];
    sets.push(packSet(set));
    starts.push(starts.at(-1)! + sets.at(-1)!.length);
    metadataOfRow[row] = row + 1;
  }
  const metadata = {
    bytes: Buffer.concat(sets),
    starts: Uint32Array.from(starts),
    count: sets.length,
  };
  const columns = { lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow, metadata };
  return { rowCount, streams: [], bytes: Buffer.concat(lines), ...columns };
}

const needs = {
  everything: { lines: true, lengths: true, metadata: "all" },
  lines: { lines: true, lengths: true, metadata: [] },
  lengths: { lines: false, lengths: true, metadata: [] },
} as const;

const mib = Number(process.argv[2] ?? 32);
const batch = makeBatch(mib * MiB);
const lineMib = batch.bytes.length / MiB;
const rows = [{ batch, fromRow: 0, toRow: batch.rowCount }];

function rate(task: () => void): string {
  task();
  const rounds = 3;
  const from = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) task();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9 / rounds;
  return `${Math.round(lineMib / seconds)}`.padStart(7);
}

console.log(`${lineMib.toFixed(0)} MiB of lines, ${batch.rowCount} entries; MiB/s of lines`);
console.log("codec      stored MiB    build  all     lines  lengths");
const codecs: readonly ChunkCodec[] = ["none", "snappy", "lz4", "gzip", "flate", "zstd"];
for (const codec of codecs) {
  const build = (): ReturnType<typeof buildChunksNow> =>
    buildChunksNow({ tenant: "bench", labels, rows }, { version: 4, codec });
  const chunks = build();
  const stored = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0) / MiB;
  const cells = [rate(build)];
  for (const columns of Object.values(needs)) {
    cells.push(
      rate(() => {
        for (const { bytes, ref } of chunks) {
          const chunk = openChunk("bench", bytes, ref.checksum);
          for (let i = 0; i < chunk.blocks.length; i++) decodeChunkBlock(chunk, i, columns);
        }
      }),
    );
  }
  console.log(`${codec.padEnd(10)} ${stored.toFixed(1).padStart(10)}  ${cells.join(" ")}`);
}

const objects = new MemoryObjectStore(systemClock);
const built = await buildSegment(
  { tenant: "bench", day, streams: [{ labels, rows }], journal: [], replaces: [] },
  { id: "019ad5c3e8000123456789abcdef" },
);
await objects.put(built.key, built.parts);
const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
const cells: string[] = [];
for (const columns of Object.values(needs)) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round++) {
    const from = process.hrtime.bigint();
    const entries = await readSegment(columns);
    if (entries !== batch.rowCount) throw new Error(`read ${entries} of ${batch.rowCount}`);
    best = Math.min(best, Number(process.hrtime.bigint() - from) / 1e9);
  }
  cells.push(`${Math.round(lineMib / best)}`.padStart(7));
}
const storedMib = (built.sizeBytes / MiB).toFixed(1).padStart(10);
console.log(`segment    ${storedMib}          ${cells.join(" ")}  (the thread pool helps)`);

async function readSegment(columns: ColumnNeeds): Promise<number> {
  const store = new SegmentStore({ objects });
  const options = {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message: string) => console.log(message),
  };
  const select = { tenant: "bench", matchers: [], range };
  const { blocks } = await store.plan(select, { lineTerms: [] }, options);
  let entries = 0;
  for await (const block of store.read(blocks, columns, options)) entries += block.rowCount;
  return entries;
}

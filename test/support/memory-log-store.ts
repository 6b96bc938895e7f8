import { ByteStrings } from "#columns";
import { Labels, type Matcher } from "#model";
import type {
  Block,
  BlockFacts,
  BlockPlan,
  BlockRef,
  BlockStream,
  ColumnNeeds,
  LogStore,
  MetadataColumn,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "#storage";

/** One entry as a test writes it down. */
export interface PlainEntry {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeNs: bigint;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface MemorySourceOptions {
  /** Shown as `facts.source`. */
  readonly source: string;
  /** A block holds at most so many rows. */
  readonly blockRowsMax: number;
  /** Streams that share a block; 1: every block has one stream. */
  readonly blockStreamsMax: number;
}

interface Row {
  readonly labels: Labels;
  readonly entry: PlainEntry;
  readonly line: Buffer;
  readonly arrival: number;
}

interface MemoryBlock extends BlockRef {
  readonly rows: readonly Row[];
}

/**
 * A LogStore over plain entries, for tests. Each `addSource` is one source with the next source
 * order; the order of its entries is their order of arrival. As real stores do, a source holds
 * identical entries of one stream once, and sources know nothing of each other. `reads` and
 * `readNeeds` let tests claim what was read.
 */
export class MemoryLogStore implements LogStore {
  readonly #blocksByTenant = new Map<string, MemoryBlock[]>();
  #sourceCount = 0;
  /** Blocks handed out by `read` so far. */
  reads = 0;
  /** The column needs of every `read` call. */
  readonly readNeeds: ColumnNeeds[] = [];

  /** A store of one source. */
  static of(
    entries: readonly PlainEntry[],
    options: Partial<MemorySourceOptions> = {},
  ): MemoryLogStore {
    const store = new MemoryLogStore();
    store.addSource(entries, options);
    return store;
  }

  addSource(entries: readonly PlainEntry[], options: Partial<MemorySourceOptions> = {}): void {
    const { source = `memory-${this.#sourceCount}`, blockRowsMax = 1000 } = options;
    const sourceOrder = this.#sourceCount++;
    for (const [tenant, rows] of rowsByTenant(entries)) {
      const blocks = this.#blocksByTenant.get(tenant) ?? [];
      this.#blocksByTenant.set(tenant, blocks);
      for (const part of cut(rows, { blockRowsMax, streamsMax: options.blockStreamsMax ?? 1 })) {
        blocks.push({ rows: part, facts: factsOf(part, { source, sourceOrder }) });
      }
    }
  }

  plan(select: StreamSelect, _skip: SkipTerms, _options: ReadOptions): Promise<BlockPlan> {
    const blocks = this.#select(select).filter((block) =>
      block.facts.streams.some(
        (stream) => selected(stream.labels, select.matchers) && overlaps(stream, select),
      ),
    );
    return Promise.resolve({ blocks, skippedBlocks: 0, segmentsConsidered: 1, warnings: [] });
  }

  async *read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    this.readNeeds.push(needs);
    for (const ref of blocks) {
      await Promise.resolve();
      options.signal.throwIfAborted();
      this.reads++;
      yield decode(ref as MemoryBlock, needs);
    }
  }

  series(select: StreamSelect, _options: ReadOptions): Promise<Labels[]> {
    return Promise.resolve([...this.#streams(select).values()].map(([labels]) => labels));
  }

  async labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    const names = new Set<string>();
    for (const labels of await this.series(select, options)) {
      for (const [name] of labels.pairs) names.add(name);
    }
    return [...names].sort();
  }

  async labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    const values = new Set<string>();
    for (const labels of await this.series(select, options)) {
      const value = labels.get(name);
      if (value !== undefined) values.add(value);
    }
    return [...values].sort();
  }

  volumes(select: StreamSelect, _options: ReadOptions): Promise<StreamVolume[]> {
    return Promise.resolve(
      [...this.#streams(select).values()].map(([labels, parts]) => ({
        labels,
        entryCount: Math.round(sum(parts, (part) => part.entryCount * share(part, select))),
        lineBytes: Math.round(sum(parts, (part) => part.lineBytes * share(part, select))),
        blockCount: parts.length,
      })),
    );
  }

  #select(select: StreamSelect): MemoryBlock[] {
    return (this.#blocksByTenant.get(select.tenant) ?? []).filter(
      (block) => block.facts.minNs < select.range.toNs && block.facts.maxNs >= select.range.fromNs,
    );
  }

  #streams(select: StreamSelect): Map<string, [Labels, BlockStream[]]> {
    const byKey = new Map<string, [Labels, BlockStream[]]>();
    for (const block of this.#select(select)) {
      for (const stream of block.facts.streams) {
        if (!selected(stream.labels, select.matchers) || !overlaps(stream, select)) continue;
        const known = byKey.get(stream.labels.key);
        if (known === undefined) byKey.set(stream.labels.key, [stream.labels, [stream]]);
        else known[1].push(stream);
      }
    }
    return byKey;
  }
}

function rowsByTenant(entries: readonly PlainEntry[]): Map<string, Row[]> {
  const byTenant = new Map<string, Row[]>();
  const seen = new Set<string>();
  const labelsByRecord = new Map<PlainEntry["labels"], Labels>();
  for (const [arrival, entry] of entries.entries()) {
    const labels = labelsByRecord.get(entry.labels) ?? Labels.from(entry.labels);
    labelsByRecord.set(entry.labels, labels);
    const metadata = Labels.from(entry.metadata ?? {}).key;
    const identity = [entry.tenant, labels.key, entry.timeNs, metadata, entry.line].join("\ud802");
    if (seen.has(identity)) continue;
    seen.add(identity);
    const rows = byTenant.get(entry.tenant) ?? [];
    byTenant.set(entry.tenant, rows);
    rows.push({ labels, entry, line: Buffer.from(entry.line), arrival });
  }
  for (const rows of byTenant.values()) rows.sort(byStreamAndTime);
  return byTenant;
}

function byStreamAndTime(a: Row, b: Row): number {
  if (a.labels.key !== b.labels.key) return a.labels.key < b.labels.key ? -1 : 1;
  if (a.entry.timeNs !== b.entry.timeNs) return a.entry.timeNs < b.entry.timeNs ? -1 : 1;
  return a.arrival - b.arrival;
}

function cut(rows: readonly Row[], max: { blockRowsMax: number; streamsMax: number }): Row[][] {
  const parts: Row[][] = [];
  let part: Row[] = [];
  let streamCount = 0;
  let stream = "";
  for (const row of rows) {
    const isNewStream = part.length === 0 || row.labels.key !== stream;
    if (part.length >= max.blockRowsMax || (isNewStream && streamCount >= max.streamsMax)) {
      parts.push(part);
      part = [];
      streamCount = 0;
    }
    if (part.length === 0 || isNewStream) streamCount++;
    stream = row.labels.key;
    part.push(row);
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

function factsOf(rows: readonly Row[], from: { source: string; sourceOrder: number }): BlockFacts {
  const streams: BlockStream[] = [];
  const levelCounts = new Map<string, number>();
  for (let at = 0; at < rows.length; ) {
    const labels = rows[at]!.labels;
    const own = rows.filter((row) => row.labels.key === labels.key);
    streams.push({ labels, ...countsOf(own) });
    at += own.length;
  }
  for (const { entry } of rows) {
    const level = entry.metadata?.["detected_level"];
    if (level !== undefined) levelCounts.set(level, (levelCounts.get(level) ?? 0) + 1);
  }
  return {
    ...countsOf(rows),
    isAscii: rows.every((row) => row.line.every((byte) => byte < 0x80)),
    hasInnerNewline: rows.some((row) => row.line.includes(10)),
    streams,
    levelCounts,
    ...from,
  };
}

function countsOf(rows: readonly Row[]): {
  entryCount: number;
  lineBytes: number;
  minNs: bigint;
  maxNs: bigint;
} {
  let minNs = rows[0]!.entry.timeNs;
  let maxNs = minNs;
  for (const { entry } of rows) {
    if (entry.timeNs < minNs) minNs = entry.timeNs;
    if (entry.timeNs > maxNs) maxNs = entry.timeNs;
  }
  const lineBytes = sum(rows, (row) => row.line.length);
  return { entryCount: rows.length, lineBytes, minNs, maxNs };
}

function decode(ref: MemoryBlock, needs: ColumnNeeds): Block {
  const { rows, facts } = ref;
  const streamIndex = new Map(facts.streams.map((stream, i) => [stream.labels.key, i]));
  return {
    ref,
    rowCount: rows.length,
    baseNs: facts.minNs,
    offsets: Float64Array.from(rows, (row) => Number(row.entry.timeNs - facts.minNs)),
    streamOfRow:
      facts.streams.length === 1
        ? undefined
        : Uint32Array.from(rows, (row) => streamIndex.get(row.labels.key)!),
    lines: needs.lines ? packLines(rows) : undefined,
    lengths:
      needs.lines || needs.lengths ? Uint32Array.from(rows, (row) => row.line.length) : undefined,
    metadata: metadataColumns(rows, needs.metadata),
  };
}

function packLines(rows: readonly Row[]): ByteStrings {
  const starts = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) starts[i + 1] = starts[i]! + row.line.length + 1;
  const newline = Buffer.from("\n");
  return new ByteStrings(Buffer.concat(rows.flatMap((row) => [row.line, newline])), starts, 1);
}

function metadataColumns(rows: readonly Row[], wanted: ColumnNeeds["metadata"]): MetadataColumn[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row.entry.metadata ?? {})));
  const columns: MetadataColumn[] = [];
  for (const name of [...names].sort()) {
    if (wanted !== "all" && !wanted.includes(name)) continue;
    const idOfValue = new Map<string, number>();
    const ids = Uint32Array.from(rows, (row) => {
      const value = row.entry.metadata?.[name];
      if (value === undefined) return 0;
      const id = idOfValue.get(value) ?? idOfValue.size + 1;
      idOfValue.set(value, id);
      return id;
    });
    columns.push({ name, ids, values: ByteStrings.ofTexts([...idOfValue.keys()], 0) });
  }
  return columns;
}

function selected(labels: Labels, matchers: readonly Matcher[]): boolean {
  return matchers.every((matcher) => matcher.test(labels.get(matcher.name) ?? ""));
}

function overlaps(stream: { minNs: bigint; maxNs: bigint }, select: StreamSelect): boolean {
  return stream.minNs < select.range.toNs && stream.maxNs >= select.range.fromNs;
}

/** The share of a stream's time span that lies in the range. */
function share(part: BlockStream, select: StreamSelect): number {
  const from = part.minNs > select.range.fromNs ? part.minNs : select.range.fromNs;
  const to = part.maxNs + 1n < select.range.toNs ? part.maxNs + 1n : select.range.toNs;
  return Number(to - from) / Number(part.maxNs + 1n - part.minNs);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Read options that count into nothing and never stop. */
export function plainReadOptions(): ReadOptions {
  return {
    signal: new AbortController().signal,
    counters: { getRequests: 0, fetchedBytes: 0, decompressedBytes: 0, cacheHits: 0 },
    warn: () => {},
  };
}

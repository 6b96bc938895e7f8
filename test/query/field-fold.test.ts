import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import { ByteStrings } from "#columns";
import { readFields } from "#pipeline";
import type { Block, BlockRef, ColumnNeeds, FieldSink, MetadataColumn } from "#storage";
import { newReadCounters } from "#storage";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { second } from "./random-query.ts";
import { brief, runQuery } from "./run-query.ts";

/** Values by name and row. */
class Columns implements FieldSink {
  readonly values = new Map<string, Map<number, string>>();
  readonly other = new Set<string>();

  add(row: number, name: string, buffer: Buffer, from: number, to: number): void {
    const values = this.values.get(name) ?? new Map<number, string>();
    this.values.set(name, values.set(row, buffer.toString("latin1", from, to)));
  }

  addOther(name: string): void {
    this.other.add(name);
  }

  columns(names: readonly string[], rowCount: number): MetadataColumn[] {
    return names.flatMap((name) => {
      const values = this.values.get(name);
      if (values === undefined) return [];
      const texts = [...new Set(values.values())];
      const ids = new Uint32Array(rowCount);
      for (const [row, text] of values) ids[row] = texts.indexOf(text) + 1;
      return [{ name, ids, values: ByteStrings.ofTexts(texts, 0) }];
    });
  }
}

/** Gives fields in place of lines wherever it may, as merged segments do. */
class FieldStore extends MemoryLogStore {
  /** Blocks that came with fields and without lines. */
  bareBlocks = 0;

  override async *read(blocks: readonly BlockRef[], needs: ColumnNeeds): AsyncGenerator<Block> {
    const options = { signal: new AbortController().signal, warn: () => {} };
    const counters = newReadCounters();
    for await (const block of super.read(blocks, needs, { ...options, counters })) {
      yield this.#withFields(block, needs);
    }
  }

  #withFields(block: Block, { fields: needed, search }: ColumnNeeds): Block {
    if (needed === undefined || block.lines === undefined) return block;
    const sink = new Columns();
    if (readFields(block.lines, block.ref.facts, sink) !== needed.parser) return block;
    if (needed.names.some((name) => sink.other.has(name))) return block;
    const fields = sink.columns(needed.names, block.rowCount);
    if (!needed.insteadOfLines || search !== undefined) return { ...block, fields };
    this.bareBlocks++;
    return { ...block, fields, lines: undefined };
  }
}

const entry: fc.Arbitrary<Omit<PlainEntry, "line">> = fc.record({
  tenant: fc.constant("t"),
  labels: fc.constantFrom<Record<string, string>[]>(
    { app: "a" },
    { app: "a", level: "stream" },
    { app: "b", dur: "7" },
  ),
  timeNs: fc.integer({ min: 0, max: 900 }).map((time) => (BigInt(time) * second) / 10n),
  metadata: fc.constantFrom<Record<string, string>[]>({}, {}, {}, {}, {}, {}, { level: "m" }),
});
const status = fc.constantFrom(200, 200, 404, 503, "abc", "");
const level = fc.constantFrom("info", "info", "warn", "error");
const duration = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 5000 }).map((n) => `${n / 8}ms`) },
  { weight: 1, arbitrary: fc.constantFrom("1h2m3s", "soon", "", "-3ms", "1s") },
);
const parsers = ["json", "logfmt"] as const;

function lineOf(parser: string, fields: Record<string, string | number | undefined>): string {
  if (parser === "json") return JSON.stringify(fields);
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function entriesOf(parser: string, hasMetadata: boolean): fc.Arbitrary<PlainEntry[]> {
  const fields = fc.record(
    { status, level, dur: duration, n: fc.nat(9) },
    { requiredKeys: ["status", "n"] },
  );
  return fc.array(
    fc.tuple(entry, fields).map(([{ metadata, ...one }, all]) => ({
      ...one,
      ...(hasMetadata && metadata !== undefined ? { metadata } : {}),
      line: lineOf(parser, all),
    })),
    { minLength: 30, maxLength: 120 },
  );
}

const filters = fc.constantFrom(
  "",
  "| status >= 500",
  "| status = `503`",
  "| level=~`info|warn` | n > 2",
  "| status != `200` | drop level",
  "| keep status, level",
  "| dur > 100ms",
  '| __error__=""',
  "| level_extracted=`info`",
);
const aggregation = fc.constantFrom(
  (log: string) => `sum by (status) (count_over_time(${log} [7s]))`,
  (log: string) => `sum by (status, level, app) (rate(${log} [20s]))`,
  (log: string) => `sum by (level) (bytes_over_time(${log} [7s]))`,
  (log: string) =>
    `quantile_over_time(0.9, ${log} | unwrap duration(dur) | __error__="" [7s]) by (level)`,
  (log: string) => `quantile_over_time(0.2, ${log} | unwrap duration(dur) [15s]) by (app)`,
  (log: string) => `sum by (level) (sum_over_time(${log} | unwrap n [9s]))`,
  (log: string) => `first_over_time(${log} | unwrap duration(dur) | __error__="" [9s]) by (level)`,
  (log: string) => `max_over_time(${log} | unwrap n | n > 3 [9s]) by (n)`,
  (log: string) => `count_distinct_over_time(level, ${log} [9s]) by (app)`,
  (log: string) => `absent_over_time(${log} [2s])`,
);

async function answerOf(store: MemoryLogStore, text: string): Promise<unknown> {
  try {
    const times = { fromNs: 0n, toNs: 90n * second, stepNs: 7n * second };
    const { data, stats } = await runQuery(store, { text, ...times });
    return { data: brief(data), left: stats.entriesAfterFilter };
  } catch (error) {
    assert.ok(error instanceof RequestError, String(error));
    return error.message;
  }
}

for (const parser of parsers) {
  test(`fields of ${parser} in place of lines give the same answers`, async () => {
    let bareBlocks = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.boolean().chain((hasMetadata) => entriesOf(parser, hasMetadata)),
        fc.constantFrom(1, 3),
        filters,
        aggregation,
        async (entries, blockStreamsMax, filter, aggregate) => {
          const [plain, columns] = [new MemoryLogStore(), new FieldStore()];
          const options = { blockRowsMax: 60, blockStreamsMax };
          for (const store of [plain, columns]) store.addSource(entries, options);
          const text = aggregate(`{app=~".+"} | ${parser} ${filter}`);
          assert.deepEqual(await answerOf(columns, text), await answerOf(plain, text), text);
          bareBlocks += columns.bareBlocks;
        },
      ),
      { seed: 441, numRuns: 400 },
    );
    assert.ok(bareBlocks > 100);
  });
}

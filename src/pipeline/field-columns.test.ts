import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteStrings } from "#columns";
import { parseQuery } from "#logql";
import type { Block, FieldSink, MetadataColumn } from "#storage";
import { compilePipeline } from "./compile.ts";
import { readFields } from "./read-fields.ts";
import { blockOf, type TestEntry } from "./testing-block.ts";

/** Columns without a store: one per field, or none where some value is not plain. */
class TestColumns implements FieldSink {
  readonly #values = new Map<string, Map<number, string>>();
  readonly #other = new Set<string>();

  add(row: number, name: string, buffer: Buffer, from: number, to: number): void {
    const values = this.#values.get(name) ?? new Map<number, string>();
    this.#values.set(name, values.set(row, buffer.toString("latin1", from, to)));
  }

  addOther(name: string): void {
    this.#other.add(name);
  }

  /** Undefined when one of the names has no column. */
  columns(names: readonly string[], rowCount: number): MetadataColumn[] | undefined {
    if (names.some((name) => this.#other.has(name))) return undefined;
    return names.flatMap((name): MetadataColumn[] => {
      const values = this.#values.get(name);
      if (values === undefined) return [];
      const texts = [...new Set(values.values())];
      const ids = new Uint32Array(rowCount);
      for (const [row, text] of values) ids[row] = texts.indexOf(text) + 1;
      return [{ name, ids, values: ByteStrings.ofTexts(texts, 0) }];
    });
  }
}

/** What a query makes of a block: labels asked for and value of each row that passes. */
function answers(query: string, block: Block, labelsWanted: string[], usesColumns: boolean) {
  const expr = parseQuery(query);
  assert.equal(expr.kind, "rangeAggregation");
  if (expr.kind !== "rangeAggregation") return { found: [], isFromColumns: false };
  const { log, unwrap } = expr;
  const pipeline = compilePipeline(log, {
    labelsWanted,
    lineWanted: "no",
    unwrap,
    nowNs: () => 0n,
  });
  const needs = pipeline.needs.fields;
  let fields: readonly MetadataColumn[] | undefined;
  if (usesColumns && needs !== undefined && block.lines !== undefined) {
    const sink = new TestColumns();
    const { lines, rowCount, ref } = block;
    if (readFields(lines, ref.facts, sink) === needs.parser) {
      fields = sink.columns(needs.names, rowCount);
    }
  }
  const isBare = fields !== undefined && needs?.insteadOfLines === true;
  const given = {
    ...block,
    fields,
    lines: isBare && !query.includes("|=") ? undefined : block.lines,
  };
  const found: unknown[] = [];
  pipeline.run(given, undefined, (row) => {
    found.push([row.index, labelsWanted.map((name) => row.label(name)), row.value, row.error]);
    return true;
  });
  return { found, isFromColumns: fields !== undefined };
}

const key = fc.constantFrom("status", "dur", "a", "a.b", "a-b", "level", "x_y", "é");
const scalar = fc.oneof(
  fc.constantFrom(
    200,
    404,
    503,
    1.5,
    -1,
    true,
    false,
    null,
    "503",
    "1.5ms",
    "",
    "a b",
    "x\ny",
    "é",
  ),
  fc.constantFrom("12ms", "3s", "abc", 'q"q', "200", "info"),
);
const nested = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.dictionary(key, scalar, { maxKeys: 2 }) },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
);
const pairs = fc.array(fc.tuple(key, nested), { maxLength: 5 });

/** Keys may come twice, which JSON.stringify cannot say. */
const jsonLine = pairs.map(
  (all) =>
    `{${all.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`,
);
const logfmtLine = pairs.map((all) =>
  all
    .map(([name, value]) => `${name}=${typeof value === "number" ? value : JSON.stringify(value)}`)
    .concat("first=1", "second=2")
    .toSorted((a) => (a.startsWith("first") || a.startsWith("second") ? -1 : 0))
    .join(" "),
);
const oddLine = fc.constantFrom(
  "",
  "{",
  '{"status":503',
  "plain text",
  '{"__error__":"x"}',
  "a= b",
);

const metadata = fc.constantFrom({}, {}, { status: "7" }, { level: "warn", dur: "9" });
const stream = fc.constantFrom({ app: "shop" }, { app: "shop", level: "top" });

function entriesOf(line: fc.Arbitrary<string>): fc.Arbitrary<TestEntry[]> {
  const lines = fc.oneof(
    { weight: 5, arbitrary: fc.array(line, { minLength: 1, maxLength: 12 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof({ weight: 8, arbitrary: line }, oddLine), { maxLength: 12 }),
    },
  );
  return fc
    .tuple(lines, stream, fc.array(metadata, { minLength: 12, maxLength: 12 }))
    .map(([texts, labels, sets]) =>
      texts.map((text, i) => ({ line: text, stream: labels, metadata: sets[i]! })),
    );
}

const behind = [
  "",
  "| status >= 500",
  '| status="503"',
  '| status_extracted="503" or status="7"',
  '| a_b!="x"',
  '| level=~"i.*" | dur > 1s',
  '| __error__=""',
  "| drop status",
  '| label_format b="{{.status}}{{.a}}"',
];

for (const [parser, line] of [
  ["json", jsonLine],
  ["logfmt", logfmtLine],
] as const) {
  test(`columns of ${parser} answer as parsing does`, () => {
    let columnCount = 0;
    const stages = fc.constantFrom(...behind);
    const ahead = fc.constantFrom("", '|= "5"', '| level!="nothing"');
    const unwraps = fc.constantFrom("", '| unwrap duration(dur) | __error__=""', "| unwrap status");
    fc.assert(
      fc.property(entriesOf(line), ahead, stages, unwraps, (entries, first, stage, unwrap) => {
        if (entries.length === 0) return;
        const query = `sum_over_time({app="shop"} ${first} | ${parser} ${stage} ${unwrap} [1m])`;
        const text = unwrap === "" ? query.replace("sum_over", "count_over") : query;
        const block = blockOf(entries);
        const wanted = ["status", "level", "b", "dur_extracted"];
        const plain = answers(text, block, wanted, false);
        const byColumn = answers(text, block, wanted, true);
        if (byColumn.isFromColumns) columnCount++;
        assert.deepEqual(byColumn.found, plain.found, text);
      }),
      { numRuns: 600, seed: 20260301 },
    );
    assert.ok(columnCount > 100, `columns were used ${columnCount} times only`);
  });
}

const refused: [claim: string, lines: string[]][] = [
  ["a line that does not parse", ['{"a":1}', "{"]],
  ["a line that is no object", ['{"a":1}', "text"]],
  ["a field like an error", ['{"__error__":"x"}']],
  ["a field that is called _extracted", ['{"a_extracted":"x"}']],
  ["text", ["some words", "a=1 b=2"]],
  ["nothing", []],
];
for (const [claim, lines] of refused) {
  test(`a block with ${claim} has no columns`, () => {
    const column = ByteStrings.ofTexts(lines, 1);
    assert.equal(readFields(column, { isAscii: true }, new TestColumns()), undefined);
  });
}

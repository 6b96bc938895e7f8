import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtoWriter } from "#codec";
import type { Limits } from "#config";
import fc from "fast-check";
import { labelNameOf } from "./push-metadata-name.ts";
import { openLimits, rowsOf, testDistributor, testNowNs } from "./push-test-kit.ts";

/** Requests of any shape in JSON and in protobuf, against what a plain reading of them says. */

type Value =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly boolValue: boolean }
  | { readonly kvlistValue: { readonly values: readonly Attribute[] } };

interface Attribute {
  readonly key: string;
  readonly value: Value;
}

interface LogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: Value | undefined;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
  readonly flags: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly eventName: string;
}

interface Scope {
  readonly scope: {
    readonly name: string;
    readonly version: string;
    readonly attributes: readonly Attribute[];
  };
  readonly logRecords: readonly LogRecord[];
}

interface Resource {
  readonly resource: {
    readonly attributes: readonly Attribute[];
    readonly droppedAttributesCount: number;
  };
  readonly scopeLogs: readonly Scope[];
}

const texts = fc.constantFrom("", "a", "b", "é", "x".repeat(60), "y".repeat(300));
const keys = fc.constantFrom(
  "a",
  "a.b",
  "a_b",
  "z",
  "host",
  "trace_id",
  "drop.me",
  "k".repeat(140),
);
const numbers = fc.constantFrom("0", "7", "-1", "9007199254740993", "-9223372036854775808");
const { attributes } = fc.letrec<{ value: Value; attributes: readonly Attribute[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: texts.map((stringValue): Value => ({ stringValue })) },
    numbers.map((intValue): Value => ({ intValue })),
    fc.boolean().map((boolValue): Value => ({ boolValue })),
    tie("attributes").map((values): Value => ({ kvlistValue: { values } })),
  ),
  attributes: fc.array(fc.record({ key: keys, value: tie("value") }), { maxLength: 4 }),
}));
const times = fc.constantFrom("0", "1", "1768003201000000000", "1768003201999999999");
const records: fc.Arbitrary<LogRecord> = fc.record({
  timeUnixNano: times,
  observedTimeUnixNano: times,
  severityNumber: fc.constantFrom(0, 9, 17),
  severityText: texts,
  body: fc.option(
    texts.map((stringValue): Value => ({ stringValue })),
    { nil: undefined },
  ),
  attributes,
  droppedAttributesCount: fc.constantFrom(0, 3),
  flags: fc.constantFrom(0, 1),
  traceId: fc.constantFrom("", "0".repeat(32), "0af7651916cd43dd8448eb211c80319c"),
  spanId: fc.constantFrom("", "b7ad6b7169203331"),
  eventName: texts,
});
const scopes: fc.Arbitrary<Scope> = fc.record({
  scope: fc.record({ name: texts, version: texts, attributes }),
  logRecords: fc.array(records, { maxLength: 5 }),
});
const resources: fc.Arbitrary<Resource> = fc.record({
  resource: fc.record({ attributes, droppedAttributesCount: fc.constantFrom(0, 2) }),
  scopeLogs: fc.array(scopes, { maxLength: 2 }),
});

type Pair = readonly [name: string, value: string];

function flat({ key, value }: Attribute, prefix = ""): Pair[] {
  const name = prefix === "" ? key : `${prefix}_${key}`;
  if ("kvlistValue" in value) return value.kvlistValue.values.flatMap((one) => flat(one, name));
  return [[labelNameOf(name), String(Object.values(value)[0])]];
}

const otlp: Limits["otlp"] = {
  ...openLimits.otlp,
  severityTextAsLabel: true,
  resourceAttributes: {
    ignoreDefaults: true,
    rules: [{ action: "index_label", attributes: ["host", "a"], regex: undefined }],
  },
  logAttributes: [
    { action: "drop", attributes: ["drop.me"], regex: undefined },
    { action: "index_label", attributes: ["z"], regex: undefined },
  ],
};
const limits = { otlp, discoverServiceName: [], maxLineBytes: 0, maxLabelNamesPerSeries: 100 };

interface Expected {
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly line: string;
  readonly ns: string;
}

const withValue = (pairs: readonly Pair[]): Pair[] => pairs.filter(([, value]) => value !== "");
const isLabel = ({ key }: Attribute): boolean => key === "host" || key === "a";
const count = (name: string, value: number): Pair => [name, value === 0 ? "" : String(value)];

function expectedRow({ resource }: Resource, { scope }: Scope, record: LogRecord): Expected {
  const { timeUnixNano: time, observedTimeUnixNano: observed } = record;
  const others = record.attributes.filter(({ key }) => key !== "drop.me" && key !== "z");
  const metadata: Pair[] = [
    ...others.flatMap((one) => flat(one)),
    ["observed_timestamp", time === "0" || observed === "0" ? "" : observed],
    count("severity_number", record.severityNumber),
    ["severity_text", record.severityText],
    count("dropped_attributes_count", record.droppedAttributesCount),
    count("flags", record.flags),
    ["trace_id", /^0*$/.test(record.traceId) ? "" : record.traceId],
    ["span_id", record.spanId],
    ["event_name", record.eventName],
    ...resource.attributes.filter((one) => !isLabel(one)).flatMap((one) => flat(one)),
    count("resource_dropped_attributes_count", resource.droppedAttributesCount),
    ...scope.attributes.flatMap((one) => flat(one)),
    ["scope_name", scope.name],
    ["scope_version", scope.version],
  ];
  const labels: Pair[] = [
    ...resource.attributes.filter(isLabel).flatMap((one) => flat(one)),
    ...record.attributes.filter(({ key }) => key === "z").flatMap((one) => flat(one)),
    ["severity_text", record.severityText],
  ];
  const ns = [time, observed, String(testNowNs)].find((one) => one !== "0")!;
  const text = record.body === undefined ? "" : String(Object.values(record.body)[0]);
  const line = Buffer.from(text).toString("latin1");
  return {
    labels: Object.fromEntries(withValue(labels)),
    metadata: Object.fromEntries(withValue(metadata)),
    line,
    ns,
  };
}

function writeValue(writer: ProtoWriter, field: number, value: Value): void {
  const start = writer.begin(field);
  if ("stringValue" in value) writer.text(1, value.stringValue);
  else if ("boolValue" in value) {
    writer.tag(2, 0);
    writer.varint(value.boolValue ? 1 : 0);
  } else if ("intValue" in value) {
    writer.tag(3, 0);
    let rest = BigInt.asUintN(64, BigInt(value.intValue));
    for (; rest >= 0x80n; rest >>= 7n) writer.byte(Number(rest & 0x7fn) | 0x80);
    writer.byte(Number(rest));
  } else {
    const list = writer.begin(6);
    writeAttributes(writer, 1, value.kvlistValue.values);
    writer.end(list);
  }
  writer.end(start);
}

function writeAttributes(writer: ProtoWriter, field: number, all: readonly Attribute[]): void {
  for (const { key, value } of all) {
    const start = writer.begin(field);
    writer.text(1, key);
    writeValue(writer, 2, value);
    writer.end(start);
  }
}

function writeFixed64(writer: ProtoWriter, field: number, text: string): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(text));
  writer.tag(field, 1);
  writer.raw(bytes, 0, 8);
}

function writeBytes(writer: ProtoWriter, field: number, hex: string): void {
  writer.bytes(field, Buffer.from(hex, "hex"), 0, hex.length / 2);
}

function writeRecord(writer: ProtoWriter, record: LogRecord): void {
  const start = writer.begin(2);
  // Fields may come in any order.
  writeAttributes(writer, 6, record.attributes);
  writeFixed64(writer, 11, record.observedTimeUnixNano);
  writeFixed64(writer, 1, record.timeUnixNano);
  for (const [field, value] of [
    [2, record.severityNumber],
    [7, record.droppedAttributesCount],
  ] as const) {
    writer.tag(field, 0);
    writer.varint(value);
  }
  writer.text(3, record.severityText);
  if (record.body !== undefined) writeValue(writer, 5, record.body);
  writer.tag(8, 5);
  writer.raw(Buffer.from([record.flags, 0, 0, 0]), 0, 4);
  writeBytes(writer, 9, record.traceId);
  writeBytes(writer, 10, record.spanId);
  writer.text(12, record.eventName);
  writer.end(start);
}

/** `isHeadLast`: resource and scope come behind what they are of, in two pieces. */
function protobufOf(all: readonly Resource[], isHeadLast: boolean): Buffer {
  const writer = new ProtoWriter();
  const inOrder = (head: () => void, rest: () => void): void => {
    for (const write of isHeadLast ? [rest, head] : [head, rest]) write();
  };
  for (const { resource, scopeLogs } of all) {
    const start = writer.begin(1);
    const head = (): void => {
      for (const one of resource.attributes) {
        const piece = writer.begin(1);
        writeAttributes(writer, 1, [one]);
        writer.end(piece);
      }
      const piece = writer.begin(1);
      writer.tag(2, 0);
      writer.varint(resource.droppedAttributesCount);
      writer.end(piece);
    };
    inOrder(head, () => {
      for (const scope of scopeLogs) writeScope(writer, scope, inOrder);
    });
    writer.end(start);
  }
  return Buffer.from(writer.finish());
}

function writeScope(
  writer: ProtoWriter,
  { scope, logRecords }: Scope,
  inOrder: (head: () => void, rest: () => void) => void,
): void {
  const start = writer.begin(2);
  const head = (): void => {
    const piece = writer.begin(1);
    writer.text(1, scope.name);
    writer.text(2, scope.version);
    writeAttributes(writer, 3, scope.attributes);
    writer.end(piece);
  };
  inOrder(head, () => {
    for (const record of logRecords) writeRecord(writer, record);
  });
  writer.end(start);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, value]) => `${name}="${value}"`).join(", ")}}`;
}

const base = { key: "host", value: { stringValue: "h" } };

test("both forms say what a plain reading says, wherever a resource stands in its message", () => {
  const tester = testDistributor(limits);
  const property = fc.property(
    fc.array(resources, { maxLength: 4 }),
    fc.boolean(),
    (all, isHeadLast) => {
      // Streams need a label.
      const named = all.map(({ resource, scopeLogs }) => {
        return { resource: { ...resource, attributes: [base, ...resource.attributes] }, scopeLogs };
      });
      const expected = named.flatMap((one) =>
        one.scopeLogs.flatMap((scope) =>
          scope.logRecords.map((record) => expectedRow(one, scope, record)),
        ),
      );
      const wanted = expected.map((row) => ({ ...row, labels: labelText(row.labels) }));
      const inProtobuf = tester.push({
        kind: "otlp",
        contentType: "application/x-protobuf",
        body: protobufOf(named, isHeadLast),
      });
      const inJson = tester.json({ resourceLogs: named }, "otlp");
      for (const { reply, accepted } of [inProtobuf, inJson]) {
        assert.equal(reply.status, wanted.length === 0 ? 422 : 204, reply.text);
        assert.deepEqual(rowsOf(accepted?.batch), wanted);
      }
    },
  );
  fc.assert(property, { seed: 21, numRuns: 300 });
});

test("a number of nanoseconds is exact over all 64 bits", () => {
  const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const tester = testDistributor({ ...limits, creationGracePeriodMs: 1e13 });
  const property = fc.property(time, time, (ns, observed) => {
    const writer = new ProtoWriter();
    const starts = [writer.begin(1), writer.begin(1), writer.begin(1)];
    writer.text(1, "host");
    writeValue(writer, 2, base.value);
    writer.end(starts[2]!);
    writer.end(starts[1]!);
    const inner = [writer.begin(2), writer.begin(2)];
    writeFixed64(writer, 1, String(ns));
    writeFixed64(writer, 11, String(observed));
    for (const start of [inner[1]!, inner[0]!, starts[0]!]) writer.end(start);
    const body = Buffer.from(writer.finish());
    const { accepted } = tester.push({ kind: "otlp", contentType: "application/x-protobuf", body });
    const [row] = rowsOf(accepted?.batch);
    assert.equal(row?.ns, String(BigInt.asIntN(64, ns || observed || testNowNs)));
    if (ns === 0n || observed === 0n) return;
    assert.deepEqual(row?.metadata, { observed_timestamp: String(BigInt.asIntN(64, observed)) });
  });
  fc.assert(property, { seed: 22, numRuns: 2000 });
});

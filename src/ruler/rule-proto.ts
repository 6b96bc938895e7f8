/**
 * A rule group as Loki keeps it in object stores: protobuf `rules.RuleGroupDesc`
 * (pkg/ruler/rulespb/rules.proto of Loki):
 *
 *   RuleGroupDesc  1 name · 2 namespace · 3 interval (Duration) · 4 rules · 6 user · 10 limit
 *                  · ours: 101 query offset (Duration)
 *   RuleDesc       1 expr · 2 record · 3 alert · 4 for (Duration) · 5 labels · 6 annotations
 *                  · 13 keep_firing_for (Duration, as Cortex has it)
 *   LabelPair      1 name · 2 value          Duration  1 seconds · 2 nanos
 *
 * Loki passes over the fields it does not know.
 */
import { isStoreError, messageOf, RequestError, StoreError } from "#base";
import { ProtoReader, ProtoWriter } from "#codec";
import type { PlacedGroup, Rule } from "./rule-group.ts";

const message = "RuleGroupDesc";

export function encodeRuleGroup(tenant: string, { namespace, group }: PlacedGroup): Buffer {
  const writer = new ProtoWriter(4096);
  text(writer, 1, group.name);
  text(writer, 2, namespace);
  duration(writer, 3, group.intervalMs);
  for (const rule of group.rules) {
    const start = writer.begin(4);
    writeRule(writer, rule);
    writer.end(start);
  }
  text(writer, 6, tenant);
  if (group.limit !== 0) {
    writer.tag(10, 0);
    writer.varint(group.limit);
  }
  if (group.queryOffsetMs !== 0) duration(writer, 101, group.queryOffsetMs);
  return Buffer.from(writer.finish());
}

function text(writer: ProtoWriter, field: number, value: string): void {
  if (value !== "") writer.text(field, value);
}

function duration(writer: ProtoWriter, field: number, durationMs: number): void {
  const start = writer.begin(field);
  const seconds = Math.trunc(durationMs / 1000);
  const nanos = Math.round((durationMs - seconds * 1000) * 1e6);
  if (seconds !== 0) {
    writer.tag(1, 0);
    writer.varint(seconds);
  }
  if (nanos !== 0) {
    writer.tag(2, 0);
    writer.varint(nanos);
  }
  writer.end(start);
}

function writeRule(writer: ProtoWriter, rule: Rule): void {
  text(writer, 1, rule.expr);
  text(writer, 2, rule.record);
  text(writer, 3, rule.alert);
  duration(writer, 4, rule.forMs);
  pairs(writer, 5, rule.labels);
  pairs(writer, 6, rule.annotations);
  if (rule.keepFiringForMs !== 0) duration(writer, 13, rule.keepFiringForMs);
}

function pairs(writer: ProtoWriter, field: number, texts: Readonly<Record<string, string>>): void {
  // Sorted by name, as label sets are.
  const names = Object.keys(texts).sort();
  for (const name of names) {
    const start = writer.begin(field);
    text(writer, 1, name);
    text(writer, 2, texts[name] ?? "");
    writer.end(start);
  }
}

/** `key` names the object in errors. Throws StoreError `corrupt`. */
export function decodeRuleGroup(bytes: Buffer, key: string): PlacedGroup {
  try {
    return readGroup(new ProtoReader(bytes));
  } catch (error) {
    if (isStoreError(error) || !(error instanceof RequestError)) throw error;
    throw new StoreError("corrupt", `rule group ${key}: ${messageOf(error)}`);
  }
}

function readGroup(reader: ProtoReader): PlacedGroup {
  let [name, namespace] = ["", ""];
  let [intervalMs, queryOffsetMs, limit] = [0, 0, 0];
  const rules: Rule[] = [];
  while (reader.at < reader.end) {
    const tag = reader.tag(message);
    if (tag === 1 * 8 + 2) name = reader.text();
    else if (tag === 2 * 8 + 2) namespace = reader.text();
    else if (tag === 3 * 8 + 2) intervalMs = inside(reader, readDuration);
    else if (tag === 4 * 8 + 2) rules.push(inside(reader, readRule));
    else if (tag === 10 * 8) limit = reader.int64();
    else if (tag === 101 * 8 + 2) queryOffsetMs = inside(reader, readDuration);
    else reader.skip(tag, message);
  }
  return { namespace, group: { name, intervalMs, queryOffsetMs, limit, rules } };
}

function inside<T>(reader: ProtoReader, read: (reader: ProtoReader) => T): T {
  const to = reader.span();
  const value = read(new ProtoReader(reader.bytes, reader.at, to));
  reader.at = to;
  return value;
}

function readDuration(reader: ProtoReader): number {
  let [seconds, nanos] = [0, 0];
  while (reader.at < reader.end) {
    const tag = reader.tag("Duration");
    if (tag === 1 * 8) seconds = reader.int64();
    else if (tag === 2 * 8) nanos = reader.int64();
    else reader.skip(tag, "Duration");
  }
  return seconds * 1000 + nanos / 1e6;
}

function readRule(reader: ProtoReader): Rule {
  let [expr, record, alert] = ["", "", ""];
  let [forMs, keepFiringForMs] = [0, 0];
  const labels: Record<string, string> = {};
  const annotations: Record<string, string> = {};
  while (reader.at < reader.end) {
    const tag = reader.tag("RuleDesc");
    if (tag === 1 * 8 + 2) expr = reader.text();
    else if (tag === 2 * 8 + 2) record = reader.text();
    else if (tag === 3 * 8 + 2) alert = reader.text();
    else if (tag === 4 * 8 + 2) forMs = inside(reader, readDuration);
    else if (tag === 5 * 8 + 2) addPair(reader, labels);
    else if (tag === 6 * 8 + 2) addPair(reader, annotations);
    else if (tag === 13 * 8 + 2) keepFiringForMs = inside(reader, readDuration);
    else reader.skip(tag, "RuleDesc");
  }
  return { record, alert, expr, forMs, keepFiringForMs, labels, annotations };
}

function addPair(reader: ProtoReader, texts: Record<string, string>): void {
  const [name, value] = inside(reader, (pair) => {
    let found: [string, string] = ["", ""];
    while (pair.at < pair.end) {
      const tag = pair.tag("LabelPair");
      if (tag === 1 * 8 + 2) found = [pair.text(), found[1]];
      else if (tag === 2 * 8 + 2) found = [found[0], pair.text()];
      else pair.skip(tag, "LabelPair");
    }
    return found;
  });
  texts[name] = value;
}

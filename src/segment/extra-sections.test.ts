import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { newReadCounters, type ReadOptions } from "#storage";
import { systemClock } from "#world";
import { type BuiltSegment, buildSegment } from "./build-segment.ts";
import type { ExtraSection } from "./extra-sections.ts";
import { inspectSegment } from "./inspect-segment.ts";
import { segmentStreamsOf } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const start = dayStartNs(day);
const select = { tenant: "fake", range: { fromNs: start, toNs: start + nsPerDay } };
const text = Buffer.from("a section of some other room, long enough to be compressed ".repeat(9));

function readOptions(): ReadOptions & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message) => warnings.push(message),
    warnings,
  };
}

function build(sections: readonly ExtraSection[]): Promise<BuiltSegment> {
  const entries = [{ timeNs: start + 1n, line: "one line" }];
  const streams = segmentStreamsOf([{ labels: { app: "a" }, entries }]);
  const input = { tenant: "fake", day, streams, journal: [], replaces: [], sections };
  return buildSegment(input, { id: "0".repeat(26) + "aa" });
}

test("a section comes back, and its segment answers like all others", async () => {
  const built = await build([
    { kind: 200, bytes: text },
    { kind: 201, bytes: Buffer.of(7) },
  ]);
  const objects = new MemoryObjectStore(systemClock);
  await objects.put(built.key, built.parts);
  const store = new SegmentStore({ objects });
  const options = readOptions();
  assert.deepEqual(await store.sections(select, 200, options), [text]);
  assert.deepEqual(await store.sections(select, 201, options), [Buffer.of(7)]);
  assert.deepEqual(await store.sections(select, 202, options), []);
  const series = await store.series({ ...select, matchers: [] }, options);
  assert.deepEqual(
    series.map((labels) => labels.toRecord()),
    [{ app: "a" }],
  );
  assert.deepEqual(options.warnings, []);
});

test("a damaged section is left out with a warning", async () => {
  const built = await build([{ kind: 200, bytes: text }]);
  const bytes = Buffer.concat(built.parts);
  bytes[built.facts.bodyBytes - 1]! ^= 1;
  const objects = new MemoryObjectStore(systemClock);
  await objects.put(built.key, [bytes]);
  const options = readOptions();
  assert.deepEqual(await new SegmentStore({ objects }).sections(select, 200, options), []);
  assert.match(options.warnings[0]!, /section 200.*crc/);
  assert.match(inspectSegment("x", bytes).problems.join(), /section 200.*crc/);
});

test("inspecting finds the footer behind extra sections", async () => {
  const built = await build([{ kind: 200, bytes: text }]);
  const { lines, problems } = inspectSegment("x", Buffer.concat(built.parts));
  assert.deepEqual(problems, []);
  assert.ok(lines.some((line) => line.startsWith("section 200 at ")));
});

test("kinds that readers must know are not given along", async () => {
  await assert.rejects(build([{ kind: 127, bytes: text }]), /extra section of kind 127/);
  await assert.rejects(
    build([
      { kind: 128, bytes: text },
      { kind: 128, bytes: text },
    ]),
    /two sections of kind 128/,
  );
});

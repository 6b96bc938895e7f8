import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { type Asked, brief, runQuery } from "./run-query.ts";

const lines = ["u=b n=10", "u=a n=9", "u=b n=x", "u=c", "u=a n=9", "u=c n=100"];
const entries: PlainEntry[] = lines.map((line, i) => ({
  tenant: "t",
  labels: { app: i % 2 === 0 ? "a" : "b" },
  timeNs: BigInt(i),
  line,
}));

/** Lines in the order of the answer; the default direction is backward. */
async function linesOf(asked: Asked): Promise<string[]> {
  const { data } = await runQuery(MemoryLogStore.of(entries, { blockRowsMax: 2 }), asked);
  assert(data.kind === "streams");
  const all = data.streams.flatMap((stream) => stream.entries);
  return all.sort((a, b) => a.position - b.position).map(({ timeNs }) => String(timeNs));
}

const claims: readonly [stages: string, want: string, asked?: Partial<Asked>][] = [
  ["| limit 2", "5 4"],
  ["| limit 2", "0 1", { direction: "forward" }],
  ["| limit 9", "5 4", { limit: 2 }],
  ["| logfmt | distinct by u", "5 4 2"],
  ["| logfmt | distinct by u", "0 1 3", { direction: "forward" }],
  ["| logfmt | distinct by u, n", "5 4 3 2 0"],
  ["| logfmt | distinct by app | limit 1", "5"],
  ["| logfmt | sort by n", "4 1 0 5 2 3"],
  ["| logfmt | sort by n desc", "2 5 0 4 1 3"],
  ["| logfmt | sort by n desc | limit 2", "2 5"],
  ["| logfmt | sort by n | distinct by u", "4 0 5"],
  ["| logfmt | limit 3 | sort by n", "4 5 3"],
  ["| sort by timestamp", "0 1 2 3 4 5"],
  ["| sort by timestamp desc | limit 1", "5", { direction: "forward" }],
  ["| sort by nothing", "5 4 3 2 1 0"],
];
for (const [stages, want, asked] of claims) {
  test(`${stages} gives ${want}`, async () => {
    const got = await linesOf({ text: `{app=~"a|b"} ${stages}`, ...asked });
    assert.equal(got.join(" "), want);
  });
}

test("streams stand in sorted order", async () => {
  const text = '{app=~"a|b"} | logfmt | keep u | sort by u desc | limit 3';
  const { data } = await runQuery(MemoryLogStore.of(entries), { text });
  assert.deepEqual(brief(data), [
    ["u=c", "5 u=c n=100", "3 u=c"],
    ["u=b", "2 u=b n=x"],
  ]);
});

test("a limit ends the reading", async () => {
  const store = MemoryLogStore.of(entries, { blockRowsMax: 1 });
  await runQuery(store, { text: '{app=~"a|b"} | limit 1' });
  assert.ok(store.reads <= 2, `${store.reads} blocks read`);
});

test("interval and these stages exclude each other", async () => {
  const asked = { text: '{app="a"} | limit 1', intervalNs: 5n };
  await assert.rejects(runQuery(MemoryLogStore.of(entries), asked), {
    status: 400,
    message: "interval cannot be combined with '| limit 1'",
  });
});

const second = 1_000_000_000n;
const metrics: readonly [text: string, want: string[]][] = [
  ["sum(count_distinct_over_time(u, {app=~`a|b`} | logfmt [1m]))", [": 6"]],
  ["count_distinct_over_time(u, {app=~`a|b`} | logfmt [1m]) by ()", [": 3"]],
  [
    "count_distinct_over_time(n, {app=~`a|b`} | logfmt [1m]) by (u)",
    ["u=a: 1", "u=b: 2", "u=c: 1"],
  ],
  ["count_distinct_over_time(app, {app=~`a|b`} [1m])", [": 2"]],
  ["count_distinct_over_time(nothing, {app=~`a|b`} [1m])", []],
];
for (const [text, want] of metrics) {
  test(text, async () => {
    const asked = { text, kind: "instant", fromNs: second, toNs: second } as const;
    const { data } = await runQuery(MemoryLogStore.of(entries), asked);
    assert.deepEqual(brief(data), want);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedDisk } from "#world";
import { type Asked, type FakeLoki, fakeLoki, type Reply } from "./fake-loki.ts";
import { progressText } from "./progress-bar.ts";
import { cli } from "./test-io.ts";

/** Ten entries, three of them of one time. */
const times = [1, 2, 3, 4, 4, 4, 5, 6, 7, 8].map((n) => BigInt(n) * 1_000_000_000n);
const entries = times.map((timeNs, i) => ({ timeNs, line: `line ${i}, "quoted"` }));

function answer(some: readonly (typeof entries)[number][], nextCursor?: string): Reply {
  const values = some.map(({ timeNs, line }) => [
    String(timeNs),
    line,
    { structuredMetadata: { trace: "t1" }, parsed: { status: "200" } },
  ]);
  const result = values.length === 0 ? [] : [{ stream: { app: "a" }, values }];
  const data = {
    resultType: "streams",
    result,
    ...(nextCursor === undefined ? {} : { nextCursor }),
  };
  return { body: { status: "success", data } };
}

/** Pages by cursor, as Skald; the cursor is the place of the next entry. */
function skaldLike(asked: Asked): Reply {
  const { params } = asked;
  if (!params.has("cursor")) return lokiLike(asked);
  const from = Number(params.get("cursor") || 0);
  const to = from + Number(params.get("limit"));
  return answer(entries.slice(from, to), to < entries.length ? String(to) : undefined);
}

/** Knows nothing of cursors. */
function lokiLike({ params }: Asked): Reply {
  const [start, end] = [BigInt(params.get("start")!), BigInt(params.get("end")!)];
  const found = entries.filter(({ timeNs }) => timeNs >= start && timeNs < end);
  if (params.get("direction") === "backward") found.reverse();
  return answer(found.slice(0, Number(params.get("limit"))));
}

const range = ["--from=0", "--to=100"];
const base = (loki: FakeLoki): string[] => ["export", `--addr=${loki.url}`, ...range, '{app="a"}'];

for (const [name, server] of [
  ["Skald", skaldLike],
  ["Loki", lokiLike],
] as const) {
  for (const batch of [1, 2, 3, 4, 10, 100]) {
    test(`${name}: pages of ${batch} give every entry once`, async () => {
      await using loki = await fakeLoki(server);
      const run = await cli([...base(loki), `--batch=${batch}`, "--format=raw"]);
      assert.equal(run.out, entries.map(({ line }) => `${line}\n`).join(""), run.err);
    });
  }
}

const formats: readonly (readonly [args: readonly string[], first: string])[] = [
  [
    [],
    `{"timestamp":"1970-01-01T00:00:01Z","labels":{"app":"a"},"structuredMetadata":{"trace":"t1"},` +
      `"parsed":{"status":"200"},"line":"line 0, \\"quoted\\""}`,
  ],
  [["--format=text"], `1970-01-01T00:00:01Z {app="a", status="200", trace="t1"} line 0, "quoted"`],
  [["--format=csv"], "timestamp,line,labels"],
  [["--format=csv", "--columns=status,line,none"], "status,line,none"],
];

for (const [args, first] of formats) {
  test(`export ${args.join(" ")} prints its format`, async () => {
    await using loki = await fakeLoki(skaldLike);
    const run = await cli([...base(loki), ...args]);
    assert.equal(run.out.split("\n")[0], first);
    if (args.length > 1) assert.equal(run.out.split("\n")[1], '200,"line 0, ""quoted""",');
  });
}

for (const [name, server] of [
  ["Skald", skaldLike],
  ["Loki", lokiLike],
] as const) {
  test(`${name}: a file goes on after every interruption and is as if there was none`, async () => {
    const files = new SimulatedDisk();
    await files.makeFolder("/home");
    let allowed = 0;
    await using loki = await fakeLoki((asked, count) => {
      return count > allowed ? { status: 500, body: "ill" } : server(asked);
    });
    const args = [...base(loki), "--batch=4", "--format=csv", "-f", "out.csv"];
    let runs = 0;
    for (let code = 1; code !== 0; runs++) {
      assert.ok(runs < 20);
      // One page more than was asked for so far, then the server fails.
      allowed = loki.asked.length + 1;
      ({ code } = await cli(args, { files }));
    }
    assert.ok(runs > 1);
    const whole = await cli([...base(loki), "--format=csv"].concat("--batch=100"), { files });
    assert.equal(whole.code, 1, "the server fails by now");
    allowed = Number.POSITIVE_INFINITY;
    const printed = await cli([...base(loki), "--batch=100", "--format=csv"]);
    assert.equal((await files.read("/home/out.csv")).toString(), printed.out);
    const names = (await files.list("/home")).map(({ name }) => name);
    assert.deepEqual(names, ["out.csv"]);
  });
}

test("a file that is complete, or of another export, is not overwritten unasked", async () => {
  const files = new SimulatedDisk();
  await files.makeFolder("/home");
  let isIll = true;
  await using loki = await fakeLoki((asked) => {
    return isIll && asked.params.get("cursor") !== "" ? { status: 500 } : skaldLike(asked);
  });
  const args = [...base(loki), "--batch=4", "-f", "out"];
  assert.equal((await cli(args, { files })).code, 1);
  const other = await cli([...args, "--backward"], { files });
  assert.equal(other.code, 2);
  assert.match(other.err, /begun by another export: direction was "forward"/);
  isIll = false;
  assert.match((await cli(args, { files })).err, /going on behind 4 entries[^]*wrote 10 entries/);
  const again = await cli(args, { files });
  assert.equal(again.code, 2);
  assert.match(again.err, /is there already[^]*--overwrite/);
  assert.equal((await cli([...args, "--overwrite"], { files })).code, 0);
});

test("a metric query is no export", async () => {
  await using loki = await fakeLoki(() => ({
    body: { data: { resultType: "matrix", result: [] } },
  }));
  const run = await cli(base(loki));
  assert.equal(run.code, 1);
  assert.match(run.err, /only log queries can be exported/);
});

test("progress: a bar, a rate, and how long it may still take", () => {
  const text = progressText({ share: 0.5, entryCount: 12_000 }, 4000);
  assert.match(text, /^█{12}░{12} {2}50 % {2}12,000 entries {2}3,000\/s {2}about 4s left$/);
  assert.equal(progressText({ share: undefined, entryCount: 7 }, 1000), "7 entries  7/s");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "#config";
import { day, minute } from "#base";
import { rowsOf, testDistributor, testNowNs } from "./push-test-kit.ts";
import { formatBytes, formatGoTime } from "./validate-errors.ts";

const at = "1768003201000000000";
const stream = (labels: object, ...values: unknown[]): unknown => ({ stream: labels, values });

interface Claim {
  readonly name: string;
  readonly limits: Partial<Limits>;
  readonly streams: readonly unknown[];
  readonly status: number;
  readonly text: string;
  /** Lines that are accepted. */
  readonly lines?: readonly string[];
  readonly discarded?: readonly (readonly [string, number, number])[];
}

const a = '{app="a", service_name="a"}';
const administrator = "or contact your Loki administrator to";

const claims: readonly Claim[] = [
  {
    name: "a long line is refused, the others are kept",
    limits: { maxLineBytes: 10 },
    streams: [stream({ app: "a" }, [at, "x".repeat(10)], [at, "y".repeat(11)])],
    status: 400,
    text: `max entry size '10' bytes exceeded for stream '${a}' while adding an entry with length '11' bytes`,
    lines: ["x".repeat(10)],
    discarded: [["line_too_long", 1, 11]],
  },
  {
    name: "several errors are grouped by text",
    limits: { maxLineBytes: 3 },
    streams: [stream({ app: "a" }, [at, "xxxx"], [at, "yyyyy"], [at, "zzzz"])],
    status: 400,
    text:
      `2 errors like: max entry size '3' bytes exceeded for stream '${a}' while adding an entry with length '4' bytes; ` +
      `1 errors like: max entry size '3' bytes exceeded for stream '${a}' while adding an entry with length '5' bytes`,
    lines: [],
  },
  {
    name: "a long line is cut at a character and marked",
    limits: { maxLineBytes: 10, truncateLongLines: true, truncateIdentifier: "[cut]" },
    streams: [stream({ app: "a" }, [at, "0123456789ab"], [at, "ééééééé"], [at, "short"])],
    status: 204,
    text: "",
    lines: ["01234[cut]", Buffer.from("éé[cut]").toString("latin1"), "short"],
  },
  {
    name: "too many labels, service_name not counted",
    limits: { maxLabelNamesPerSeries: 1 },
    streams: [stream({ app: "a" }, [at, "x"]), stream({ app: "a", b: "1" }, [at, "y"])],
    status: 400,
    text: `entry for stream '{app="a", b="1", service_name="a"}' has 2 label names; limit 1`,
    lines: ["x"],
    discarded: [["max_label_names_per_series", 1, 1]],
  },
  {
    name: "a label name too long",
    limits: { maxLabelNameLength: 12 },
    streams: [stream({ app: "a", a_long_label_name: "x" }, [at, "x"])],
    status: 400,
    text: `stream '{a_long_label_name="x", app="a", service_name="a"}' has label name too long: 'a_long_label_name'`,
  },
  {
    name: "a label value too long",
    limits: { maxLabelValueLength: 2 },
    streams: [stream({ app: "aé", service_name: "s" }, [at, "x"])],
    status: 400,
    text: `stream '{app="aé", service_name="s"}' has label value too long: 'aé'`,
  },
  {
    name: "no labels at all",
    limits: { discoverServiceName: [] },
    streams: [stream({}, [at, "x"])],
    status: 400,
    text: "error at least one label pair is required per stream",
    discarded: [["missing_labels", 1, 1]],
  },
  {
    name: "labels a tenant insists on",
    limits: { enforcedLabels: ["env", "team"] },
    streams: [
      stream({ app: "a", env: "e", team: "t" }, [at, "x"]),
      stream({ app: "a" }, [at, "y"]),
    ],
    status: 400,
    text: `missing required labels env,team for user t for stream ${a}`,
    lines: ["x"],
  },
  {
    name: "metadata where it is switched off",
    limits: { allowStructuredMetadata: false },
    streams: [stream({ app: "a" }, [at, "x", { m: "1" }], [at, "y", {}])],
    status: 400,
    text:
      `stream '${a}' includes structured metadata, but this feature is disallowed. ` +
      `Please see \`limits_config.allow_structured_metadata\` ${administrator} enable it`,
    lines: ["y"],
  },
  {
    name: "metadata too large",
    limits: { maxStructuredMetadataBytes: 5 },
    streams: [stream({ app: "a" }, [at, "x", { m: "12345" }], [at, "y", { m: "1234" }])],
    status: 400,
    text:
      `stream '${a}' has structured metadata too large: '6' bytes, limit: '5' bytes. ` +
      `Please see \`limits_config.max_structured_metadata_size\` ${administrator} increase it`,
    lines: ["y"],
    discarded: [["structured_metadata_too_large", 1, 7]],
  },
  {
    name: "too many pairs of metadata",
    limits: { maxStructuredMetadataEntriesCount: 2 },
    streams: [
      stream({ app: "a" }, [at, "x", { a: "1", b: "2", c: "3" }], [at, "y", { a: "1", b: "2" }]),
    ],
    status: 400,
    text:
      `stream '${a}' has too many structured metadata labels: '3', limit: '2'. ` +
      `Please see \`limits_config.max_structured_metadata_entries_count\` ${administrator} increase it`,
    lines: ["y"],
  },
  {
    name: "ingestion that is blocked",
    limits: { blockIngestionUntilNs: 4_102_444_800_000_000_000n },
    streams: [stream({ app: "a" }, [at, "x"])],
    status: 260,
    text: "ingestion blocked for user 't' until '2100-01-01T00:00:00Z' with status code '260'",
    discarded: [["blocked_ingestion", 1, 1]],
  },
  {
    name: "ingestion that is blocked silently",
    limits: { blockIngestionUntilNs: testNowNs + 1n, blockIngestionStatusCode: 200 },
    streams: [stream({ app: "a" }, [at, "x"])],
    status: 204,
    text: "",
    lines: [],
  },
  {
    name: "ingestion that is no longer blocked",
    limits: { blockIngestionUntilNs: testNowNs },
    streams: [stream({ app: "a" }, [at, "x"])],
    status: 204,
    text: "",
    lines: ["x"],
  },
  {
    name: "a tenant over its rate",
    limits: { ingestionRateBytesPerSecond: 1.5, ingestionBurstBytes: 5 },
    streams: [stream({ app: "a" }, [at, "xxx"]), stream({ app: "b" }, [at, "yyy"])],
    status: 429,
    text:
      "ingestion rate limit exceeded for user t (limit: 1 bytes/sec) while attempting to ingest '2' lines totaling " +
      `'6' bytes, reduce log volume ${administrator} see if the limit can be increased`,
    discarded: [["rate_limited", 2, 6]],
  },
  {
    name: "a stream over its rate",
    limits: { perStreamRateBytesPerSecond: 100, perStreamBurstBytes: 5 },
    streams: [stream({ app: "a" }, [at, "xxxxxx"]), stream({ app: "b" }, [at, "yyy"])],
    status: 429,
    text:
      "entry with timestamp 2026-01-10 00:00:01 +0000 UTC ignored, reason: 'Per stream rate limit exceeded (limit: " +
      `100B/sec) while attempting to ingest for stream '${a}' totaling 6B, consider splitting a stream via ` +
      `additional labels ${administrator} see if the limit can be increased',\n` +
      `user 't', total ignored: 1 out of 1 for stream: ${a}`,
    lines: ["yyy"],
    discarded: [["per_stream_rate_limit", 1, 6]],
  },
];

for (const claim of claims) {
  test(claim.name, () => {
    const distributor = testDistributor(claim.limits);
    const { reply, accepted } = distributor.json({ streams: claim.streams });
    assert.deepEqual([reply.status, reply.text], [claim.status, claim.text]);
    const lines = rowsOf(accepted?.batch).map((row) => row.line);
    assert.deepEqual(lines, claim.lines ?? []);
    if (claim.discarded !== undefined) assert.deepEqual(distributor.discarded, claim.discarded);
  });
}

test("times are accepted up to the bounds and refused one nanosecond beyond", () => {
  const limits = {
    rejectOldSamples: true,
    rejectOldSamplesMaxAgeMs: 7 * day,
    creationGracePeriodMs: 10 * minute,
  };
  const oldest = testNowNs - 7n * 86_400n * 1_000_000_000n;
  const newest = testNowNs + 600n * 1_000_000_000n;
  const times = [oldest - 1n, oldest, newest, newest + 1n].map(String);
  const distributor = testDistributor(limits);
  const values = times.map((ns) => [ns, "x"]);
  const { reply, accepted } = distributor.json({ streams: [stream({ app: "a" }, ...values)] });
  const kept = rowsOf(accepted?.batch).map((row) => row.ns);
  assert.deepEqual(kept, times.slice(1, 3));
  assert.equal(
    reply.text,
    `1 errors like: entry for stream '${a}' has timestamp too old: 2026-01-03T00:09:59Z, ` +
      "oldest acceptable timestamp is: 2026-01-03T00:10:00Z; " +
      `1 errors like: entry for stream '${a}' has timestamp too new: 2026-01-10T00:20:00Z`,
  );
  const reasons = distributor.discarded.map(([reason]) => reason);
  assert.deepEqual(reasons, ["greater_than_max_sample_age", "too_far_in_future"]);
  const open = testDistributor({ rejectOldSamples: false }).json({
    streams: [stream({ app: "a" }, ["-9223372035000000000", "x"])],
  });
  assert.equal(open.reply.status, 204);
});

test("equal times of different lines are moved apart when asked for", () => {
  const values = ["a", "b", "c", "c"].map((line) => [at, line]);
  const limits = { incrementDuplicateTimestamp: true };
  const streams = [stream({ app: "a" }, ...values, ["1768003202000000000", "d"])];
  const { accepted } = testDistributor(limits).json({ streams });
  const times = rowsOf(accepted?.batch).map((row) => [row.ns.slice(-10), row.line]);
  assert.deepEqual(times, [
    ["1000000000", "a"],
    ["1000000001", "b"],
    ["1000000002", "c"],
    ["1000000000", "c"],
    ["2000000000", "d"],
  ]);
});

test("streams beyond the limit are refused, known ones are not", () => {
  const active = {
    count: () => 1,
    has: (_: string, labels: { get(name: string): unknown }) => labels.get("app") === "old",
  };
  const distributor = testDistributor({ maxStreamsPerUser: 2, maxGlobalStreamsPerUser: 5 }, active);
  const streams = ["new", "old", "newer", "new"].map((app) => stream({ app }, [at, app]));
  const { reply, accepted } = distributor.json({ streams });
  assert.equal(reply.status, 429);
  assert.match(
    reply.text,
    /^maximum active stream limit exceeded when trying to create stream \{app="newer"/,
  );
  assert.deepEqual(
    rowsOf(accepted?.batch).map((row) => row.line),
    ["new", "old", "new"],
  );
  assert.deepEqual(distributor.discarded, [["stream_limit", 1, 5]]);
});

test("an answer does not grow with the number of different errors", () => {
  const values = Array.from({ length: 500 }, (_, i) => [at, "x".repeat(i + 2)]);
  const distributor = testDistributor({ maxLineBytes: 1 });
  const { reply } = distributor.json({ streams: [stream({ app: "a" }, ...values)] });
  assert.match(reply.text, /; 400 more errors$/);
});

test("sizes and times are printed as Loki prints them", () => {
  assert.deepEqual([0, 100, 3000, 1024, 3 * 2 ** 20].map(formatBytes), [
    "0B",
    "100B",
    "3000B",
    "1KB",
    "3MB",
  ]);
  assert.equal(formatGoTime(1_768_003_201, 500_000), "2026-01-10 00:00:01.0005 +0000 UTC");
});

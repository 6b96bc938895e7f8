import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB } from "#base";
import {
  ConfigError,
  createLimits,
  loadConfig,
  type ReloadOutcome,
  type RuntimeLimits,
} from "#config";
import { ManualClock } from "#world";

const configYaml =
  "runtime_config: {file: /o.yaml, period: 5s}\nlimits_config: {max_query_series: 9}";

class Fixture {
  readonly files = new Map([["/l.yaml", configYaml]]);
  readonly logged: string[] = [];
  readonly outcomes: ReloadOutcome[] = [];
  readonly clock = new ManualClock({ nowMs: 0 });

  constructor(overrides: string) {
    this.files.set("/o.yaml", overrides);
  }

  readonly readFile = async (path: string): Promise<string> => {
    const text = this.files.get(path);
    if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    return text;
  };

  async open(): Promise<RuntimeLimits> {
    const { readFile } = this;
    const input = { argv: ["-config.file=/l.yaml"], env: {}, cwd: "/", readFile };
    const result = await loadConfig(input);
    assert.ok("loaded" in result);
    const say = (event: string, fields?: Readonly<Record<string, unknown>>): void => {
      this.logged.push(`${event} ${JSON.stringify(fields)}`);
    };
    return createLimits({
      loaded: result.loaded,
      clock: this.clock,
      readFile,
      log: { info: say, warn: say, error: say },
      onReload: (outcome) => this.outcomes.push(outcome),
    });
  }
}

test("a tenant's overrides go over limits_config, the others keep it", async () => {
  const fixture = new Fixture("overrides:\n  a:\n    max_line_size: 1KB\n  b:\n");
  const limits = await fixture.open();
  assert.equal(limits.for("a").maxLineBytes, KiB);
  assert.equal(limits.for("a").maxQuerySeries, 9);
  assert.equal(limits.for("other").maxLineBytes, 256 * KiB);
  assert.equal(limits.for("b").maxQuerySeries, 9);
  assert.equal(limits.inLokiKeys("a")["max_line_size"], "1KB");
  assert.equal(limits.yaml(), "overrides:\n  a:\n    max_line_size: 1KB\n  b: {}\n");
});

test("parts of otlp_config keep the other parts", async () => {
  const yaml = "overrides: {a: {otlp_config: {severity_text_as_label: true}}}";
  const limits = await new Fixture(yaml).open();
  const { otlp } = limits.for("a");
  assert.equal(otlp.severityTextAsLabel, true);
  assert.ok(otlp.defaultIndexLabels.includes("service.name"));
});

test("changed files change the limits, broken ones keep those of before", async () => {
  const fixture = new Fixture("overrides: {a: {max_line_size: 1KB}}");
  const limits = await fixture.open();
  assert.equal((await limits.reload()).result, "changed");
  assert.equal((await limits.reload()).result, "unchanged");
  fixture.files.set("/o.yaml", "overrides:\n  a:\n    max_line_size: 2KB\n    max_line: 3");
  assert.equal((await limits.reload()).result, "failed");
  assert.equal(limits.for("a").maxLineBytes, KiB);
  const last = fixture.logged.at(-1) ?? "";
  assert.match(last, /\/o\.yaml:4:5: overrides\.a\.max_line: no such key; did you mean/);
  fixture.files.delete("/o.yaml");
  assert.equal((await limits.reload()).result, "failed");
  fixture.files.set("/o.yaml", "overrides: {b: {max_line_size: 2KB}}");
  assert.equal((await limits.reload()).result, "changed");
  assert.deepEqual(limits.tenants(), ["b"]);
  assert.equal(limits.for("a").maxLineBytes, 256 * KiB);
});

test("what was warned of at the start is not said again, what is new is", async () => {
  const fixture = new Fixture("overrides: {a: {max_stats_cache_freshness: 3m}}");
  const limits = await fixture.open();
  await limits.reload();
  assert.ok(!fixture.logged.some((line) => line.includes("max_stats_cache_freshness")));
  fixture.files.set("/o.yaml", "overrides: {a: {max_metadata_cache_freshness: 3m}}");
  await limits.reload();
  const said = fixture.logged.filter((line) => line.includes("max_metadata_cache_freshness"));
  assert.equal(said.length, 1);
});

test("the same mistake is logged once", async () => {
  const fixture = new Fixture("overrides: {}");
  const limits = await fixture.open();
  fixture.files.set("/o.yaml", "overide: {}");
  const results = [await limits.reload(), await limits.reload()];
  assert.deepEqual(
    results.map(({ result }) => result),
    ["failed", "failed"],
  );
  assert.equal(fixture.logged.filter((line) => line.includes("overide")).length, 1);
});

test("it looks at the files every period until it is stopped", async () => {
  const fixture = new Fixture("overrides: {a: {max_query_series: 1}}");
  const limits = await fixture.open();
  const stopping = new AbortController();
  const watching = limits.watch(stopping.signal);
  fixture.files.set("/o.yaml", "overrides: {a: {max_query_series: 2}}");
  while (fixture.outcomes.length < 3) {
    await fixture.clock.advanceAndSettle(5000);
  }
  assert.equal(limits.for("a").maxQuerySeries, 2);
  stopping.abort();
  await watching;
});

const refused: readonly (readonly [yaml: string, want: RegExp])[] = [
  ["overrides: {a: {max_line_size: many}}", /^\/o\.yaml:1:32: overrides\.a\.max_line_size: exp/],
  ["limits: {}", /^\/o\.yaml:1:1: limits: no such key/],
  ["overrides: [a]", /^\/o\.yaml:1:12: overrides: expected a section of keys, found a list/],
  [
    "overrides: {a: {blocked_queries: [{pattern: '(', regex: true}]}}",
    /overrides\.a\.blocked_queries\[0\]\.pattern: expected a regular expression/,
  ],
];

for (const [yaml, want] of refused) {
  test(`at start, ${yaml} is refused`, async () => {
    await assert.rejects(new Fixture(yaml).open(), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.messages[0] ?? "", want);
      return true;
    });
  });
}

test("other sections of Loki's runtime configuration are ignored", async () => {
  const yaml = "multi_kv_config: {primary: consul}\nconfigs: {a: {log_push_request: true}}";
  const limits = await new Fixture(yaml).open();
  assert.deepEqual(limits.tenants(), []);
});

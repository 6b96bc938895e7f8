/**
 * Unit tests of rules, as promtool writes them for Prometheus
 * (prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules), with streams of lines
 * instead of series; lokitool's names of keys. docs/using/rules.md describes all keys.
 */
import { parseGoFloat } from "#gofmt";
import { parseLabels } from "#logql";
import { messageOf } from "#base";
import { Labels } from "#model";
import { parseMoment } from "./arguments.ts";
import type { FilePosition, YamlMap, YamlPath, YamlReader } from "./yaml-reader.ts";

/** An entry of a test; `afterNs` counts from the test's start. */
export interface TestEntry {
  readonly labels: Labels;
  readonly afterNs: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExpectedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ExpectedSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface ExpectedLog {
  readonly labels: Labels;
  readonly line: string;
  /** Since 1970; undefined: any time. */
  readonly timeNs: bigint | undefined;
}

/** One thing that is asked; `afterMs` counts from the test's start. */
export type Expectation = {
  readonly afterMs: number;
  readonly position: FilePosition;
} & (
  | {
      readonly kind: "alert";
      readonly alert: string;
      /** Undefined: of any group. */
      readonly group: string | undefined;
      readonly alerts: readonly ExpectedAlert[];
    }
  | {
      readonly kind: "record";
      readonly record: string;
      readonly samples: readonly ExpectedSample[];
    }
  | { readonly kind: "samples"; readonly expr: string; readonly samples: readonly ExpectedSample[] }
  | { readonly kind: "logs"; readonly expr: string; readonly logs: readonly ExpectedLog[] }
);

export interface RuleTest {
  readonly name: string;
  readonly startMs: number;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
  /** Add service_name and detected_level, as pushing to a server does. */
  readonly discoversLabels: boolean;
  /** By time. */
  readonly entries: readonly TestEntry[];
  readonly expectations: readonly Expectation[];
}

export interface RuleTestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  /** Values may differ by what rounding does to them. */
  readonly isFuzzy: boolean;
  readonly tests: readonly RuleTest[];
}

const fileKeys = [
  "rule_files",
  "evaluation_interval",
  "group_eval_order",
  "fuzzy_compare",
  "tests",
];
const testKeys = [
  "name",
  "interval",
  "start_timestamp",
  "external_labels",
  "external_url",
  "discover_labels",
  "input_streams",
  "alert_rule_test",
  "recording_rule_test",
  "logql_expr_test",
];
/** A test that needs more is one of load. */
const entriesMax = 1_000_000;
const intervalDefaultMs = 60_000;

/** Faults are in the reader; then what is returned is not to be used. */
export function readTestFile(reader: YamlReader): RuleTestFile {
  const file = reader.map(reader.root, [], fileKeys) ?? {};
  const texts = (key: string): string[] =>
    reader.list(file[key], [key]).flatMap((one, at) => reader.text(one, [key, at]) ?? []);
  const interval = reader.duration(file["evaluation_interval"], ["evaluation_interval"]);
  const evaluationIntervalMs = interval || intervalDefaultMs;
  const tests = reader.list(file["tests"], ["tests"]);
  if (tests.length === 0 && !reader.hasErrors) reader.complain([], "the file has no tests");
  return {
    ruleFiles: texts("rule_files"),
    evaluationIntervalMs,
    groupOrder: texts("group_eval_order"),
    isFuzzy: reader.flag(file["fuzzy_compare"], ["fuzzy_compare"]),
    tests: tests.map((one, at) =>
      new TestReader(reader, ["tests", at]).read(one, evaluationIntervalMs),
    ),
  };
}

class TestReader {
  readonly #reader: YamlReader;
  readonly #path: YamlPath;
  #intervalMs = intervalDefaultMs;
  #startMs = 0;

  constructor(reader: YamlReader, path: YamlPath) {
    this.#reader = reader;
    this.#path = path;
  }

  read(value: unknown, evaluationIntervalMs: number): RuleTest {
    const [reader, path] = [this.#reader, this.#path];
    const test = reader.map(value, path, testKeys) ?? {};
    const name = reader.text(test["name"], [...path, "name"]);
    const interval = reader.duration(test["interval"], [...path, "interval"]);
    this.#intervalMs = interval || evaluationIntervalMs;
    this.#startMs = this.#start(test);
    const entries = this.#items(test, "input_streams").flatMap(([one, at]) =>
      this.#stream(one, at),
    );
    if (entries.length > entriesMax) reader.complain(path, `more than ${entriesMax} lines`);
    return {
      name: name ?? `test ${Number(path.at(-1)) + 1}`,
      startMs: this.#startMs,
      externalLabels: reader.texts(test["external_labels"], [...path, "external_labels"]),
      externalUrl: reader.text(test["external_url"], [...path, "external_url"]) ?? "",
      discoversLabels: reader.flag(test["discover_labels"], [...path, "discover_labels"]),
      entries: entries.sort((a, b) => Number(a.afterNs - b.afterNs)),
      expectations: [
        ...this.#items(test, "alert_rule_test").map(([one, at]) => this.#alertTest(one, at)),
        ...this.#items(test, "recording_rule_test").map(([one, at]) => this.#recordTest(one, at)),
        ...this.#items(test, "logql_expr_test").map(([one, at]) => this.#exprTest(one, at)),
      ],
    };
  }

  #items(tree: YamlMap, key: string, path: YamlPath = this.#path): [unknown, YamlPath][] {
    const inner = [...path, key];
    return this.#reader.list(tree[key], inner).map((one, at) => [one, [...inner, at]]);
  }

  #start(test: YamlMap): number {
    const path = [...this.#path, "start_timestamp"];
    const text = this.#reader.text(test["start_timestamp"], path);
    if (text === undefined) return 0;
    const found = /^\d/.test(text) ? parseMoment(text, 0n) : undefined;
    if (found === undefined) this.#reader.complain(path, `${JSON.stringify(text)} is no time`);
    return Number((found ?? 0n) / 1_000_000n);
  }

  #stream(value: unknown, path: YamlPath): TestEntry[] {
    const reader = this.#reader;
    const stream = reader.map(value, path, ["labels", "lines"]) ?? {};
    const labels = this.#labels(stream, path);
    const entries: TestEntry[] = [];
    let nextMs = 0;
    for (const [one, linePath] of this.#items(stream, "lines", path)) {
      if (typeof one === "string") {
        entries.push({ labels, afterNs: BigInt(nextMs) * 1_000_000n, line: one, metadata: {} });
        nextMs += this.#intervalMs;
        continue;
      }
      const keys = ["at", "line", "times", "every", "metadata"];
      const tree = reader.map(one, linePath, keys) ?? {};
      const line = reader.text(tree["line"], [...linePath, "line"]);
      if (line === undefined) reader.complain(linePath, "a line is a text, or has line:");
      const metadata = reader.texts(tree["metadata"], [...linePath, "metadata"]);
      const everyMs = reader.duration(tree["every"], [...linePath, "every"]) ?? this.#intervalMs;
      const times = Math.min(reader.whole(tree["times"], [...linePath, "times"]) ?? 1, entriesMax);
      nextMs = reader.duration(tree["at"], [...linePath, "at"]) ?? nextMs;
      for (let i = 0; i < times; i++, nextMs += everyMs) {
        const afterNs = BigInt(nextMs) * 1_000_000n;
        entries.push({ labels, afterNs, line: line ?? "", metadata });
      }
    }
    return entries;
  }

  #labels(tree: YamlMap, path: YamlPath): Labels {
    const at = [...path, "labels"];
    // A name before the braces is that of a recorded series.
    const text = this.#reader.text(tree["labels"], at)?.trim() ?? "{}";
    const name = /^[A-Za-z_:][A-Za-z0-9_:]*/.exec(text)?.[0] ?? "";
    const rest = text.slice(name.length).trim() || "{}";
    try {
      const labels = parseLabels(rest);
      return name === "" ? labels : Labels.of([...labels.pairs, ["__name__", name]]);
    } catch (error) {
      this.#reader.complain(at, messageOf(error));
      return Labels.empty;
    }
  }

  #moment(tree: YamlMap, path: YamlPath): { afterMs: number; position: FilePosition } {
    const afterMs = this.#reader.duration(tree["eval_time"], [...path, "eval_time"]);
    return { afterMs: afterMs ?? 0, position: this.#reader.position(path) };
  }

  #named(tree: YamlMap, key: string, path: YamlPath): string {
    const text = this.#reader.text(tree[key], [...path, key]) ?? "";
    if (text === "") this.#reader.complain(path, `${key} is missing`);
    return text;
  }

  #alertTest(value: unknown, path: YamlPath): Expectation {
    const keys = ["eval_time", "groupname", "alertname", "exp_alerts"];
    const tree = this.#reader.map(value, path, keys) ?? {};
    const alert = this.#named(tree, "alertname", path);
    const alerts = this.#items(tree, "exp_alerts", path).map(([one, at]) => {
      const expected = this.#reader.map(one, at, ["exp_labels", "exp_annotations"]) ?? {};
      const labels = this.#reader.texts(expected["exp_labels"], [...at, "exp_labels"]);
      const notes = this.#reader.texts(expected["exp_annotations"], [...at, "exp_annotations"]);
      return {
        labels: Labels.from({ ...labels, alertname: alert }),
        annotations: Labels.from(notes),
      };
    });
    const group = this.#reader.text(tree["groupname"], [...path, "groupname"]);
    return { kind: "alert", ...this.#moment(tree, path), alert, group, alerts };
  }

  #recordTest(value: unknown, path: YamlPath): Expectation {
    const tree = this.#reader.map(value, path, ["eval_time", "record", "exp_samples"]) ?? {};
    const record = this.#named(tree, "record", path);
    const samples = this.#samples(tree, path).map(({ labels, value: expected }) => ({
      labels: Labels.of([...labels.pairs, ["__name__", record]]),
      value: expected,
    }));
    return { kind: "record", ...this.#moment(tree, path), record, samples };
  }

  #exprTest(value: unknown, path: YamlPath): Expectation {
    const keys = ["eval_time", "expr", "exp_samples", "exp_logs"];
    const tree = this.#reader.map(value, path, keys) ?? {};
    const asked = { expr: this.#named(tree, "expr", path), ...this.#moment(tree, path) };
    if (tree["exp_logs"] === undefined) {
      return { kind: "samples", ...asked, samples: this.#samples(tree, path) };
    }
    if (tree["exp_samples"] !== undefined) {
      this.#reader.complain(path, "an expression gives exp_samples or exp_logs, not both");
    }
    return { kind: "logs", ...asked, logs: this.#logs(tree, path) };
  }

  #samples(tree: YamlMap, path: YamlPath): ExpectedSample[] {
    return this.#items(tree, "exp_samples", path).map(([one, at]) => {
      const sample = this.#reader.map(one, at, ["labels", "value"]) ?? {};
      return { labels: this.#labels(sample, at), value: this.#number(sample, at) };
    });
  }

  #number(tree: YamlMap, path: YamlPath): number {
    const at = [...path, "value"];
    const text = this.#reader.text(tree["value"], at);
    if (text === undefined) return 0;
    try {
      return parseGoFloat(text);
    } catch {
      this.#reader.complain(at, `value: ${JSON.stringify(text)} is no number`);
      return Number.NaN;
    }
  }

  #logs(tree: YamlMap, path: YamlPath): ExpectedLog[] {
    return this.#items(tree, "exp_logs", path).map(([one, at]) => {
      const log = this.#reader.map(one, at, ["labels", "line", "timestamp"]) ?? {};
      const line = this.#reader.text(log["line"], [...at, "line"]) ?? "";
      return { labels: this.#labels(log, at), line, timeNs: this.#logTime(log, at) };
    });
  }

  /** Nanoseconds since 1970, or a duration since the start. */
  #logTime(tree: YamlMap, path: YamlPath): bigint | undefined {
    const at = [...path, "timestamp"];
    const text = this.#reader.text(tree["timestamp"], at);
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return BigInt(text);
    const afterMs = this.#reader.duration(text, at) ?? 0;
    return BigInt(this.#startMs + afterMs) * 1_000_000n;
  }
}

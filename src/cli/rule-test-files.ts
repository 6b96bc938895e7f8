/** Runs test files of rules and prints what differs from what was expected. */
import { basename, dirname, join, matchesGlob, resolve } from "node:path";
import { diffLines } from "diff";
import { messageOf, RequestError } from "#base";
import { formatSampleValue } from "#gofmt";
import { parseQuery } from "#logql";
import { Labels } from "#model";
import { type PlacedGroup, printRuleDuration } from "#ruler";
import type { QueryData } from "#query";
import { exitFailed, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { CommandContext } from "./command-context.ts";
import { type Paint, paintFor } from "./paint.ts";
import { findRuleFiles, loadRules, readTextFile } from "./rule-files.ts";
import { RuleTestEngine } from "./rule-test-engine.ts";
import {
  type Expectation,
  type ExpectedSample,
  readTestFile,
  type RuleTest,
  type RuleTestFile,
} from "./rule-test-format.ts";
import { showFaults } from "./show-faults.ts";
import { type FilePosition, YamlReader } from "./yaml-reader.ts";

/** A longer test is one of patience: a year of evaluations every minute. */
const evaluationsMax = 600_000;
/** What rounding leaves of a value that is the same. */
const fuzzyPart = 1e-12;

interface Failure {
  readonly position: FilePosition | undefined;
  readonly title: string;
  /** Undefined when something went wrong instead of giving another answer. */
  readonly answers: { readonly expected: string; readonly got: string } | undefined;
}

export async function runTestFiles(
  context: CommandContext,
  files: readonly string[],
  { run }: { readonly run: string | undefined },
): Promise<void> {
  const { io } = context;
  const paint = paintFor(io.stdout, io);
  const pattern = patternOf(run);
  const total = { tests: 0, failed: 0 };
  for (const file of files) {
    const loaded = await load(context, file);
    if (loaded === undefined) {
      await io.stdout.line(`${paint("red", "FAIL")} ${file}`);
      total.tests++;
      total.failed++;
      continue;
    }
    for (const test of loaded.tests.tests) {
      if (!pattern.test(test.name)) continue;
      total.tests++;
      const failures = await runTest(test, loaded, io);
      const verdict = failures.length === 0 ? paint("green", "ok  ") : paint("red", "FAIL");
      await io.stdout.line(`${verdict} ${file}: ${test.name}`);
      if (failures.length > 0) total.failed++;
      for (const failure of failures) await io.stdout.write(textOf(failure, file, paint));
    }
  }
  const { tests, failed } = total;
  if (tests === 0) throw usageError(`no test has a name that matches ${run}`);
  await io.stdout.line(
    failed === 0 ? `All ${tests} tests passed.` : `${failed} of ${tests} tests failed.`,
  );
  if (failed > 0) context.exitCode = exitFailed;
}

function patternOf(run: string | undefined): RegExp {
  try {
    return new RegExp(run ?? "");
  } catch (error) {
    throw usageError(`--run: ${messageOf(error)}`);
  }
}

interface LoadedTests {
  readonly tests: RuleTestFile;
  readonly groups: readonly PlacedGroup[];
}

/** Undefined after saying what is wrong with the test file or the rules it names. */
async function load(context: CommandContext, file: string): Promise<LoadedTests | undefined> {
  const { io } = context;
  const reader = new YamlReader({ file, text: await readTextFile(file, io) });
  const tests = readTestFile(reader);
  const { errors } = await showFaults(io, reader.faults);
  if (errors > 0) return undefined;
  const paths: string[] = [];
  for (const pattern of tests.ruleFiles) paths.push(...(await matching(pattern, file, io)));
  const found = paths.length === 0 ? [] : await findRuleFiles(paths, {}, io);
  const { groups, faults } = await loadRules(found, io);
  const wrong = await showFaults(
    io,
    faults.filter(({ level }) => level === "error"),
  );
  if (wrong.errors > 0) return undefined;
  const order = tests.groupOrder;
  const rank = ({ group }: PlacedGroup): number => {
    const at = order.indexOf(group.name);
    return at < 0 ? order.length : at;
  };
  return { tests, groups: groups.toSorted((a, b) => rank(a) - rank(b)) };
}

/** Paths are relative to the test file; the last part may have `*` and `?`. */
async function matching(pattern: string, file: string, io: CliIo): Promise<string[]> {
  const path = resolve(io.folder, dirname(file), pattern);
  if (!/[*?[]/.test(basename(path))) return [path];
  const folder = dirname(path);
  let names: string[];
  try {
    names = (await io.files.list(folder)).map(({ name }) => name);
  } catch (error) {
    throw usageError(`${file}: rule_files ${pattern}: ${messageOf(error)}`);
  }
  const found = names.filter((name) => matchesGlob(name, basename(path)));
  if (found.length === 0) throw usageError(`${file}: rule_files: nothing matches ${pattern}`);
  return found.map((name) => join(folder, name));
}

async function runTest(
  test: RuleTest,
  { tests, groups }: LoadedTests,
  io: CliIo,
): Promise<Failure[]> {
  const { evaluationIntervalMs: intervalMs, isFuzzy } = tests;
  const lastMs = Math.max(0, ...test.expectations.map(({ afterMs }) => afterMs));
  const evaluations = groups.map(({ group }) => lastMs / (group.intervalMs || intervalMs));
  const sum = evaluations.reduce((a, b) => a + b, 0);
  if (sum > evaluationsMax) return [complaint(`more than ${evaluationsMax} evaluations`)];
  const engine = new RuleTestEngine({ test, groups, intervalMs, signal: io.interrupted });
  const failures: Failure[] = [];
  for (const expected of test.expectations.toSorted((a, b) => a.afterMs - b.afterMs)) {
    await engine.advanceTo(expected.afterMs);
    const failure = await compare(expected, { engine, groups, isFuzzy });
    if (failure !== undefined) failures.push(failure);
  }
  return [...[...engine.complaints].map(complaint), ...failures];
}

function complaint(title: string): Failure {
  return { position: undefined, title, answers: undefined };
}

interface Compared {
  readonly engine: RuleTestEngine;
  readonly groups: readonly PlacedGroup[];
  readonly isFuzzy: boolean;
}

async function compare(
  expected: Expectation,
  { engine, groups, isFuzzy }: Compared,
): Promise<Failure | undefined> {
  const { position } = expected;
  const title = titleOf(expected);
  try {
    const unknown = unknownName(expected, groups);
    if (unknown !== undefined)
      return { position, title: `${title}: ${unknown}`, answers: undefined };
    const answers = await answersOf(expected, engine, isFuzzy);
    return answers.expected === answers.got ? undefined : { position, title, answers };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { position, title: `${title}: ${messageOf(error)}`, answers: undefined };
  }
}

function titleOf(expected: Expectation): string {
  const at = `at ${printRuleDuration(expected.afterMs)}`;
  switch (expected.kind) {
    case "alert":
      return `alert ${expected.alert} ${at}`;
    case "record":
      return `record ${expected.record} ${at}`;
    case "samples":
    case "logs":
      return `${expected.expr} ${at}`;
    default:
      return expected satisfies never;
  }
}

/** A test of a rule that is not there would pass for ever. */
function unknownName(expected: Expectation, groups: readonly PlacedGroup[]): string | undefined {
  if (expected.kind !== "alert" && expected.kind !== "record") return undefined;
  const isHere = groups.some(({ group }) => {
    if (expected.kind === "record")
      return group.rules.some((one) => one.record === expected.record);
    if (expected.group !== undefined && expected.group !== group.name) return false;
    return group.rules.some((one) => one.alert === expected.alert);
  });
  return isHere ? undefined : "no rule of the rule_files has this name";
}

async function answersOf(
  expected: Expectation,
  engine: RuleTestEngine,
  isFuzzy: boolean,
): Promise<{ expected: string; got: string }> {
  switch (expected.kind) {
    case "alert": {
      const got = engine.firing(expected.alert, expected.group);
      return { expected: listed(expected.alerts.map(alertText)), got: listed(got.map(alertText)) };
    }
    case "record":
      return sampleTexts(expected.samples, engine.recorded(expected.record), isFuzzy);
    case "samples": {
      if (parseQuery(expected.expr).kind === "log") {
        throw new RequestError(400, "the expression gives lines; expect them with exp_logs");
      }
      const { data } = await engine.ask(expected.expr, "samples");
      return sampleTexts(expected.samples, samplesOf(data), isFuzzy);
    }
    case "logs": {
      const { data } = await engine.ask(expected.expr, "logs");
      return logTexts(expected, data);
    }
    default:
      return expected satisfies never;
  }
}

function listed(texts: readonly string[]): string {
  return texts.length === 0
    ? "nothing\n"
    : texts
        .toSorted()
        .map((text) => `${text}\n`)
        .join("");
}

function alertText({ labels, annotations }: { labels: Labels; annotations: Labels }): string {
  const notes = annotations.pairs.map(([name, text]) => `    ${name}: ${JSON.stringify(text)}`);
  return [labels.toString(), ...notes].join("\n");
}

function samplesOf(data: QueryData): ExpectedSample[] {
  if (data.kind === "scalar") return [{ labels: Labels.empty, value: data.value }];
  if (data.kind === "vector") {
    return data.samples.map(({ labels, value }) => ({ labels: Labels.of(labels), value }));
  }
  throw new RequestError(400, `the expression gives a ${data.kind}`);
}

function sampleTexts(
  expected: readonly ExpectedSample[],
  got: readonly ExpectedSample[],
  isFuzzy: boolean,
): { expected: string; got: string } {
  const wanted = new Map(expected.map(({ labels, value }) => [labels.key, value]));
  const rounded = got.map(({ labels, value }) => {
    const near = wanted.get(labels.key);
    const isSame = isFuzzy && near !== undefined && isNear(near, value);
    return { labels, value: isSame ? near : value };
  });
  return { expected: listed(expected.map(sampleText)), got: listed(rounded.map(sampleText)) };
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= fuzzyPart * Math.max(Math.abs(a), Math.abs(b));
}

function sampleText({ labels, value }: ExpectedSample): string {
  return `${labels.toString()} ${formatSampleValue(value)}`;
}

function logTexts(
  { logs }: Extract<Expectation, { kind: "logs" }>,
  data: QueryData,
): { expected: string; got: string } {
  if (data.kind !== "streams") {
    throw new RequestError(400, "the expression gives samples; expect them with exp_samples");
  }
  const areTimed = logs.some(({ timeNs }) => timeNs !== undefined);
  const text = (labels: Labels, line: string, timeNs: bigint | undefined): string =>
    `${areTimed ? `${timeNs ?? "any time"} ` : ""}${labels.toString()} ${JSON.stringify(line)}`;
  const got = data.streams.flatMap(({ labels, entries }) =>
    entries.map(({ line, timeNs }) => text(Labels.of(labels), line, timeNs)),
  );
  return {
    expected: listed(logs.map(({ labels, line, timeNs }) => text(labels, line, timeNs))),
    got: listed(got),
  };
}

function textOf({ position, title, answers }: Failure, file: string, paint: Paint): string {
  const place = position === undefined ? file : `${file}:${position.line}`;
  let text = `  ${paint("bold", place)}: ${title}\n`;
  if (answers === undefined) return text;
  text += `    ${paint("red", "- expected")}  ${paint("green", "+ got")}\n`;
  for (const part of diffLines(answers.expected, answers.got)) {
    const mark = part.added ? "+ " : part.removed ? "- " : "  ";
    for (const line of part.value.replace(/\n$/, "").split("\n")) {
      const shown = `${mark}${line}`;
      const colour = part.added ? "green" : "red";
      text += `    ${part.added || part.removed ? paint(colour, shown) : shown}\n`;
    }
  }
  return text;
}

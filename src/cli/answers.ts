/** Answers of the server as typed values. What does not have Loki's shape is a CliError. */
import type { LabelPair } from "#model";
import { Labels } from "#model";
import { CliError } from "./cli-error.ts";

export interface LogEntry {
  readonly labels: Labels;
  readonly timeNs: bigint;
  readonly line: string;
}

/** What `query` and `query_range` answer. */
export type QueryAnswer =
  | { readonly kind: "streams"; readonly entries: readonly LogEntry[]; readonly about: About }
  | { readonly kind: "samples"; readonly result: unknown; readonly about: About };

/** What comes beside the result. */
export interface About {
  readonly warnings: readonly string[];
  readonly stats: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw unexpected(what, "an object", value);
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  // Loki writes some empty lists as null.
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw unexpected(what, "a list", value);
}

export function textOf(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw unexpected(what, "a string", value);
}

function unexpected(what: string, expected: string, value: unknown): CliError {
  const actual = (JSON.stringify(value) ?? "nothing").slice(0, 80);
  return new CliError(`the server's answer is not Loki's: ${what} is ${actual}, not ${expected}`);
}

export function labelsOf(value: unknown, what: string): Labels {
  const pairs = Object.entries(objectOf(value, what)).map(
    ([name, text]): LabelPair => [name, textOf(text, `${what}.${name}`)],
  );
  return Labels.of(pairs);
}

export function readQueryAnswer(json: unknown): QueryAnswer {
  const answer = objectOf(json, "the answer");
  const data = objectOf(answer["data"], "data");
  const warnings = listOf(answer["warnings"], "warnings").map(String);
  const about = { warnings, stats: data["stats"] };
  if (data["resultType"] !== "streams") return { kind: "samples", result: data["result"], about };
  return { kind: "streams", entries: readStreams(data["result"]), about };
}

/** All entries, stream by stream. */
export function readStreams(streams: unknown): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const one of listOf(streams, "result")) {
    const stream = objectOf(one, "a stream");
    const labels = labelsOf(stream["stream"], "stream");
    for (const value of listOf(stream["values"], "values")) {
      const [time, line] = listOf(value, "an entry");
      entries.push({ labels, timeNs: timeNsOf(time), line: textOf(line, "a line") });
    }
  }
  return entries;
}

/** Decimal nanoseconds, as a string. */
export function timeNsOf(value: unknown): bigint {
  const text = textOf(value, "a timestamp");
  if (!/^-?\d+$/.test(text)) throw unexpected("a timestamp", "nanoseconds", value);
  return BigInt(text);
}

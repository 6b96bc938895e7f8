/** A line as `skald query -o jsonl` prints it → labels, time and line. */
import { GoParseError, parseRfc3339Nano } from "#gofmt";
import { type LabelPair, Labels } from "#model";
import { labelsOf, objectOf, textOf } from "./answers.ts";
import { CliError } from "./cli-error.ts";

export interface JsonlEntry {
  readonly labels: Labels;
  readonly metadata: readonly LabelPair[];
  readonly line: Buffer;
  /** Undefined when the line has none. */
  readonly timeNs: bigint | undefined;
}

export interface JsonlOptions {
  /** Names among `labels` that are structured metadata of the entry, not labels of its stream. */
  readonly metadataNames: ReadonlySet<string>;
  /** For entries without labels. */
  readonly labels: Labels;
  /** Added to the labels of an entry that has some; they win over its own. */
  readonly added: Labels;
}

/** Throws CliError that says what is wrong, without saying where. */
export function readJsonl(text: string, options: JsonlOptions): JsonlEntry {
  const entry = parse(text);
  const all =
    entry["labels"] === undefined
      ? options.labels
      : withAdded(labelsOf(entry["labels"], "labels"), options.added);
  const isMetadata = ([name]: LabelPair): boolean => options.metadataNames.has(name);
  const labels = Labels.ofSorted(all.pairs.filter((pair) => !isMetadata(pair)));
  const more = entry["structuredMetadata"];
  const metadata = [
    ...all.pairs.filter(isMetadata),
    ...(more === undefined ? [] : labelsOf(more, "structuredMetadata").pairs),
  ];
  const line = Buffer.from(textOf(entry["line"], "line"));
  return { labels, metadata, line, timeNs: timeOf(entry["timestamp"]) };
}

function withAdded(labels: Labels, added: Labels): Labels {
  if (added.size === 0) return labels;
  return Labels.of([...labels.pairs.filter(([name]) => !added.has(name)), ...added.pairs]);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text), "the line");
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("it is not JSON");
  }
}

/** RFC 3339, or nanoseconds since 1970 as a string. A JSON number could not hold them. */
function timeOf(value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  const text = textOf(value, "timestamp");
  if (/^-?\d+$/.test(text)) return BigInt(text);
  try {
    return parseRfc3339Nano(text);
  } catch (error) {
    if (error instanceof GoParseError) throw new CliError(`timestamp: ${error.message}`);
    throw error;
  }
}

import type { AnswerEntry } from "#query";
import { labelsJson } from "./json-text.ts";

/** One entry as an object of its own; categories are always there, `timestamp` is decimal ns. */
export function entryJson({ timeNs, line, stream }: AnswerEntry): string {
  const { streamLabels, structuredMetadata, parsed } = stream;
  return (
    `{"timestamp":"${timeNs}","stream":${labelsJson(streamLabels)},` +
    `"structuredMetadata":${labelsJson(structuredMetadata)},"parsed":${labelsJson(parsed)},` +
    `"line":${JSON.stringify(line)}}`
  );
}

// The question for what lies around an entry.
import { askJson } from "./client.ts";
import type { Labels } from "./types.ts";

/** As exports and contexts give entries. */
export interface WholeEntry {
  readonly timestamp: string;
  readonly stream: Labels;
  readonly structuredMetadata: Labels;
  readonly parsed: Labels;
  readonly line: string;
}

export interface ContextQuestion {
  /** What counts as a neighbour. */
  readonly query: string;
  readonly scope: "stream" | "query";
  readonly timeNs: string;
  /** The labels of the entry meant, as a selector. */
  readonly stream: string;
  /** Its line, where it is known; tells entries of one time apart. */
  readonly line: string | undefined;
  readonly before: number;
  readonly after: number;
  readonly signal: AbortSignal;
}

export interface Context {
  /** Both in order of time. */
  readonly before: readonly WholeEntry[];
  readonly entry: WholeEntry;
  readonly after: readonly WholeEntry[];
}

export async function askContext(question: ContextQuestion): Promise<Context> {
  const { query, scope, timeNs, stream, line, before, after, signal } = question;
  const answer = await askJson<{ data: Context }>("skald/api/v1/context", {
    query: { query, scope, time: timeNs, stream, line, before, after },
    signal,
  });
  return answer.data;
}

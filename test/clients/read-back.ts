import assert from "node:assert/strict";

/** One entry as a query gives it, metadata apart from labels. */
export interface ReadEntry {
  readonly labels: Readonly<Record<string, string>>;
  readonly timeNs: string;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly stream: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [
        string,
        string,
        { structuredMetadata?: Record<string, string> },
      ])[];
    }[];
  };
}

const entriesMax = "5000";
/** Longer ranges are refused by default. */
const rangeSeconds = 24 * 3600;
const arrivesWithinMs = 15_000;

/** Everything of the last day that the query selects, oldest first. */
export async function readEntries(
  url: string,
  query: string,
  tenant?: string,
): Promise<ReadEntry[]> {
  const end = Math.floor(Date.now() / 1000) + 60;
  const parameters = new URLSearchParams({
    query,
    start: String(end - rangeSeconds),
    end: String(end),
    limit: entriesMax,
    direction: "forward",
  });
  const answer = await fetch(`${url}/loki/api/v1/query_range?${parameters.toString()}`, {
    headers: {
      "X-Loki-Response-Encoding-Flags": "categorize-labels",
      ...(tenant === undefined ? {} : { "X-Scope-OrgID": tenant }),
    },
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const { data } = JSON.parse(text) as Answer;
  const entries = data.result.flatMap(({ stream, values }) =>
    values.map(([timeNs, line, { structuredMetadata = {} }]) => {
      return { labels: stream, timeNs, line, metadata: structuredMetadata };
    }),
  );
  return entries.sort((a, b) => Number(BigInt(a.timeNs) - BigInt(b.timeNs)));
}

/** Asks until so many entries are there. */
export async function awaitEntries(
  url: string,
  query: string,
  count: number,
): Promise<ReadEntry[]> {
  const deadline = performance.now() + arrivesWithinMs;
  for (;;) {
    const entries = await readEntries(url, query);
    if (entries.length >= count) return entries;
    const found = `${entries.length} of ${count} entries of ${query}`;
    assert.ok(performance.now() < deadline, `${found} after ${arrivesWithinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

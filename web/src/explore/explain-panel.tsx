import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { isAbort, reasonOf } from "../api/client.ts";
import { askExplanation } from "../api/questions.ts";
import type { ExplainedRead, Explanation } from "../api/types.ts";
import { formatBytes, formatCount } from "../state/format.ts";
import { niceStep } from "../state/time-range.ts";
import { isLogQuery } from "../logql/query-text.ts";
import "./explain-panel.css";
import { run } from "./session.ts";

/** Points of a metric query that is explained; as many as a chart of usual width has. */
const pointsMax = 300;

/** What the query would read, and why: asked from the server, which reads no log data for it. */
export function ExplainPanel(): JSX.Element {
  const explanation = useSignal<Explanation | undefined>(undefined);
  const failure = useSignal("");
  const asked = run.value;
  useEffect(() => {
    if (asked === undefined) return undefined;
    const gone = new AbortController();
    const { query, range, limit } = asked;
    const step = isLogQuery(query) ? { limit } : { stepSeconds: niceStep(range, pointsMax) };
    askExplanation({ query, range, ...step, signal: gone.signal }).then(
      ({ data }) => {
        explanation.value = data;
        failure.value = "";
      },
      (error: unknown) => {
        if (!isAbort(error)) failure.value = reasonOf(error);
      },
    );
    return () => gone.abort();
  }, [asked]);
  return (
    <section class="explain panel" aria-label="Explain">
      <h2>What this query reads</h2>
      {asked === undefined && <p class="soft">Run a query first.</p>}
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      {explanation.value !== undefined && <Explained explanation={explanation.value} />}
    </section>
  );
}

function Explained({ explanation }: { readonly explanation: Explanation }): JSX.Element {
  const { query, plan, reads, answerStages, warnings } = explanation;
  return (
    <>
      <p>
        Understood as <code>{query}</code>
      </p>
      {warnings.map((warning) => (
        <p class="note warning" key={warning}>
          {warning}
        </p>
      ))}
      {reads.map((read, index) => (
        <ReadFacts key={index} read={read} number={index} />
      ))}
      {answerStages.length > 0 && (
        <p>
          On the whole answer: <code>{answerStages.join(" ")}</code>
        </p>
      )}
      {plan !== undefined && (
        <details>
          <summary>Plan</summary>
          <pre>{JSON.stringify(plan, null, 2)}</pre>
        </details>
      )}
    </>
  );
}

function ReadFacts({ read, number }: { readonly read: ExplainedRead; readonly number: number }) {
  const { blocks, bytesByColumn, stages } = read;
  const facts: readonly (readonly [string, string])[] = [
    ["Segments considered", formatCount(read.segmentsConsidered)],
    ["Streams", formatCount(read.streams)],
    ["Blocks read", formatCount(blocks.read)],
    ["Blocks skipped by filters", formatCount(blocks.skipped)],
    ["Blocks answered by facts", formatCount(blocks.answeredByFacts)],
    ["Entries at most", formatCount(read.entries)],
    ["Bytes of lines", formatBytes(bytesByColumn.lines)],
    ["Bytes of times", formatBytes(bytesByColumn.timestamps)],
    ["Read from", read.sources.join(", ")],
  ];
  return (
    <div class="explain-read">
      <h3>
        Read {number + 1}: <code>{read.selector}</code>
      </h3>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value === "" ? "nothing" : value}</dd>
          </div>
        ))}
      </dl>
      {stages.length > 0 && (
        <ol>
          {stages.map(({ stage, runs }, index) => (
            <li key={index}>
              <code>{stage}</code> <span class="soft">{stageText(runs)}</span>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function stageText(runs: string): string {
  if (runs === "block") return "on whole blocks";
  if (runs === "row") return "line by line";
  return runs;
}

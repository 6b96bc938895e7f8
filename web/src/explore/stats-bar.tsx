import type { JSX } from "preact";
import { formatBytes, formatCount, formatSeconds } from "../state/format.ts";
import { answeredAfterMs, result, stats } from "./session.ts";
import "./stats-bar.css";

/** What the query cost, in one line: time, bytes, blocks read and skipped. */
export function StatsBar(): JSX.Element | null {
  const found = stats.value;
  if (found === undefined || result.value === undefined) return null;
  const { summary, skald } = found;
  const facts: (readonly [name: string, value: string, title: string])[] = [
    ["Time", formatSeconds(summary.execTime), "In the server"],
    ["Answer", formatSeconds(answeredAfterMs.value / 1000), "From asking to having the answer"],
    ["Searched", formatBytes(summary.totalBytesProcessed), "Bytes of lines that were looked at"],
    ["Lines", formatCount(summary.totalLinesProcessed), "Lines that were looked at"],
  ];
  if (summary.bytesProcessedPerSecond > 0) {
    facts.push([
      "Speed",
      `${formatBytes(summary.bytesProcessedPerSecond)}/s`,
      "Bytes searched a second",
    ]);
  }
  if (skald !== undefined) {
    facts.push(
      ["Blocks read", formatCount(skald.blocksRead), "Blocks whose content was read"],
      ["Blocks skipped", formatCount(skald.blocksSkipped), "Blocks that filters ruled out unread"],
      ["Fetched", formatBytes(skald.fetchedBytes), `By ${skald.getRequests} requests to the store`],
    );
  }
  return (
    <dl class="stats-bar" aria-label="Query statistics">
      {facts.map(([name, value, title]) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

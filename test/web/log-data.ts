// Log data for tests of the page, pushed as clients push it.
import assert from "node:assert/strict";

export interface TestLine {
  readonly timeMs: number;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export async function push(
  url: string,
  labels: Readonly<Record<string, string>>,
  lines: readonly TestLine[],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const values = lines.map(({ timeMs, line, metadata }) => [
    `${timeMs}000000`,
    line,
    ...(metadata === undefined ? [] : [metadata]),
  ]);
  const answer = await fetch(`${url}/loki/api/v1/push`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ streams: [{ stream: labels, values }] }),
  });
  assert.equal(answer.status, 204, await answer.text());
}

const levels = ["info", "info", "info", "debug", "warn", "error"];

/** `count` lines of a shop over the last `spanMs`, with levels; the newest is `order N paid`. */
export async function pushShop(url: string, count: number, spanMs: number): Promise<void> {
  const nowMs = Date.now();
  const lines = Array.from({ length: count }, (_, index) => ({
    timeMs: Math.round(nowMs - spanMs + (spanMs * (index + 1)) / count),
    line: `level=${levels[index % levels.length]} msg="order ${index + 1} paid" took=${index % 90}ms`,
    metadata: { trace_id: `t${index}` },
  }));
  await push(url, { app: "shop", env: "prod" }, lines);
  const probes = lines.filter((_, index) => index % 10 === 0);
  await push(url, { app: "probe", env: "dev" }, probes);
}

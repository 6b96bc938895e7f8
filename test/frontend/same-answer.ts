import assert from "node:assert/strict";
import { RequestError } from "#base";
import type { MatrixSeries, QueryData, QueryEngine, QueryRequest } from "#query";

type Answer = { readonly data: QueryData } | { readonly status: number; readonly message: string };

async function answerOf(engine: QueryEngine, request: QueryRequest): Promise<Answer> {
  try {
    const { data } = await engine.run(request);
    return { data };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { status: error.status, message: error.message };
  }
}

/** Asks both; they must give the same series, times and values, or the same error. */
export async function assertSameAnswer(
  engines: { readonly plain: QueryEngine; readonly frontend: QueryEngine },
  request: QueryRequest,
): Promise<void> {
  const wanted = await answerOf(engines.plain, request);
  const found = await answerOf(engines.frontend, request);
  if (!("data" in wanted && "data" in found)) {
    assert.deepEqual(found, wanted, request.text);
    return;
  }
  if (wanted.data.kind !== "matrix" || found.data.kind !== "matrix") {
    assert.deepEqual(found.data, wanted.data, request.text);
    return;
  }
  assertSameSeries(found.data.series, wanted.data.series, request.text);
}

function assertSameSeries(
  found: readonly MatrixSeries[],
  wanted: readonly MatrixSeries[],
  what: string,
): void {
  assert.deepEqual(found.map(shapeOf), wanted.map(shapeOf), what);
  for (const [i, { values }] of wanted.entries()) {
    for (const [j, value] of values.entries()) {
      const other = found[i]!.values[j]!;
      assert.ok(isClose(other, value), `${what}: point ${j} is ${other}, not ${value}`);
    }
  }
}

function shapeOf({ labels, timesMs }: MatrixSeries): unknown {
  return { labels, timesMs };
}

/** Floats that were added up in another order may differ in their last digits. */
function isClose(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1e-3);
}

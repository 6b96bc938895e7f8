/**
 * Which blocks of our code ran, as V8 counts them: a feature is a block and about how often it ran.
 * A look costs some milliseconds. Counting begins when this file is imported, and sees blocks only
 * in functions that are compiled later: import it before what is to be looked at.
 */
import assert from "node:assert/strict";
import { type Profiler, Session } from "node:inspector";

const root = new URL("../../src/", import.meta.url).href;
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** Functions of ours that ran since the last look. */
function look(): Profiler.ScriptCoverage[] {
  let found: readonly Profiler.ScriptCoverage[] | undefined;
  // On the thread it looks at, the inspector answers before `post` returns.
  session.post("Profiler.takePreciseCoverage", (error, answer) => {
    if (error !== null) throw error;
    found = answer.result;
  });
  assert.ok(found !== undefined);
  return found.filter(({ url }) => url.startsWith(root));
}

/** Features since the last look. */
export function takeFeatures(): Set<string> {
  const features = new Set<string>();
  for (const { url, functions } of look()) {
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        if (count > 0) features.add(`${url}:${startOffset}:${endOffset}:${oftenness(count)}`);
      }
    }
  }
  return features;
}

/** Names of functions that ran since the last look, by path below `src/`. */
export function takeFunctions(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { url, functions } of look()) {
    const ran = functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0);
    found.set(url.slice(root.length), new Set(ran.map(({ functionName }) => functionName)));
  }
  return found;
}

/** Those of `features` that are not in `known`. */
export function newIn(features: Iterable<string>, known: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (const feature of features) if (!known.has(feature)) found.push(feature);
  return found;
}

export function addAll(into: Set<string>, features: Iterable<string>): void {
  for (const feature of features) into.add(feature);
}

/** Once, some times, often: what a loop does differently the thousandth time is nothing new. */
function oftenness(count: number): number {
  if (count === 1) return 1;
  return count < 16 ? 2 : 3;
}

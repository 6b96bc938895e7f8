import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Answer,
  type CaseRequest,
  type ConformanceCase,
  exchange,
  runTail,
  sleep,
} from "./exchange.ts";

const here = dirname(fileURLToPath(import.meta.url));
const pushEntryCount = 500;
/** Topics whose answers depend on nobody having written much else yet. */
const early: readonly string[] = ["patterns", "detected", "index-stats", "index-volume"];

/** All cases of the copy beside this file, early topics first. */
export function readCases(): ConformanceCase[] {
  const files = globSync("cases/*.json", { cwd: here }).sort();
  const cases = files.flatMap(
    (file) => JSON.parse(readFileSync(join(here, file), "utf8")) as ConformanceCase[],
  );
  const rank = (item: ConformanceCase): number => {
    const at = early.indexOf(item.topic);
    return at < 0 ? early.length : at;
  };
  return cases.sort((a, b) => rank(a) - rank(b));
}

interface CorpusStream {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly entries: readonly unknown[];
}

/** Pushes the corpus, sends it to the store and waits until the index shows it. */
export async function loadCorpus(url: string): Promise<void> {
  const text = execFileSync(process.execPath, [join(here, "corpus.mjs")], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const expected = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const stream = JSON.parse(line) as CorpusStream;
    for (let i = 0; i < stream.entries.length; i += pushEntryCount) {
      const values = stream.entries.slice(i, i + pushEntryCount);
      const body = { streams: [{ stream: stream.labels, values }] };
      const headers = { "Content-Type": "application/json" };
      const request = { method: "POST", path: "/loki/api/v1/push", headers, body };
      const answer = await exchange(url, request, stream.tenant);
      if (answer.status !== 204) throw new Error(`push: ${answer.status} ${answer.text}`);
    }
    expected.set(stream.tenant, (expected.get(stream.tenant) ?? 0) + stream.entries.length);
  }
  await exchange(url, { method: "POST", path: "/flush" }, null);
  for (const [tenant, count] of expected) await untilIndexed(url, tenant, count);
}

async function untilIndexed(url: string, tenant: string, count: number): Promise<void> {
  const params = {
    query: '{service_name=~".+"}',
    start: "1768003200000000000",
    end: "1768010400000000000",
  };
  for (let tries = 0; tries < 60; tries++) {
    const answer = await exchange(url, { path: "/loki/api/v1/index/stats", params }, tenant);
    const { entries } = answer.body as { entries?: number };
    if ((entries ?? 0) >= count * 0.99) return;
    await sleep(200);
  }
  throw new Error(`the index of ${tenant} does not show ${count} entries`);
}

export async function runCase(url: string, item: ConformanceCase): Promise<Answer> {
  const tenant = item.tenant ?? null;
  for (const step of item.before ?? []) await prepare(url, step, tenant);
  return item.tail === undefined ? exchange(url, item, tenant) : runTail(url, item);
}

async function prepare(url: string, step: CaseRequest, tenant: string | null): Promise<void> {
  const triesMax = step.retryUntil === undefined ? 1 : 40;
  for (let tries = 1; ; tries++) {
    const answer = await exchange(url, step, tenant);
    if (
      step.retryUntil === undefined &&
      step.status !== undefined &&
      answer.status !== step.status
    ) {
      throw new Error(`${step.method ?? "GET"} ${step.path}: ${answer.status} ${answer.text}`);
    }
    if (tries >= triesMax || answer.text.includes(step.retryUntil ?? "")) break;
    await sleep(250);
  }
  if (step.waitMs !== undefined) await sleep(step.waitMs);
}

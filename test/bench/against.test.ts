/** `npm run bench -- --against`: the whole of it, with few lines, against servers of both kinds. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { PeerKind } from "../../bench/peers.ts";
import type { BenchResults } from "../../bench/report.ts";
import { SkaldProcess } from "../../bench/server-process.ts";
import { startStandIn } from "./victorialogs-stand-in.ts";

const bench = join(import.meta.dirname, "../../bench/run.ts");
const names =
  "needle-absent,needle-rare,latest-100,filter-limit,regex-rare,case-insens,count-all," +
  "count-by-app,count-filter,json-agg,logfmt-quantile,bytes-rate";

interface Run {
  readonly code: number;
  readonly printed: string;
  readonly results: BenchResults;
}

async function run(url: string, kind: PeerKind, pid?: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "skald-against-"));
  const sizes = ["--mib", "1", "--runs", "1", "--rest", "0"];
  const how = ["--against", url, "--kind", kind, "--results", folder];
  const of = pid === undefined ? [] : ["--pid", String(pid)];
  const args = ["--disable-warning=ExperimentalWarning", bench, ...sizes, ...how, ...of];
  try {
    const { code, printed } = await promisify(execFile)(process.execPath, args).then(
      ({ stdout }) => ({ code: 0, printed: stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, printed: error.stdout }),
    );
    const [file = "", ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    assert.match(file, new RegExp(`-${kind}\\.json$`));
    const results = JSON.parse(readFileSync(join(folder, file), "utf8")) as BenchResults;
    return { code, printed, results };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rightOf({ results }: Run): Record<string, string> {
  return Object.fromEntries((results.queries ?? []).map(({ name, isRight }) => [name, isRight]));
}

test("a VictoriaLogs gets the lines, is flushed, and answers all queries right", async () => {
  const standIn = await startStandIn({ oldestMs: 0 });
  try {
    const found = await run(standIn.url, "victorialogs");
    const expected = names.split(",").map((name) => [name, "yes"]);
    assert.deepEqual(rightOf(found), {
      ...Object.fromEntries(expected),
      "count-filter": "not checked",
    });
    assert.equal(found.code, 0);
    assert.equal(found.results.push?.refused, 0);
    assert.ok(found.results.push.rawMiB >= 1);
    assert.equal(found.results.kind, "victorialogs");
    // Nobody said whose CPU seconds to read.
    assert.match(found.printed, /ingest +\| – MiB per CPU-second/);
    assert.doesNotMatch(found.printed, /target|MISSED|NaN/);
    const flushedAt = standIn.paths.indexOf("/internal/force_flush");
    const askedAt = standIn.paths.indexOf("/select/logsql/query");
    assert.ok(flushedAt > 0 && flushedAt < askedAt);
  } finally {
    await standIn.close();
  }
});

test("one that dropped the lines as too old is not taken for fast", async () => {
  const standIn = await startStandIn({ oldestMs: Date.parse("2026-06-01T00:00:00Z") });
  try {
    const found = await run(standIn.url, "victorialogs");
    assert.equal(found.code, 1);
    assert.match(rightOf(found)["count-all"] ?? "", /^count: 0, expected \d+$/);
    assert.match(rightOf(found)["latest-100"] ?? "", /^lines: 0, expected 100$/);
  } finally {
    await standIn.close();
  }
});

test("whoever speaks Loki's API is measured like Skald", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skald-against-"));
  const peer = await SkaldProcess.in(join(folder, "peer"));
  try {
    await peer.start();
    const found = await run(`${peer.url}/`, "loki", peer.pid);
    const expected = names.split(",").map((name) => [name, "yes"]);
    assert.deepEqual(rightOf(found), Object.fromEntries(expected));
    assert.equal(found.code, 0);
    assert.ok(found.results.push!.cpuSeconds > 0);
    assert.ok(found.results.push!.peakRssMiB > 0);
  } finally {
    await peer.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

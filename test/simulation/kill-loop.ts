/**
 * A real process under load that is killed again and again, for as long as one likes. Clients push,
 * keep what was acknowledged, and after each start read back what the last few lives held; at the
 * end everything.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Random, seededRandom } from "#world";
import { logLine } from "../support/log-shapes.ts";
import { freePort, type SkaldProcess, startSkald } from "../support/skald-process.ts";

const bin = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");
const clientCount = 4;
const entriesPerPush = 50;
/** A soak runs beside other work, at the lowest priority. */
const readyWithinMs = 180_000;

const config = `
auth_enabled: false
server: {http_listen_port: \${PORT}, grpc_listen_port: 0, log_level: error}
common: {path_prefix: "\${DATA}"}
ingester: {chunk_idle_period: 1s, max_chunk_age: 2s}
limits_config:
  max_entries_limit_per_query: 100000000
  max_query_length: 0
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  reject_old_samples: false
`;

export interface KillSummary {
  readonly kills: number;
  readonly entriesAcknowledged: number;
  readonly entriesChecked: number;
  readonly worstPushMs: number;
  readonly worstQueryMs: number;
  readonly worstStartMs: number;
  readonly worstRssMiB: number;
  /** What `skald canary` counted beside it; `missing` and the like are 0. */
  readonly canary: Readonly<Record<string, number>>;
}

interface Push {
  readonly body: string;
  readonly ids: readonly string[];
}

class KillLoop {
  readonly #random: Random;
  /** By number of the life in which it was acknowledged. */
  readonly #lives: string[][] = [];
  #nextId = 0;
  checked = 0;
  worstPushMs = 0;
  worstQueryMs = 0;
  worstStartMs = 0;
  worstRssMiB = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  get acknowledged(): number {
    return this.#lives.reduce((sum, ids) => sum + ids.length, 0);
  }

  #push(life: number): Push {
    const ids: string[] = [];
    const values = Array.from({ length: entriesPerPush }, () => {
      const id = `e${this.#nextId++}x`;
      ids.push(id);
      return [`${Date.now()}000000`, logLine(this.#random, id)];
    });
    const app = `app-${Math.floor(this.#random.fraction() * 8)}`;
    const stream = { app, life: `l${life}`, test: "soak" };
    return { ids, body: JSON.stringify({ streams: [{ stream, values }] }) };
  }

  async #pushUntilDown(url: string, life: number): Promise<void> {
    for (;;) {
      const push = this.#push(life);
      const startedMs = performance.now();
      const headers = { "Content-Type": "application/json" };
      const request = { method: "POST", headers, body: push.body };
      const status = await fetch(`${url}/loki/api/v1/push`, request).then(
        (answer) => answer.arrayBuffer().then(() => answer.status),
        () => undefined,
      );
      if (status === undefined) return;
      assert.equal(status, 204);
      this.worstPushMs = Math.max(this.worstPushMs, performance.now() - startedMs);
      this.#lives[life]!.push(...push.ids);
    }
  }

  async live(skald: SkaldProcess, life: number): Promise<void> {
    this.#lives[life] = [];
    const clients = Array.from({ length: clientCount }, () =>
      this.#pushUntilDown(skald.url, life).catch((error: unknown) => error),
    );
    await new Promise((resolve) => setTimeout(resolve, 100 + this.#random.fraction() * 4_000));
    const status = readFileSync(`/proc/${skald.pid}/status`, "latin1");
    const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
    this.worstRssMiB = Math.max(this.worstRssMiB, Math.round(peakKiB / 1024));
    await skald.kill();
    const failure = (await Promise.all(clients)).find((one) => one !== undefined);
    if (failure !== undefined) throw failure;
  }

  /** What one life acknowledged is there, each entry once. */
  async check(url: string, life: number): Promise<void> {
    const startedMs = performance.now();
    const parameters = {
      query: `{test="soak", life="l${life}"}`,
      since: "30d",
      limit: "100000000",
    };
    const answer = await fetch(
      `${url}/loki/api/v1/query_range?${new URLSearchParams(parameters).toString()}`,
    );
    const text = await answer.text();
    assert.equal(answer.status, 200, text.slice(0, 1000));
    this.worstQueryMs = Math.max(this.worstQueryMs, performance.now() - startedMs);
    const ids = text.match(/\be\d+x\b/g) ?? [];
    const seen = new Set(ids);
    assert.equal(ids.length, seen.size, `life ${life}: an entry came back twice`);
    const lost = this.#lives[life]!.filter((id) => !seen.has(id));
    assert.deepEqual(lost.slice(0, 10), [], `life ${life}: ${lost.length} entries are lost`);
    this.checked += this.#lives[life]!.length;
  }
}

/** The canary's counters that must stay 0: what a kill may delay is late, and nothing else. */
const canaryZeros = ["missing_entries", "unexpected_entries"] as const;

/** `skald canary` on the same server for as long as it lives and dies. */
class Canary {
  readonly #child: ChildProcess;
  readonly #metricsUrl: string;
  #output = "";

  constructor(url: string, metricsPort: number) {
    this.#metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    const patience = ["-write-min-backoff=50ms", "-write-max-backoff=1s"];
    const args = [`-addr=${url}`, `-port=${metricsPort}`, "-interval=50ms", ...patience];
    const waits = ["-pruneinterval=5s", "-wait=30s", "-max-wait=10m", "-write-max-retries=100000"];
    this.#child = spawn(bin, ["canary", ...args, ...waits]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (part: Buffer) => {
        this.#output = `${this.#output}${part.toString("utf8")}`.slice(-4_000);
      });
    }
  }

  /**
   * Its counters; fails when it saw an entry lost or made up. An entry that was on the tail when its
   * push was cut off is pushed again and heard again: one at a time is under way, so one for a kill.
   */
  async check(kills: number): Promise<Record<string, number>> {
    const text = await (await fetch(this.#metricsUrl)).text();
    const counts: Record<string, number> = {};
    const pattern =
      /^loki_canary_((?:\w+_)?entries|\w*missing\w*)(?:_total)?(?:\{[^}]*\})? (\S+)$/gm;
    for (const [, name = "", count = ""] of text.matchAll(pattern)) counts[name] = Number(count);
    for (const name of canaryZeros) {
      const count = counts[name] ?? 0;
      assert.equal(count, 0, `canary: ${name} is ${count}\n${this.#output}`);
    }
    const doubled = counts["duplicate_entries"] ?? 0;
    assert.ok(doubled <= kills, `canary: ${doubled} entries heard twice\n${this.#output}`);
    return counts;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

export async function killLoop(options: {
  readonly seed: number;
  readonly durationMs: number;
}): Promise<KillSummary> {
  const endMs = performance.now() + options.durationMs;
  const loop = new KillLoop(options.seed);
  const port = await freePort();
  let skald = await startSkald({ config, port, readyWithinMs });
  const { folder } = skald;
  const canary = new Canary(skald.url, await freePort());
  let counted: Record<string, number> = {};
  let life = 0;
  try {
    for (; life === 0 || performance.now() < endMs; life++) {
      await loop.live(skald, life);
      const startedMs = performance.now();
      skald = await startSkald({ config, port, folder, readyWithinMs });
      loop.worstStartMs = Math.max(loop.worstStartMs, performance.now() - startedMs);
      for (let old = Math.max(0, life - 2); old <= life; old++) await loop.check(skald.url, old);
    }
    for (let old = 0; old < life; old++) await loop.check(skald.url, old);
    counted = await canary.check(life);
  } finally {
    await canary.stop();
    await skald[Symbol.asyncDispose]();
  }
  return {
    kills: life,
    entriesAcknowledged: loop.acknowledged,
    entriesChecked: loop.checked,
    worstPushMs: Math.round(loop.worstPushMs),
    worstQueryMs: Math.round(loop.worstQueryMs),
    worstStartMs: Math.round(loop.worstStartMs),
    worstRssMiB: loop.worstRssMiB,
    canary: counted,
  };
}

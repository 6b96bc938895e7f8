import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Random, seededRandom } from "#world";
import { chosenSeed, seedText } from "../support/chosen-seed.ts";
import { logLine } from "../support/log-shapes.ts";
import { freePort, type SkaldProcess, startSkald } from "../support/skald-process.ts";

const clientCount = 4;
const entriesPerPush = 20;
/** Over all lives: some end before the first answer. */
const entriesPerLifeMin = 80;
const config = `
auth_enabled: false
server:
  http_listen_port: \${PORT}
  grpc_listen_port: 0
  log_level: warn
common:
  path_prefix: \${DATA}
ingester:
  chunk_idle_period: 1s
  max_chunk_age: 2s
limits_config:
  max_entries_limit_per_query: 1000000
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  reject_old_samples: false
`;

interface Push {
  readonly body: string;
  readonly ids: readonly string[];
}

/** Makes pushes whose entries are new, in several streams, some of them hours late. */
class PushMaker {
  readonly #random: Random;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Push {
    const random = this.#random;
    const ids: string[] = [];
    const streams = new Map<string, [string, string][]>();
    for (let i = 0; i < entriesPerPush; i++) {
      const id = `e${this.#count++}x`;
      ids.push(id);
      const app = `app-${Math.floor(random.fraction() * 6)}`;
      const lateNs = random.fraction() < 0.2 ? BigInt(Math.floor(random.fraction() * 4e13)) : 0n;
      const timeNs = BigInt(Date.now()) * 1_000_000n - lateNs;
      const values = streams.get(app) ?? [];
      values.push([String(timeNs), logLine(random, id)]);
      streams.set(app, values);
    }
    const body = JSON.stringify({
      streams: [...streams].map(([app, values]) => ({ stream: { app, test: "kill" }, values })),
    });
    return { body, ids };
  }
}

async function post(url: string, body: string): Promise<number> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/loki/api/v1/push`, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

/** Pushes until the process is gone; returns the push whose fate is unknown. */
async function pushUntilDown(
  url: string,
  maker: PushMaker,
  acknowledged: Set<string>,
  first?: Push,
): Promise<Push> {
  for (let push = first ?? maker.next(); ; push = maker.next()) {
    const status = await post(url, push.body).catch(() => undefined);
    if (status === undefined) return push;
    assert.equal(status, 204);
    for (const id of push.ids) acknowledged.add(id);
  }
}

async function allIds(skald: SkaldProcess): Promise<string[]> {
  const params = new URLSearchParams({
    query: '{test="kill"}',
    since: "24h",
    limit: "1000000",
    direction: "forward",
  });
  const answer = await fetch(`${skald.url}/loki/api/v1/query_range?${params.toString()}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  const { data } = (await answer.json()) as {
    data: { result: { values: [string, string][] }[] };
  };
  return data.result.flatMap(({ values }) =>
    values.map(([, line]) => /\be\d+x\b/.exec(line)?.[0] ?? `no id in ${line}`),
  );
}

function assertExactlyOnce(ids: readonly string[], acknowledged: ReadonlySet<string>): void {
  const seen = new Set(ids);
  assert.equal(ids.length, seen.size, "an entry came back twice");
  const lost = [...acknowledged].filter((id) => !seen.has(id));
  assert.deepEqual(lost, [], `${lost.length} acknowledged entries are lost`);
}

/** The seed says what is pushed and when the process is killed. */
async function killedAgainAndAgain(seed: number, crashCount: number): Promise<void> {
  const random = seededRandom(seed);
  const maker = new PushMaker(random);
  const acknowledged = new Set<string>();
  const port = await freePort();
  let skald = await startSkald({ config, port });
  let open: (Push | undefined)[] = Array.from({ length: clientCount }, () => undefined);
  for (let crash = 0; crash < crashCount; crash++) {
    const { url } = skald;
    const clients = open.map((first) => pushUntilDown(url, maker, acknowledged, first));
    await new Promise((resolve) => setTimeout(resolve, 50 + random.fraction() * 1500));
    await skald.kill();
    open = await Promise.all(clients);
    skald = await startSkald({ config, port, folder: skald.folder });
    assertExactlyOnce(await allIds(skald), acknowledged);
  }
  // What was in flight is pushed again, as clients do: nothing doubles.
  for (const push of open) {
    assert.equal(await post(skald.url, push!.body), 204);
    for (const id of push!.ids) acknowledged.add(id);
  }
  assertExactlyOnce(await allIds(skald), acknowledged);
  const wanted = crashCount * entriesPerLifeMin;
  assert.ok(acknowledged.size > wanted, `only ${acknowledged.size} entries were pushed`);
  await skald[Symbol.asyncDispose]();
}

const chosen = chosenSeed();
const runs = [
  { seed: 7, crashCount: 10, which: "seed 7" },
  { seed: chosen, crashCount: 3, which: seedText(chosen) },
];

for (const { seed, crashCount, which } of runs) {
  test(`an acknowledged entry survives SIGKILL at any moment, exactly once, ${which}`, async () => {
    await killedAgainAndAgain(seed, crashCount);
  });
}

test("restarts without pushes leave no files of the journal behind", async () => {
  const port = await freePort();
  let skald = await startSkald({ config, port });
  for (let restart = 0; restart < 4; restart++) {
    await skald.kill();
    skald = await startSkald({ config, port, folder: skald.folder });
  }
  await using last = skald;
  const journalFiles = (): string[] =>
    readdirSync(join(last.folder, "wal")).filter((name) => name.endsWith(".journal"));
  // The newest, and the one of the life before until that is removed beside.
  for (let i = 0; i < 50 && journalFiles().length > 1; i++) await sleep(100);
  assert.equal(journalFiles().length, 1);
});

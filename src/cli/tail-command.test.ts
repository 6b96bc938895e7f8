import assert from "node:assert/strict";
import { test } from "node:test";
import type { WebSocket } from "ws";
import { Interrupted } from "./cli-error.ts";
import { fakeLoki, type FakeLoki } from "./fake-loki.ts";
import { type CliRun, cli, testNowNs } from "./test-io.ts";

const at = (offset: number): string => String(testNowNs + BigInt(offset));

function frame(values: readonly (readonly [offset: number, line: string])[]): string {
  const stream = { app: "a" };
  const pairs = values.map(([offset, line]) => [at(offset), line]);
  return JSON.stringify({ streams: [{ stream, values: pairs }] });
}

/** Tails until the output satisfies `isEnough`, then presses Ctrl-C. */
async function tail(
  loki: FakeLoki,
  args: readonly string[],
  isEnough: (out: string) => boolean,
): Promise<CliRun> {
  const interrupt = new AbortController();
  const onOutput = (out: string): void => {
    if (isEnough(out)) interrupt.abort(new Interrupted());
  };
  const common = [`--addr=${loki.url}`, "-o", "raw", "{}"];
  return cli([...args, ...common], { interrupted: interrupt.signal, onOutput });
}

test("a tail prints frames as they come, and Ctrl-C ends it with 0", async () => {
  await using loki = await fakeLoki(
    () => ({}),
    (socket) => {
      socket.send(
        frame([
          [2, "two"],
          [1, "one"],
        ]),
      );
      socket.send(frame([[3, "three"]]));
    },
  );
  const args = ["query", "--tail", "--since=10m", "--delay-for=2s", "--limit=5", "--org-id=t"];
  const run = await tail(loki, args, (out) => out.includes("three"));
  assert.deepEqual([run.code, run.out, run.err], [0, "one\ntwo\nthree\n", ""]);
  const { path, params, headers } = loki.asked[0]!;
  assert.equal(path, "/loki/api/v1/tail");
  assert.equal(headers["x-scope-orgid"], "t");
  assert.deepEqual(Object.fromEntries(params), {
    query: "{}",
    start: String(testNowNs - 600_000_000_000n),
    limit: "5",
    delay_for: "2",
  });
});

test("a lost connection is opened again where it was, without repetitions", async () => {
  const answer = (socket: WebSocket, _params: URLSearchParams, count: number): void => {
    if (count === 1) {
      socket.send(
        frame([
          [1, "one"],
          [2, "two"],
        ]),
        () => socket.close(1011, "reloading"),
      );
    } else {
      socket.send(
        frame([
          [2, "two"],
          [2, "more"],
          [3, "three"],
        ]),
      );
    }
  };
  await using loki = await fakeLoki(() => ({}), answer);
  const run = await tail(loki, ["tail"], (out) => out.includes("three"));
  assert.equal(run.out, "one\ntwo\nmore\nthree\n");
  assert.equal(run.err, "connection lost (reloading (code 1011)); again in 0.25 s\n");
  assert.equal(loki.asked[1]!.params.get("start"), at(2));
});

test("dropped entries are told, what is not JSON ends the tail", async () => {
  await using loki = await fakeLoki(
    () => ({}),
    (socket) => {
      const dropped = [{ timestamp: at(1), labels: "{}" }];
      socket.send(JSON.stringify({ streams: [], dropped_entries: dropped }));
      socket.send("nonsense");
    },
  );
  const run = await tail(loki, ["tail"], () => false);
  assert.equal(run.code, 1);
  assert.match(run.err, /^warning: the server dropped 1 entries/);
  assert.match(run.err, /error: the tail sent no JSON but "nonsense"/);
});

test("a tail that is never answered ends with the reason", async () => {
  let url = "";
  {
    await using loki = await fakeLoki(() => ({}));
    url = loki.url;
  }
  const run = await cli(["tail", `--addr=${url}`, "{}"]);
  assert.equal(run.code, 1);
  assert.match(run.err, /cannot reach .*ECONNREFUSED[\s\S]*skald serve/);
});

test("a server that keeps closing is given up after ten times", async () => {
  await using loki = await fakeLoki(
    () => ({}),
    (socket) => socket.close(1011, "too many tails"),
  );
  const run = await tail(loki, ["tail", "-q"], () => false);
  assert.equal(run.code, 1);
  assert.equal(run.err, "error: the tail ended: too many tails (code 1011), 10 times in a row\n");
  assert.equal(run.sleptMs.at(-1), 10_000);
});

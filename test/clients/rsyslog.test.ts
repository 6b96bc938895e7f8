import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { unpack } from "../../scripts/debian-servers.ts";
import { freePort, startSkald } from "../support/skald-process.ts";
import { awaitEntries, type ReadEntry } from "./read-back.ts";

/**
 * Debian's rsyslog into our `skald push`, through a real pipe. No package of Debian 12 has omhttp,
 * and rsyslog cannot be installed beside syslog-ng, so it runs from a folder of its own.
 */
const { isThere, reason, root } = unpack(["rsyslog", "libestr0", "libfastjson4"]);
const skaldProgram = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "skald");
const startsWithinMs = 10_000;

interface Places {
  readonly folder: string;
  readonly url: string;
  readonly port: number;
}

/** The one of docs/using/clients.md, and a second output as short as can be. */
function configuration({ folder, url, port }: Places): string {
  return String.raw`
global(workDirectory="${folder}")
module(load="imtcp")
module(load="omprog")
module(load="mmrm1stspace")
input(type="imtcp" address="127.0.0.1" port="${port}")
template(name="skald" type="list") {
  constant(value="{\"labels\":{\"job\":\"rsyslog\",\"host\":\"")
  property(name="hostname" format="json")
  constant(value="\",\"program\":\"")
  property(name="programname" format="json")
  constant(value="\",\"level\":\"")
  property(name="syslogseverity-text" format="json")
  constant(value="\"},\"timestamp\":\"")
  property(name="timegenerated" dateFormat="rfc3339")
  constant(value="\",\"line\":\"")
  property(name="msg" format="json")
  constant(value="\"}\n")
}
template(name="raw" type="string" string="%hostname% %programname%: %msg%\n")
action(type="mmrm1stspace")
action(
  type="omprog" template="skald" output="${folder}/push.log"
  binary="${skaldProgram} push --addr=${url} --format=jsonl"
)
action(
  type="omprog" template="raw" output="${folder}/push-raw.log"
  binary="${skaldProgram} push --addr=${url} --label job=rsyslog-raw --label env=test"
)
`;
}

function startRsyslog(places: Places): ChildProcess {
  const file = join(places.folder, "rsyslog.conf");
  writeFileSync(file, configuration(places));
  const libraries = join(root, "usr", "lib");
  const ofMachine = readdirSync(libraries).find((name) => name.endsWith("-linux-gnu"));
  assert.ok(ofMachine !== undefined, `${libraries} has ${readdirSync(libraries).join()}`);
  const folder = join(libraries, ofMachine);
  const pidFile = join(places.folder, "rsyslog.pid");
  return spawn(
    join(root, "usr", "sbin", "rsyslogd"),
    ["-n", "-f", file, "-i", pidFile, "-M", join(folder, "rsyslog")],
    { env: { ...process.env, LD_LIBRARY_PATH: folder }, stdio: ["ignore", "pipe", "pipe"] },
  );
}

test("rsyslog delivers through skald push", { skip: isThere ? false : reason }, async () => {
  await using skald = await startSkald();
  const { folder, url } = skald;
  const port = await freePort();
  const child = startRsyslog({ folder, url, port });
  after(() => child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (part: Buffer) => (said += part.toString()));
  }
  const ended = once(child, "exit");
  const entriesOf = async (query: string, count: number): Promise<ReadEntry[]> =>
    awaitEntries(url, query, count).catch((error: unknown) => {
      throw new Error(`rsyslog said: ${said}`, { cause: error });
    });
  const found = async (count: number): Promise<unknown[][]> => {
    const entries = await entriesOf(`{job="rsyslog"}`, count);
    const texts = entries.map(({ labels, line }) => {
      return [labels["host"], labels["program"], labels["level"], line];
    });
    return texts.sort((a, b) => (a.join() < b.join() ? -1 : 1));
  };

  const time = new Date().toISOString();
  const quoted = '{"msg":"quoted","path":"C:\\\\temp"}';
  const counted = `<13>1 ${time} web2 cron - - - counted, ünïcode <&> 世界`;
  await send(port, [
    `<11>1 ${time} web1 shop 17 ID47 [example@1 user="x"] \ufefforder failed: größer\n`,
    `<14>Nov 22 10:00:01 web1 shop[17]: ${quoted}\n`,
    `${Buffer.byteLength(counted)} ${counted}`,
  ]);
  const first = [
    ["web1", "shop", "err", "\ufefforder failed: größer"],
    ["web1", "shop", "info", quoted],
    ["web2", "cron", "notice", "counted, ünïcode <&> 世界"],
  ];
  assert.deepEqual(await found(3), first);
  const raw = await entriesOf(`{job="rsyslog-raw", env="test"}`, 3);
  assert.deepEqual(
    raw.map(({ line }) => line),
    [
      "web1 shop: \ufefforder failed: größer",
      `web1 shop: ${quoted}`,
      "web2 cron: counted, ünïcode <&> 世界",
    ],
  );

  // rsyslog still runs and the pipe is still open: nothing but the age of a batch sends it.
  await send(port, [`<15>1 ${time} web3 cron - - - later\n`]);
  assert.deepEqual(await found(4), [...first, ["web3", "cron", "debug", "later"]]);
  assert.equal(child.exitCode, null);
  child.kill("SIGTERM");
  await ended;
  for (const log of ["push.log", "push-raw.log"]) {
    assert.match(readFileSync(join(folder, log), "utf8"), /^pushed 4 lines,.*\n$/);
  }
});

/** Retries until rsyslog listens. */
async function send(port: number, messages: readonly string[]): Promise<void> {
  const deadline = performance.now() + startsWithinMs;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    socket.end(messages.join(""));
    await once(socket, "close");
    return;
  }
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { need } from "../../scripts/debian-servers.ts";
import { freePort, startSkald } from "../support/skald-process.ts";
import { awaitEntries } from "./read-back.ts";

/**
 * Debian's syslog-ng against the real process. Debian 12 has 3.38, which has no `loki()` destination
 * yet (that one speaks gRPC); people use `http()` with Loki's JSON, as here.
 */
const { isThere, reason } = need(["syslog-ng-core", "syslog-ng-mod-http"]);
const startsWithinMs = 10_000;

/** A name before digits needs its braces. */
const nanoseconds = ["$R_UNIXTIME$", "{R_USEC}000"].join("");

/** Backslashes and quotes are escaped by rewriting: 3.38 cannot put a JSON string into an array. */
function configuration(options: { readonly url: string; readonly port: number }): string {
  return String.raw`@version: 3.38
options { keep-hostname(yes); use-dns(no); stats-freq(0); };
source s_net { network(ip("127.0.0.1") port(${options.port}) transport("tcp")); };
rewrite r_json {
  subst("\\\\", "\\\\", value("MESSAGE") flags("global"));
  subst("\"", "\\\"", value("MESSAGE") flags("global"));
};
destination d_loki {
  http(
    url("${options.url}/loki/api/v1/push")
    method("POST")
    headers("Content-Type: application/json")
    batch-lines(3) batch-timeout(200)
    body-prefix('{"streams":[') delimiter(",") body-suffix(']}')
    body('{"stream":$(format-json job=syslog-ng host=$HOST program=$PROGRAM level=$LEVEL),"values":[["${nanoseconds}","$MESSAGE"]]}')
  );
};
log { source(s_net); rewrite(r_json); destination(d_loki); };
`;
}

test("syslog-ng's http() delivers syslog lines", { skip: isThere ? false : reason }, async () => {
  await using skald = await startSkald();
  const port = await freePort();
  const file = join(skald.folder, "syslog-ng.conf");
  writeFileSync(file, configuration({ url: skald.url, port }));
  const own = ["persist-file", "control", "pidfile"].map(
    (name) => `--${name}=${join(skald.folder, `syslog-ng.${name}`)}`,
  );
  const child = spawn("/usr/sbin/syslog-ng", ["-F", "-e", "--no-caps", "-f", file, ...own]);
  after(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part: Buffer) => (output += part.toString()));
  }
  const ended = once(child, "exit");
  const said = (): string => output;
  await send(port, [
    "<11>Nov 22 10:00:00 web1 shop[17]: order failed: no stock",
    '<14>Nov 22 10:00:01 web1 shop[17]: {"msg":"quoted","path":"C:\\\\temp"}',
    "<13>Nov 22 10:00:02 web2 cron: ünïcode <&>",
    "<15>Nov 22 10:00:03 web2 cron: last",
  ]);
  const entries = await awaitEntries(skald.url, `{job="syslog-ng"}`, 4).catch((error: unknown) => {
    throw new Error(`syslog-ng said: ${said()}`, { cause: error });
  });
  const found = entries.map(({ labels, line }) => {
    return [labels["host"], labels["program"], labels["level"], line];
  });
  assert.deepEqual(
    found.sort((a, b) => (a.join() < b.join() ? -1 : 1)),
    [
      ["web1", "shop", "err", "order failed: no stock"],
      ["web1", "shop", "info", '{"msg":"quoted","path":"C:\\\\temp"}'],
      ["web2", "cron", "debug", "last"],
      ["web2", "cron", "notice", "ünïcode <&>"],
    ],
  );
  child.kill("SIGTERM");
  await ended;
});

/** Retries until syslog-ng listens. */
async function send(port: number, lines: readonly string[]): Promise<void> {
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
    socket.end(`${lines.join("\n")}\n`);
    await once(socket, "close");
    return;
  }
}

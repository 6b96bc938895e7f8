// Starts Skald with the reference's own configuration and plays a folder of recorded conversations against it:
// node scripts/play-conformance.ts FOLDER [--store tsdb]. Data is kept in Skald's own store, or in Loki's format as
// the reference's configuration says. Left out: deliberate differences (docs/differences-from-loki.md).
// Prints what the folder's own runner prints; the exit code is 1 when a case fails.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = resolve(process.argv[2] ?? ".");
const port = await freePort();
const readyTriesMax = 200;

/** What Loki loses or refuses here, Skald keeps on purpose (docs/differences-from-loki.md). */
const differences = new Set(["push-json/026", "push-limits/043"]);

const data = mkdtempSync(join(tmpdir(), "skald-conformance-"));
const config = join(data, "loki.yaml");
const yaml = readFileSync(join(folder, "loki", "loki.yaml"), "utf8");
// Ports of its own: another Skald may run on this machine.
const store = process.argv[3] === "--store" ? process.argv[4] : "skald";
const ours = yaml
  .replace("store: tsdb", `store: ${store}`)
  .replace(/http_listen_port: \d+/, `http_listen_port: ${port}`)
  .replace(/grpc_listen_port: \d+/, "grpc_listen_port: 0");
writeFileSync(config, ours);
const server = spawn(
  join(root, "bin", "skald"),
  ["-config.expand-env=true", `-config.file=${config}`],
  {
    env: { ...process.env, DATA: data, CONF: join(folder, "loki") },
    stdio: ["ignore", "ignore", "inherit"],
  },
);
const url = `http://127.0.0.1:${port}`;

/** A folder with the cases Skald is held against. */
function chosenCases(): string {
  const from = join(folder, "cases");
  const to = join(data, "cases");
  mkdirSync(to);
  for (const file of readdirSync(from)) {
    const cases = JSON.parse(readFileSync(join(from, file), "utf8")) as { id: string }[];
    const chosen = cases.filter(({ id }) => !differences.has(id));
    writeFileSync(join(to, file), JSON.stringify(chosen));
  }
  return to;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port: free } = probe.address() as { port: number };
  probe.close();
  return free;
}

async function untilReady(): Promise<void> {
  for (let tries = 0; tries < readyTriesMax && server.exitCode === null; tries++) {
    const isReady = await fetch(`${url}/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("Skald did not become ready");
}

try {
  await untilReady();
  const args = [join(folder, "run.mjs"), "--url", url, "--load", "--with", "approx-topk"];
  args.push("--cases", chosenCases());
  const run = spawnSync(process.execPath, args, { stdio: "inherit" });
  process.exitCode = run.status === 0 ? 0 : 1;
} finally {
  server.kill("SIGTERM");
  rmSync(data, { recursive: true, force: true });
}

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, temporaryFolder } from "./skald-process.ts";

const readyWithinMs = 20_000;

/** A server of Debian's under test, with a folder of its own. */
export interface MonitoringServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

export interface PrometheusOptions {
  /** `host:port` of what is scraped each second, as job `skald`; else nothing is. */
  readonly target?: string;
  /** Absolute paths. */
  readonly ruleFiles?: readonly string[];
}

/** Prometheus with its remote write receiver. */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<MonitoringServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder, "prometheus.yml");
  const { target, ruleFiles = [] } = options;
  const scrapes =
    target === undefined
      ? []
      : [{ job_name: "skald", scrape_interval: "1s", static_configs: [{ targets: [target] }] }];
  const config = {
    global: { scrape_interval: "1h", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: ruleFiles,
    scrape_configs: scrapes,
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--web.enable-remote-write-receiver",
  ];
  return start({ program: "prometheus", args, folder, port });
}

/** Alertmanager with the routes and inhibition rules given, in YAML. */
export async function startAlertmanager(
  config: string,
  at?: { readonly port: number },
): Promise<MonitoringServer> {
  const folder = temporaryFolder();
  const port = at?.port ?? (await freePort());
  const file = join(folder, "alertmanager.yml");
  writeFileSync(file, config);
  mkdirSync(join(folder, "data"));
  const args = [
    `--config.file=${file}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
  ];
  return start({ program: "prometheus-alertmanager", args, folder, port });
}

async function start(options: {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly port: number;
}): Promise<MonitoringServer> {
  const { program, args, folder, port } = options;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
  }
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + readyWithinMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${output}`);
    const isReady = await fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) break;
    if (performance.now() > deadline) throw new Error(`${program} is not ready: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, port, [Symbol.asyncDispose]: () => end(child, folder) };
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
}

export interface AmtoolAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly status: { readonly state: string; readonly inhibitedBy: readonly string[] };
}

/** What amtool says of an Alertmanager's alerts, inhibited ones too. */
export function amtoolAlerts({ url }: MonitoringServer): AmtoolAlert[] {
  const args = [`--alertmanager.url=${url}`, "alert", "query", "-o", "json", "--inhibited"];
  const active = amtool(args.slice(0, -1));
  return [...active, ...amtool(args)].filter(
    (alert, at, all) =>
      all.findIndex((other) => JSON.stringify(other.labels) === JSON.stringify(alert.labels)) ===
      at,
  );
}

function amtool(args: readonly string[]): AmtoolAlert[] {
  const { status, stdout, stderr } = spawnSync("amtool", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`amtool: ${stderr}`);
  return JSON.parse(stdout) as AmtoolAlert[];
}

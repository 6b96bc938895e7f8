/** The server that is measured: a Skald of this checkout, or a process somebody else started. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectSegment } from "#segment";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const readyWaitMaxMs = 120_000;
const stopWaitMaxMs = 60_000;
const mebibyte = 1024 * 1024;
/** /proc counts CPU time in ticks of 1/100 s. */
const ticksPerSecond = 100;

export interface StoredSizes {
  readonly objects: number;
  readonly bytes: number;
  readonly replacedObjects: number;
  readonly replacedBytes: number;
}

interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** The default configuration, but that it takes an old corpus at full speed, and merges soon. */
function configOf(ports: Ports, folder: string, authEnabled: boolean): string {
  return `auth_enabled: ${authEnabled}
server:
  http_listen_address: 127.0.0.1
  http_listen_port: ${ports.http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: ${ports.grpc}
common:
  path_prefix: ${folder}
compactor:
  compaction_interval: 5s
limits_config:
  reject_old_samples: false
  ingestion_rate_mb: 100000
  ingestion_burst_size_mb: 100000
  per_stream_rate_limit: 100GB
  per_stream_rate_limit_burst: 100GB
  max_global_streams_per_user: 0
  max_query_length: 0
`;
}

export interface Target {
  readonly url: string;
  /** Unknown when a peer runs elsewhere: then CPU and memory are not measured. */
  readonly pid: number | undefined;
}

export class SkaldProcess implements Target {
  readonly url: string;
  readonly folder: string;
  readonly #configPath: string;
  #child: ChildProcess | undefined;
  #log = "";

  private constructor(ports: Ports, folder: string, authEnabled: boolean) {
    this.url = `http://127.0.0.1:${ports.http}`;
    this.folder = folder;
    this.#configPath = `${folder}.yaml`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.#configPath, configOf(ports, folder, authEnabled));
  }

  /** With `authEnabled` requests name their tenant. */
  static async in(
    folder: string,
    options: { readonly authEnabled?: boolean } = {},
  ): Promise<SkaldProcess> {
    const ports = { http: await freePort(), grpc: await freePort() };
    return new SkaldProcess(ports, folder, options.authEnabled === true);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it said since the last start. */
  get log(): string {
    return this.#log;
  }

  /** Milliseconds from the start of the process until it is ready. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    this.#log = "";
    const args = ["serve", `-config.file=${this.#configPath}`];
    const child = spawn(join(root, "bin", "skald"), args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (text: Buffer) => {
      this.#log += text.toString("utf8");
    });
    this.#child = child;
    while (performance.now() - startedMs < readyWaitMaxMs) {
      if (child.exitCode !== null) throw new Error(`Skald ended at once:\n${this.#log}`);
      if (await isReady(this.url)) return performance.now() - startedMs;
      await sleep(5);
    }
    throw new Error(`Skald was not ready within ${readyWaitMaxMs} ms:\n${this.#log}`);
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await Promise.race([gone, sleep(stopWaitMaxMs, false)]);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await gone;
  }

  /** Files of the object store; reads all of them. */
  stored(): StoredSizes {
    return sizesBelow(join(this.folder, "chunks"));
  }

  /** Changes when the object store does. */
  storeState(): string {
    return JSON.stringify(filesBelow(join(this.folder, "chunks")));
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/ready`);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function filesBelow(folder: string): { readonly path: string; readonly bytes: number }[] {
  if (!existsSync(folder)) return [];
  const found: { readonly path: string; readonly bytes: number }[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    // What a put of the killed process left is no object, and goes after ten minutes.
    if (name.startsWith(".skald-tmp")) continue;
    const path = join(folder, name);
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts === undefined || !facts.isFile()) continue;
    found.push({ path, bytes: facts.size });
  }
  return found;
}

/** Segments that a merged one replaces stay for the queries under way; they are counted apart. */
function sizesBelow(folder: string): StoredSizes {
  const sizes = { objects: 0, bytes: 0, replacedObjects: 0, replacedBytes: 0 };
  const files = filesBelow(folder);
  const replaced = new Set(files.flatMap(({ path }) => replacedBy(path)));
  for (const { path, bytes } of files) {
    const isReplaced = (path.match(/[0-9a-f]{28}/g) ?? []).some((id) => replaced.has(id));
    if (isReplaced) sizes.replacedObjects++;
    else sizes.objects++;
    if (isReplaced) sizes.replacedBytes += bytes;
    else sizes.bytes += bytes;
  }
  return sizes;
}

/** Ids of the segments that this one replaces, as its inspection lists them. */
function replacedBy(path: string): string[] {
  const { lines } = inspectSegment(path, readFileSync(path));
  const marker = "replaces ";
  return lines.filter((line) => line.startsWith(marker)).map((line) => line.slice(marker.length));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export function sleep(ms: number, keepsAlive = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepsAlive) timer.unref();
  });
}

/** CPU seconds the process has used, threads included; NaN when that is not known. */
export function cpuSeconds(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** MiB: the most it ever had (VmHWM) or what it has now (VmRSS). */
export function memoryMiB(pid: number | undefined, field: "VmHWM" | "VmRSS"): number {
  if (pid === undefined) return Number.NaN;
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kibibytes = new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1];
    return (Number(kibibytes) * 1024) / mebibyte;
  } catch {
    return Number.NaN;
  }
}

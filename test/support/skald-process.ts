import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const readyWithinMsDefault = 20_000;

/** A real Skald process under test, with a data folder of its own. */
export interface SkaldProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  /** What it printed so far, stdout and stderr. */
  output(): string;
  /** SIGTERM and wait; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL and wait: nothing is flushed. */
  kill(): Promise<void>;
  /** Resolves with the exit code when it ends by itself. */
  readonly exited: Promise<number | null>;
}

export interface StartOptions {
  /** A folder of an earlier process, to start again on its data. */
  readonly folder?: string;
  /** YAML, in which `${DATA}` is the folder and `${PORT}` the port; written to a file and passed as -config.file. */
  readonly config?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** `/logs` when the configuration sets it as http_path_prefix; `url` has it then, too. */
  readonly pathPrefix?: string;
  /** What starts it, and replaces itself by it: `["nice"]`, say. */
  readonly through?: readonly string[];
  /** For machines that have other things to do. */
  readonly readyWithinMs?: number;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "skald-test-"));
}

/** Starts the process and waits until `/ready` answers 200. Throws with its output when it ends before. */
export async function startSkald(options: StartOptions = {}): Promise<SkaldProcess> {
  const folder = options.folder ?? temporaryFolder();
  const port = options.port ?? (await freePort());
  const args = [...(options.args ?? [])];
  const env = { ...process.env, ...options.env, DATA: folder, PORT: String(port) };
  if (options.config === undefined) {
    args.push(`-server.http-listen-port=${port}`, `-common.path-prefix=${folder}`);
    args.push("-server.grpc-listen-port=0");
  } else {
    const file = join(folder, "skald.yaml");
    writeFileSync(file, options.config);
    args.push("-config.expand-env=true", `-config.file=${file}`);
  }
  const [command = "", ...rest] = [...(options.through ?? []), join(root, "bin", "skald"), ...args];
  const child = spawn(command, rest, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const skald = new Running(child, folder, `http://127.0.0.1:${port}${options.pathPrefix ?? ""}`);
  await skald.ready(options.readyWithinMs ?? readyWithinMsDefault);
  return skald;
}

class Running implements SkaldProcess {
  readonly #child: ChildProcess;
  readonly folder: string;
  readonly url: string;
  readonly exited: Promise<number | null>;
  #output = "";

  constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.folder = folder;
    this.url = url;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString("utf8");
      });
    }
    this.exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  output(): string {
    return this.#output;
  }

  async ready(readyWithinMs: number): Promise<void> {
    const deadline = performance.now() + readyWithinMs;
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`skald ended: ${this.#output}`);
      const isReady = await fetch(`${this.url}/ready`).then(
        (answer) => answer.status === 200,
        () => false,
      );
      if (isReady) return;
      if (performance.now() > deadline) {
        await this.kill();
        throw new Error(`skald is not ready: ${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.exited;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

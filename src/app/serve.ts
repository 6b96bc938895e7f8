import { isStoreError, messageOf } from "#base";
import type { CliIo } from "#cli";
import { ConfigError, type LoadResult, loadConfig } from "#config";
import { createLogger, createMetrics, type Logger } from "#telemetry";
import type { Files } from "#world";
import { readBuildInfo } from "./build-info.ts";
import { Skald } from "./skald.ts";

const exitOk = 0;
const exitFailed = 1;
const exitUsage = 2;

/** Runs the server until SIGTERM or SIGINT. Returns the exit code; what is wrong is said in words on stderr. */
export async function serve(argv: readonly string[], io: CliIo): Promise<number> {
  let result: LoadResult;
  try {
    result = await loadConfig({
      argv: argv[0] === "serve" ? argv.slice(1) : argv,
      env: io.env,
      readFile: readText(io.files),
      cwd: io.folder,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const message of error.messages) await io.stderr.line(`skald: ${message}`);
    return exitUsage;
  }
  switch (result.action) {
    case "help":
    case "list-targets":
      await io.stdout.write(result.text);
      return exitOk;
    case "version": {
      const { version } = await readBuildInfo(io.files);
      await io.stdout.line(`skald, version ${version} (node ${process.version})`);
      return exitOk;
    }
    case "verify":
      await sayWarnings(result, io);
      await io.stderr.line("skald: the configuration is valid");
      return exitOk;
    case "run":
      return run(result, io);
    default:
      return result satisfies never;
  }
}

type RunResult = Extract<LoadResult, { action: "run" | "verify" }>;

async function sayWarnings(result: RunResult, io: CliIo): Promise<void> {
  for (const warning of result.loaded.warnings) await io.stderr.line(`skald: warning: ${warning}`);
}

async function run(result: RunResult, io: CliIo): Promise<number> {
  const { loaded } = result;
  const { server } = loaded.config;
  if (result.printConfigStderr) await io.stderr.write(loaded.yaml);
  const log = createLogger({
    level: server.logLevel,
    format: server.logFormat,
    write: (line) => process.stderr.write(line),
  });
  for (const warning of loaded.warnings) log.warn("configuration", { warning });
  const { clock, random, files } = io;
  const world = { clock, random, files };
  const metrics = createMetrics({ process: true });
  const build = await readBuildInfo(files);
  const skald = new Skald({ loaded, world, log, metrics, build, readFile: readText(files) });
  // While it waits for an object store, nothing else may keep the process alive.
  const alive = keepAlive();
  try {
    await skald.start();
  } catch (error) {
    await skald.stop();
    return await refuse(error, log, io);
  } finally {
    alive();
  }
  await io.stderr.line(greeting(`${reachable(skald.url)}${server.httpPathPrefix}`));
  await interruption(AbortSignal.any([io.interrupted, skald.stopAsked]));
  if (loaded.config.shutdownDelayMs > 0) {
    log.info("draining", { delayMs: loaded.config.shutdownDelayMs });
  }
  await skald.drain();
  log.info("stopping", { graceMs: server.gracefulShutdownTimeoutMs });
  const isClean = await withinGrace(skald.stop(), server.gracefulShutdownTimeoutMs, io);
  log.info("stopped", { clean: isClean });
  return exitOk;
}

function readText(files: Files): (path: string) => Promise<string> {
  return async (path) => (await files.read(path)).toString("utf8");
}

/** Who listens on every address is reached on this machine by its own name. */
function reachable(url: string): string {
  return url.replace(/\/\/(?:\[::\]|0\.0\.0\.0)(?=:|$)/, "//localhost");
}

function greeting(url: string): string {
  const example = `curl -G ${url}/loki/api/v1/query_range --data-urlencode 'query={app=~".+"}'`;
  return [
    `Skald listens on ${url}`,
    `  page:  open ${url}/ in a browser`,
    `  push:  POST ${url}/loki/api/v1/push`,
    `  query: ${example}`,
  ].join("\n");
}

/** A live timer; returns how to end it. */
function keepAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}

function interruption(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // A signal that somebody waits for does not keep the process alive.
    const alive = keepAlive();
    const done = (): void => {
      alive();
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
  });
}

async function withinGrace(stopping: Promise<void>, graceMs: number, io: CliIo): Promise<boolean> {
  const late = io.clock.sleep(graceMs).then(() => false);
  return Promise.race([stopping.then(() => true), late]);
}

async function refuse(error: unknown, log: Logger, io: CliIo): Promise<number> {
  const code = (error as { code?: string }).code;
  if (code === "EADDRINUSE") {
    await io.stderr.line(
      `skald: ${messageOf(error)}: another process listens there; ` +
        "choose another port with -server.http-listen-port",
    );
    return exitFailed;
  }
  if (isStoreError(error, "denied") || isStoreError(error, "full") || code === "EACCES") {
    await io.stderr.line(`skald: ${messageOf(error)}`);
    return exitFailed;
  }
  log.error("cannot start", { reason: messageOf(error) });
  if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  return exitFailed;
}

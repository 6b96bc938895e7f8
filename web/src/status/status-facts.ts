// The questions of the status page beside the metrics.
import { ApiError, ask, askJson } from "../api/client.ts";

export interface BuildFacts {
  readonly version: string;
  readonly goVersion: string;
}

export interface ServiceState {
  readonly name: string;
  readonly state: string;
}

export interface BackgroundTask {
  readonly name: string;
  readonly about: string;
  readonly state: string;
  readonly queued: number;
  readonly detail?: Readonly<Record<string, number | string>>;
  readonly last_success?: string;
  readonly last_failure?: string;
  readonly next_run?: string;
  readonly last_failure_reason?: string;
}

export interface SlowQuery {
  readonly tenant: string;
  readonly query: string;
  readonly kind: string;
  /** When it ended. */
  readonly at: string;
  readonly seconds: number;
  readonly queue_seconds: number;
  readonly bytes: number;
  readonly lines: number;
  readonly error?: string;
}

export function askBuild(signal: AbortSignal): Promise<BuildFacts> {
  return askJson("loki/api/v1/status/buildinfo", { signal });
}

export async function askServices(signal: AbortSignal): Promise<readonly ServiceState[]> {
  const text = await (await ask("services", { signal })).text();
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", state = ""] = line.split(" => ");
      return { name, state };
    });
}

/** Why the server is not ready, in its words; empty when it is. */
export async function askReadiness(signal: AbortSignal): Promise<string> {
  try {
    await ask("ready", { signal });
    return "";
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}

export async function askBackground(signal: AbortSignal): Promise<readonly BackgroundTask[]> {
  const answer = await askJson<{ tasks?: BackgroundTask[] }>("skald/api/v1/background", { signal });
  return answer.tasks ?? [];
}

export async function askSlowQueries(signal: AbortSignal): Promise<readonly SlowQuery[]> {
  const answer = await askJson<{ queries?: SlowQuery[] }>("skald/api/v1/slow-queries", { signal });
  return answer.queries ?? [];
}

/** Sends prepared requests over a number of connections that stay open, and times each. */
import { Agent, request as httpRequest } from "node:http";
import { cpuSeconds, memoryMiB, sleep, type Target } from "./server-process.ts";

export interface PushJob {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly Buffer[];
  readonly connections: number;
  /** Of the lines alone, over all bodies. */
  readonly rawBytes: number;
}

export interface PushResult {
  readonly rawMiB: number;
  readonly requests: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly mibPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that were sent again, since the server had too much to do. */
  readonly retries: number;
  readonly refused: number;
  readonly peakRssMiB: number;
}

const mebibyte = 1024 * 1024;
const retriesMax = 50;
const retryAfterMs = 200;

export async function pushAll(target: Target, job: PushJob): Promise<PushResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.connections });
  const latenciesMs: number[] = [];
  let [next, retries, refused] = [0, 0, 0];
  const cpuBefore = cpuSeconds(target.pid);
  const startedMs = performance.now();
  const connection = async (): Promise<void> => {
    while (next < job.bodies.length) {
      const body = job.bodies[next++]!;
      for (let attempt = 0; ; attempt++) {
        const sentMs = performance.now();
        const answer = await post(agent, target.url + job.path, job.headers, body);
        latenciesMs.push(performance.now() - sentMs);
        if (answer.status < 300) break;
        const isBusy = answer.status === 429 || answer.status >= 500;
        if (!isBusy || attempt === retriesMax) {
          if (refused++ < 3) console.error(`push refused: ${answer.status} ${answer.text}`);
          break;
        }
        retries++;
        await sleep(retryAfterMs);
      }
    }
  };
  await Promise.all(Array.from({ length: job.connections }, connection));
  const wallSeconds = (performance.now() - startedMs) / 1000;
  const spent = cpuSeconds(target.pid) - cpuBefore;
  agent.destroy();
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
  const rawMiB = job.rawBytes / mebibyte;
  return {
    rawMiB,
    requests: job.bodies.length,
    wallSeconds,
    cpuSeconds: spent,
    mibPerCpuSecond: rawMiB / spent,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    retries,
    refused,
    peakRssMiB: memoryMiB(target.pid, "VmHWM"),
  };
}

function post(
  agent: Agent,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      method: "POST",
      headers: { ...headers, "content-length": String(body.length) },
    };
    const sent = httpRequest(url, options, (answer) => {
      let text = "";
      answer.on("data", (piece: Buffer) => {
        text += piece.toString("utf8").slice(0, 300);
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export const snappyHeaders = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
} as const;

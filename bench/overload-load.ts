/** The clients of the overload benchmark: pushes at a given rate or as fast as answered, and queries. */
import { Agent, type OutgoingHttpHeaders, request } from "node:http";
import { snappyHeaders } from "./push-load.ts";
import { sleep, type Target } from "./server-process.ts";

export interface Outcome {
  /** 0: there was no answer. */
  readonly status: number;
  readonly atMs: number;
  readonly tookMs: number;
  readonly hasRetryAfter: boolean;
}

/** Who pushes how often: the shares of the tenants that flood. */
export const loudTenants: readonly string[] = ["loud-1", "loud-1", "loud-1", "loud-2", "loud-3"];
export const quietTenant = "quiet";
/** Has stored logs and asks expensive questions of them. */
export const askingTenant = "asking";
/** A log agent gives up on an answer after this long. */
const patienceMs = 30_000;
/** So many new pushes in one go at most: the client is late then, and stays so. */
const catchUpMax = 200;
const pushPath = "/loki/api/v1/push";

const agent = new Agent({ keepAlive: true, maxSockets: 4000 });

export function closeConnections(): void {
  agent.destroy();
}

export function push(target: Target, tenant: string, body: Buffer): Promise<Outcome> {
  const headers = { ...snappyHeaders, "Content-Length": body.length, "X-Scope-OrgID": tenant };
  return ask(new URL(pushPath, target.url), { method: "POST", headers, body });
}

export function query(
  target: Target,
  tenant: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const url = new URL("/loki/api/v1/query_range", target.url);
  url.search = new URLSearchParams(parameters).toString();
  return ask(url, { method: "GET", headers: { "X-Scope-OrgID": tenant } });
}

function ask(
  url: URL,
  sent: {
    readonly method: string;
    readonly headers: OutgoingHttpHeaders;
    readonly body?: Buffer;
  },
): Promise<Outcome> {
  const { method, headers, body } = sent;
  const fromMs = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, hasRetryAfter = false): void => {
      const nowMs = performance.now();
      resolve({ status, hasRetryAfter, atMs: nowMs, tookMs: nowMs - fromMs });
    };
    const asked = request(url, { method, headers, agent, timeout: patienceMs }, (answer) => {
      answer.resume();
      answer.on("error", () => end(0));
      answer.on("end", () =>
        end(answer.statusCode ?? 0, answer.headers["retry-after"] !== undefined),
      );
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => end(0));
    asked.end(body);
  });
}

export interface Bodies {
  readonly requests: readonly Buffer[];
}

/** As many clients as given push as fast as they are answered. */
export async function pushClosed(
  target: Target,
  { requests }: Bodies,
  how: { readonly clients: number; readonly forMs: number },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const endMs = performance.now() + how.forMs;
  let next = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const at = next++;
      outcomes.push(
        await push(target, loudTenants[at % loudTenants.length]!, bodyAt(requests, at)),
      );
    }
  };
  await Promise.all(Array.from({ length: how.clients }, client));
  return outcomes;
}

/** So many pushes a second, answered or not. */
export async function pushOpen(
  target: Target,
  { requests }: Bodies,
  how: { readonly perSecond: number; readonly forMs: number },
): Promise<Outcome[]> {
  const sent: Promise<Outcome>[] = [];
  const fromMs = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - fromMs;
    if (elapsedMs >= how.forMs) break;
    const due = Math.min((how.perSecond * elapsedMs) / 1000, sent.length + catchUpMax);
    while (sent.length < due) {
      const at = sent.length;
      sent.push(push(target, loudTenants[at % loudTenants.length]!, bodyAt(requests, at)));
    }
    await sleep(10);
  }
  return Promise.all(sent);
}

/** Repeats what is asked, with a pause after each answer, until it is over. */
export async function repeat(
  isOver: () => boolean,
  everyMs: number,
  once: (at: number) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  while (!isOver()) {
    outcomes.push(await once(outcomes.length));
    if (everyMs > 0) await sleep(everyMs);
  }
  return outcomes;
}

export function bodyAt(requests: readonly Buffer[], at: number): Buffer {
  const body = requests[at % requests.length];
  if (body === undefined) throw new RangeError("no push requests were made");
  return body;
}

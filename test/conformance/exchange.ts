import { once } from "node:events";
import { WebSocket } from "ws";

/** One request of a case or of its preparation. */
export interface CaseRequest {
  readonly method?: string;
  readonly path: string;
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, bytes as `{"base64":…}`, anything else as JSON. */
  readonly body?: unknown;
  /** `null`: no tenant header. */
  readonly tenant?: string | null;
  readonly status?: number;
  readonly waitMs?: number;
  readonly retryUntil?: string;
}

export interface ConformanceCase extends CaseRequest {
  readonly id: string;
  readonly topic: string;
  readonly before?: readonly CaseRequest[];
  readonly tail?: {
    readonly push?: readonly CaseRequest[];
    readonly expectEntries?: number;
    readonly timeoutMs?: number;
    readonly settleMs?: number;
  };
  readonly contentType?: string;
  readonly response?: unknown;
  readonly responseHeaders?: Readonly<Record<string, string | null>>;
  readonly compare: string;
  readonly ignore?: readonly string[];
  readonly loose?: readonly string[];
  readonly mask?: readonly string[];
  readonly has?: readonly string[];
  readonly ordered?: boolean;
  readonly alsoStatus?: readonly number[];
  readonly needs?: string;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Headers;
  readonly body: unknown;
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

function queryText(params: CaseRequest["params"]): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const one of typeof value === "string" ? [value] : value) {
      parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
    }
  }
  return parts.join("&");
}

function pathOf(request: CaseRequest): string {
  const query = queryText(request.params);
  if (query === "") return request.path;
  return request.path + (request.path.includes("?") ? "&" : "?") + query;
}

function bodyOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string") return Buffer.from(body);
  const { base64 } = body as { base64?: unknown };
  if (typeof base64 === "string") return Buffer.from(base64, "base64");
  return Buffer.from(JSON.stringify(body));
}

function tenantHeader(request: CaseRequest, fallback: string | null): Record<string, string> {
  const tenant = request.tenant === undefined ? fallback : request.tenant;
  return tenant === null ? {} : { "X-Scope-OrgID": tenant };
}

export async function exchange(
  url: string,
  request: CaseRequest,
  tenant: string | null,
): Promise<Answer & { readonly text: string }> {
  const body = bodyOf(request.body);
  const answer = await fetch(url + pathOf(request), {
    method: request.method ?? "GET",
    headers: { ...request.headers, ...tenantHeader(request, tenant) },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    redirect: "manual",
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const text = bytes.toString("utf8");
  const contentType = answer.headers.get("content-type") ?? "";
  return {
    status: answer.status,
    contentType,
    headers: answer.headers,
    body: bodyAs(contentType, bytes),
    text,
  };
}

function bodyAs(contentType: string, bytes: Buffer): unknown {
  if (/protobuf|octet-stream/i.test(contentType)) return { base64: bytes.toString("base64") };
  const text = bytes.toString("utf8");
  if (!/^application\/json/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

interface TailStream {
  readonly stream?: unknown;
  readonly labels?: unknown;
  readonly values?: unknown[];
  readonly entries?: unknown[];
}

interface TailFrame {
  readonly streams?: readonly TailStream[] | null;
  readonly dropped_entries?: readonly unknown[];
}

/** Connects, waits, pushes, collects frames until there are enough or the time is over, and joins them by stream. */
export async function runTail(url: string, item: ConformanceCase): Promise<Answer> {
  const { tail } = item;
  const headers = { ...item.headers, ...tenantHeader({ path: "" }, item.tenant ?? null) };
  const socket = new WebSocket(url.replace(/^http/, "ws") + pathOf(item), { headers });
  const frames: TailFrame[] = [];
  let close: { code: number; reason: string } | undefined;
  // Heard from the start: the first frame may come together with the handshake.
  const enough = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      frames.push(JSON.parse(data.toString("utf8")) as TailFrame);
      if (tail?.expectEntries !== undefined && entryCount(frames) >= tail.expectEntries) resolve();
    });
    socket.on("close", (code, reason) => {
      close ??= { code, reason: reason.toString("utf8") };
      resolve();
    });
  });
  const refused = await opened(socket);
  if (refused !== undefined) return refused;
  await sleep(tail?.settleMs ?? 1500);
  for (const push of tail?.push ?? []) {
    await exchange(url, push, item.tenant ?? null);
    await sleep(push.waitMs ?? 200);
  }
  await Promise.race([enough, sleep(tail?.timeoutMs ?? 8000)]);
  const body = { ...joined(frames), ...(close === undefined ? {} : { close }) };
  socket.removeAllListeners();
  socket.terminate();
  return { status: 101, contentType: "", headers: new Headers(), body };
}

async function opened(socket: WebSocket): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(undefined));
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      void once(response, "end").then(() => {
        const contentType = String(response.headers["content-type"] ?? "");
        const body = bodyAs(contentType, Buffer.concat(chunks));
        resolve({ status: response.statusCode ?? 0, contentType, headers: new Headers(), body });
      });
    });
  });
}

const entriesOf = (stream: TailStream): unknown[] => stream.values ?? stream.entries ?? [];

function entryCount(frames: readonly TailFrame[]): number {
  let count = 0;
  for (const frame of frames) {
    for (const stream of frame.streams ?? []) count += entriesOf(stream).length;
  }
  return count;
}

function joined(frames: readonly TailFrame[]): { streams: unknown[]; dropped: number } {
  const byLabels = new Map<string, TailStream>();
  let dropped = 0;
  for (const frame of frames) {
    dropped += frame.dropped_entries?.length ?? 0;
    for (const stream of frame.streams ?? []) {
      const key = JSON.stringify(stream.stream ?? stream.labels, sortedKeys);
      const known = byLabels.get(key);
      if (known === undefined) {
        const empty =
          stream.stream === undefined
            ? { labels: stream.labels, entries: [] }
            : { stream: stream.stream, values: [] };
        byLabels.set(key, empty);
      }
      entriesOf(byLabels.get(key)!).push(...entriesOf(stream));
    }
  }
  return { streams: [...byLabels.values()], dropped };
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

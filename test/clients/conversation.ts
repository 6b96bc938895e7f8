import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";
import { WebSocket } from "ws";
import { assertShape, type Shape } from "./match-shape.ts";

/** What one client says to Loki and what it needs to hear, one file each in `conversations/`. */
export interface Conversation {
  readonly client: string;
  /** Where its behaviour is described. */
  readonly source: string;
  /** Flags of a process of its own; else all share one. */
  readonly flags?: readonly string[];
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name: string;
  readonly request: {
    readonly method: string;
    /** Path and query as sent. `{now-5m}` and `{now}` stand for times in ns. */
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** At most one of these. `gzip` compresses `json` or `text` on the way. */
    readonly json?: unknown;
    readonly text?: string;
    readonly base64?: string;
    readonly gzip?: boolean;
  };
  readonly answer: {
    readonly status: number;
    /** What Content-Type begins with. */
    readonly type?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly json?: Shape;
    readonly text?: string;
    /** A regular expression. */
    readonly textLike?: string;
    /** A websocket: shapes of frames that come in this order, others may come between. */
    readonly frames?: readonly Shape[];
  };
  /** Asked again until the answer is as wanted, for what takes a moment. */
  readonly retry?: boolean;
}

const answersWithinMs = 10_000;

/** Throws AssertionError when the answer is not what the client needs. */
export async function playStep(step: Step, url: string, nowMs: number): Promise<void> {
  const path = withTimes(step.request.path, nowMs);
  if (step.answer.frames !== undefined) return playTail(step, url + path, nowMs);
  const deadline = performance.now() + answersWithinMs;
  for (;;) {
    try {
      await ask(step, url + path, nowMs);
      return;
    } catch (error) {
      if (step.retry !== true || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** `{now}`, `{now-90s}`, `{now-5m}`, `{now-2h}` in ns; with `:s` seconds, with `:iso` RFC 3339. */
function withTimes(text: string, nowMs: number): string {
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000 } as const;
  const pattern = /\{now(?:([+-]\d+)([smh]))?(:s|:iso)?\}/g;
  return text.replace(pattern, (_all, count?: string, unit?: keyof typeof unitMs, as?: string) => {
    const ms = nowMs + (unit === undefined ? 0 : Number(count) * unitMs[unit]);
    if (as === ":iso") return new Date(ms).toISOString();
    return as === ":s" ? String(ms / 1000) : `${ms}000000`;
  });
}

function bodyOf({ request: sent }: Step, nowMs: number): Buffer | undefined {
  const { json, text, base64 } = sent;
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  if (json === undefined && text === undefined) return undefined;
  const plain = Buffer.from(withTimes(text ?? JSON.stringify(json), nowMs));
  return sent.gzip === true ? gzipSync(plain) : plain;
}

async function ask(step: Step, target: string, nowMs: number): Promise<void> {
  const body = bodyOf(step, nowMs);
  const call = request(target, {
    method: step.request.method,
    headers: {
      ...step.request.headers,
      ...(body === undefined ? {} : { "Content-Length": body.length }),
    },
  });
  call.setTimeout(answersWithinMs, () => call.destroy(new Error(`no answer from ${target}`)));
  call.end(body);
  const [response] = (await once(call, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const raw = Buffer.concat(parts);
  const isZipped = response.headers["content-encoding"] === "gzip";
  const text = (isZipped ? gunzipSync(raw) : raw).toString("utf8");
  check(step.answer, response, text);
}

function check(want: Step["answer"], response: IncomingMessage, text: string): void {
  assert.equal(response.statusCode, want.status, text);
  const type = response.headers["content-type"] ?? "";
  if (want.type !== undefined) assert.ok(type.startsWith(want.type), `Content-Type: ${type}`);
  if (want.status === 204) assert.equal(text, "");
  for (const [name, value] of Object.entries(want.headers ?? {})) {
    assert.equal(response.headers[name.toLowerCase()], value, name);
  }
  if (want.text !== undefined) assert.equal(text.trimEnd(), want.text);
  if (want.textLike !== undefined) assert.match(text, new RegExp(want.textLike));
  if (want.json !== undefined) assertShape(JSON.parse(text), want.json);
}

async function playTail(step: Step, target: string, nowMs: number): Promise<void> {
  const headers = step.request.headers ?? {};
  const socket = new WebSocket(target.replace(/^http/, "ws"), { headers });
  const frames: unknown[] = [];
  const wanted = step.answer.frames ?? [];
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    done.reject(new Error(`frames so far: ${JSON.stringify(frames)}`));
  }, answersWithinMs);
  let at = 0;
  socket.on("message", (data: Buffer) => {
    const frame: unknown = JSON.parse(data.toString("utf8"));
    frames.push(frame);
    try {
      assertShape(frame, wanted[at]);
      at++;
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
    }
    if (at === wanted.length) done.resolve();
  });
  socket.on("error", (error) => done.reject(error));
  try {
    await once(socket, "open");
    const body = bodyOf(step, nowMs);
    if (body !== undefined) {
      const answer = await fetch(new URL("/loki/api/v1/push", target), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: new Uint8Array(body),
      });
      assert.equal(answer.status, 204);
    }
    await done.promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

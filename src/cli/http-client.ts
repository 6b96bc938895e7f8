/** Requests to one server: with retries, bounded answers, and failures that name what happened. */
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { isStoreError, MiB } from "#base";
import type { CliIo } from "./cli-io.ts";
import { CliError } from "./cli-error.ts";
import type { Connection } from "./connection.ts";

/** An answer is one JavaScript string in the end; longer ones need a smaller `--batch`. */
const answerBytesMax: number = 256 * MiB;

/** Queries may compute for long before the first byte; a server that is silent longer is gone. */
const silenceMsMax: number = 5 * 60_000;

/** Query strings longer than this go into a form: proxies commonly refuse lines above 8 KiB. */
const queryStringLengthMax = 6000;

const inflate = promisify(gunzip);

export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the address, with a slash in front. */
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** A body of parameters, instead of `body`. */
  readonly form?: URLSearchParams;
  readonly retries?: number;
  /** Without a byte from the server for this long, it failed; 5 minutes when not given. */
  readonly timeoutMs?: number;
}

/** The server answered with something else than 2xx, or did not answer (`status` 0). */
export class RequestFailure extends Error {
  readonly url: string;
  readonly status: number;
  /** For status 0: the system's code such as ECONNREFUSED. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    what: { url: string; status: number; code: string; retryAfterMs: number | undefined },
    text: string,
    options?: ErrorOptions,
  ) {
    super(text, options);
    this.name = "RequestFailure";
    this.url = what.url;
    this.status = what.status;
    this.code = what.code;
    this.retryAfterMs = what.retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === 0
      ? !this.code.startsWith("ERR_") && !certificateCodes.test(this.code)
      : this.status === 429 || this.status >= 500;
  }
}

/** Codes of OpenSSL and Node for certificates that are not trusted; waiting does not help. */
const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO|HOSTNAME/;

export class HttpClient {
  readonly connection: Connection;
  readonly #io: CliIo;

  constructor(connection: Connection, io: CliIo) {
    this.connection = connection;
    this.#io = io;
  }

  url(path: string, query?: URLSearchParams): URL {
    const url = new URL(this.connection.base);
    url.pathname = url.pathname.replace(/\/$/, "") + path;
    if (query !== undefined) url.search = query.toString();
    return url;
  }

  /** The answer's JSON. Integers beyond 2^53 must be strings in it, as timestamps are. */
  async json(
    path: string,
    query: URLSearchParams,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const isLong = query.toString().length > queryStringLengthMax;
    const text = await this.send(
      isLong
        ? { method: "POST", path, form: query, headers: { ...headers, ...formHeaders } }
        : { method: "GET", path, query, headers },
    );
    try {
      return JSON.parse(text);
    } catch {
      const start = JSON.stringify(text.slice(0, 80));
      throw new CliError(`${this.url(path).href} did not answer JSON but ${start}`, {
        hints: ["Is this the address of a Skald or Loki server? Set it with --addr (LOKI_ADDR)."],
      });
    }
  }

  /** Sends, retries what may pass, and gives the body of a 2xx answer. Else RequestFailure. */
  async send(request: HttpRequest): Promise<string> {
    const retries = request.retries ?? this.connection.retries;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(request);
      } catch (error) {
        if (!(error instanceof RequestFailure) || !error.isPassing || attempt >= retries) {
          throw error;
        }
        const waitMs = error.retryAfterMs ?? this.backoffMs(attempt);
        await this.#io.clock.sleep(waitMs, this.#io.interrupted);
      }
    }
  }

  /** Doubles up to the maximum; a random half keeps many clients from coming back together. */
  backoffMs(attempt: number): number {
    const { minBackoffMs, maxBackoffMs } = this.connection;
    const full = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(attempt, 30));
    return full * (0.5 + this.#io.random.fraction() / 2);
  }

  async #once(request: HttpRequest): Promise<string> {
    const url = this.url(request.path, request.query);
    const message = await this.#open(url, request);
    const body = await readBody(message, url);
    const status = message.statusCode ?? 0;
    if (status >= 200 && status < 300) return body.toString("utf8");
    const text = body.toString("utf8", 0, failureTextMax).trim();
    const retryAfterMs = retryAfterOf(message.headers["retry-after"], this.#io.clock.nowMs());
    const asked = this.url(request.path, request.form ?? request.query).href;
    const what = { url: asked, status, code: "", retryAfterMs };
    throw new RequestFailure(what, text || (message.statusMessage ?? ""));
  }

  #open(url: URL, request: HttpRequest): Promise<IncomingMessage> {
    const { agent, headers } = this.connection;
    const { interrupted } = this.#io;
    const timeoutMs = request.timeoutMs ?? silenceMsMax;
    const open = url.protocol === "https:" ? httpsRequest : httpRequest;
    const body = request.form === undefined ? request.body : Buffer.from(request.form.toString());
    return new Promise((resolve, reject) => {
      const sent = open(url, {
        method: request.method,
        agent,
        headers: {
          ...headers,
          ...request.headers,
          "Accept-Encoding": "gzip",
          ...(body === undefined ? {} : { "Content-Length": body.length }),
        },
        timeout: timeoutMs,
        signal: interrupted,
      });
      sent.on("timeout", () => sent.destroy(silence(timeoutMs)));
      sent.on("error", (error) => reject(this.#failure(error, url)));
      sent.on("response", resolve);
      sent.end(body);
    });
  }

  #failure(error: unknown, url: URL): unknown {
    if (this.#io.interrupted.aborted) return this.#io.interrupted.reason;
    return unreachable(error, url);
  }
}

const formHeaders = { "Content-Type": "application/x-www-form-urlencoded" };

/** Of an error text; more would bury the message. */
const failureTextMax = 4096;

function silence(timeoutMs: number): Error {
  const isLong = timeoutMs >= 60_000;
  const span = isLong ? `${timeoutMs / 60_000} minutes` : `${timeoutMs / 1000} s`;
  const text = `no answer within ${span}`;
  return Object.assign(new Error(text), { code: "ETIMEDOUT" });
}

function unreachable(error: unknown, url: URL): unknown {
  if (!(error instanceof Error) || error instanceof CliError || isStoreError(error)) return error;
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : undefined;
  const cause = inner instanceof Error ? inner : error;
  const code = "code" in cause ? String(cause.code) : "";
  const what = { url: url.href, status: 0, code, retryAfterMs: undefined };
  return new RequestFailure(what, cause.message || code, { cause: error });
}

async function readBody(message: IncomingMessage, url: URL): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of message as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > answerBytesMax) throw tooLarge(url);
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    if (message.headers["content-encoding"] !== "gzip") return body;
    return await inflate(body, { maxOutputLength: answerBytesMax });
  } catch (error) {
    if (isTooLarge(error)) throw tooLarge(url);
    throw unreachable(error, url);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

function tooLarge(url: URL): CliError {
  return new CliError(`the answer of ${url.origin} is larger than ${answerBytesMax / MiB} MiB`, {
    hints: ["Ask for less at a time with --batch."],
  });
}

/** Seconds, or an HTTP date. */
function retryAfterOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

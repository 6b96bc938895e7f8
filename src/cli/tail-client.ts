import { WebSocket } from "ws";
import { MiB } from "#base";
import type { CliIo } from "./cli-io.ts";
import { type HttpClient, RequestFailure } from "./http-client.ts";

export interface TailConnection {
  readonly client: HttpClient;
  readonly io: CliIo;
  readonly params: URLSearchParams;
  readonly onOpen: () => void;
  readonly onPing?: () => void;
  /** One at a time; the next frames wait in the socket meanwhile. */
  readonly onFrame: (text: string) => Promise<void>;
}

/** The server pings every second; when nothing at all came for this long, the line is dead. */
const silenceMsMax = 30_000;
const frameBytesMax: number = 64 * MiB;
const refusalTextMax = 4096;

/**
 * One connection of a tail, from opening to its end. Resolves with why it ended; rejects with the
 * reason of an interruption and with what `onFrame` threw.
 */
export async function followTail(tail: TailConnection): Promise<Error> {
  const { client, io } = tail;
  const url = client.url("/loki/api/v1/tail", tail.params);
  const asked = url.href;
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, {
    agent: client.connection.agent,
    headers: client.connection.headers,
    maxPayload: frameBytesMax,
    handshakeTimeout: silenceMsMax,
  });
  const state = new TailState(socket, tail);
  const stop = (): void => state.fail(io.interrupted.reason);
  if (io.interrupted.aborted) stop();
  io.interrupted.addEventListener("abort", stop, { once: true });
  const watch = watchSilence(state, io);
  try {
    return await state.ended(asked);
  } finally {
    watch();
    io.interrupted.removeEventListener("abort", stop);
  }
}

class TailState {
  readonly #socket: WebSocket;
  readonly #tail: TailConnection;
  #handled: Promise<void> = Promise.resolve();
  #isBusy = false;
  #failure: { readonly reason: unknown } | undefined;
  #heardMs: number;

  constructor(socket: WebSocket, tail: TailConnection) {
    this.#socket = socket;
    this.#tail = tail;
    this.#heardMs = tail.io.clock.monotonicMs();
    socket.on("message", (data: Buffer) => this.#take(data.toString("utf8")));
    socket.on("ping", () => {
      this.#hear();
      tail.onPing?.();
    });
    socket.on("open", () => {
      this.#hear();
      tail.onOpen();
    });
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    // A refused or half-open connection has no close handshake to wait for.
    this.#socket.terminate();
  }

  isSilent(nowMs: number): boolean {
    return !this.#isBusy && nowMs - this.#heardMs > silenceMsMax;
  }

  silence(): void {
    this.#socket.emit("error", new Error(`nothing heard for ${silenceMsMax / 1000} s`));
    this.#socket.terminate();
  }

  async ended(asked: string): Promise<Error> {
    const why = await this.#closed(asked);
    await this.#handled;
    if (this.#failure !== undefined) throw this.#failure.reason;
    return why;
  }

  #hear(): void {
    this.#heardMs = this.#tail.io.clock.monotonicMs();
  }

  #take(text: string): void {
    this.#hear();
    this.#isBusy = true;
    this.#socket.pause();
    this.#handled = this.#handled
      .then(() => (this.#failure === undefined ? this.#tail.onFrame(text) : undefined))
      .catch((error: unknown) => this.fail(error))
      .then(() => {
        this.#isBusy = false;
        this.#hear();
        this.#socket.resume();
      });
  }

  #closed(asked: string): Promise<Error> {
    return new Promise((resolve) => {
      const socket = this.#socket;
      socket.on("close", (code, reason) => {
        const text = reason.toString("utf8");
        resolve(new Error(text === "" ? `closed with code ${code}` : `${text} (code ${code})`));
      });
      socket.on("error", (error: Error & { code?: string }) => {
        const code = error.code ?? "";
        const what = { url: asked, status: 0, code, retryAfterMs: undefined };
        resolve(new RequestFailure(what, error.message || code, { cause: error }));
      });
      socket.on("unexpected-response", (_request, response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (text.length < refusalTextMax) text += part;
        });
        response.on("close", () => {
          const status = response.statusCode ?? 0;
          const what = { url: asked, status, code: "", retryAfterMs: undefined };
          resolve(new RequestFailure(what, text.trim() || (response.statusMessage ?? "")));
          socket.terminate();
        });
      });
    });
  }
}

/** Looks now and then whether the connection still lives; returns what stops it. */
function watchSilence(state: TailState, io: CliIo): () => void {
  let cancel = (): void => undefined;
  const look = (): void => {
    if (state.isSilent(io.clock.monotonicMs())) state.silence();
    else cancel = io.clock.schedule(silenceMsMax / 6, look);
  };
  look();
  return () => cancel();
}

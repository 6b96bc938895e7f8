/**
 * Clients that do not take their answers. Node has no limit of its own: an answer that nobody reads
 * would hold its memory and its connection for ever. While something waits for the client, time
 * counts; within each such `timeoutMs` the client has to take a number of bytes, or the rest. Time
 * in which the server itself has nothing to send does not count.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger, Metrics } from "#telemetry";
import type { Clock } from "#world";

export interface AnswerWatchOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Pick<Logger, "debug">;
  /** 0: clients may take as long as they like. */
  readonly timeoutMs: number;
}

/** Taken more slowly, an answer is not wanted; it stands in memory until it is taken. */
const answerBytesPerSecondMin: number = 64 * 1024;
/** What is made as fast as the client reads holds little: a slow reader may be a person's terminal. */
const streamBytesPerSecondMin: number = 4 * 1024;
/** So often in each timeout, but not more often than once in `lookEveryMsMin`. */
const looksPerTimeout = 8;
const lookEveryMsMin = 20;
const lookEveryMsMax = 1000;

interface Sending {
  readonly isStream: boolean;
  atMs: number;
  /** Since the client took enough last. */
  waitedMs: number;
  /** What it had taken by then. */
  takenBytes: number;
}

export class AnswerWatch {
  readonly #options: AnswerWatchOptions;
  readonly #sending = new Map<ServerResponse, Sending>();
  readonly #everyMs: number;
  #cancel: (() => void) | undefined;

  constructor(options: AnswerWatchOptions) {
    this.#options = options;
    const everyMs = options.timeoutMs / looksPerTimeout;
    this.#everyMs = Math.min(lookEveryMsMax, Math.max(lookEveryMsMin, everyMs));
  }

  /** The answer is about to be sent. `isStream`: it is made while it is read. */
  begin(response: ServerResponse, isStream: boolean): void {
    if (this.#options.timeoutMs <= 0 || this.#sending.has(response)) return;
    const atMs = this.#options.clock.monotonicMs();
    const { takenBytes } = progressOf(response.socket);
    this.#sending.set(response, { isStream, atMs, waitedMs: 0, takenBytes });
    response.once("close", () => this.#sending.delete(response));
    this.#cancel ??= this.#options.clock.schedule(this.#everyMs, () => this.#look());
  }

  close(): void {
    this.#cancel?.();
    this.#sending.clear();
  }

  #look(): void {
    for (const [response, sending] of this.#sending) this.#lookAt(response, sending);
    // Nobody is watched: nothing runs until the next answer.
    this.#cancel =
      this.#sending.size === 0
        ? undefined
        : this.#options.clock.schedule(this.#everyMs, () => this.#look());
  }

  #lookAt(response: ServerResponse, sending: Sending): void {
    const { clock, timeoutMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const { waitingBytes, takenBytes } = progressOf(response.socket);
    const elapsedMs = nowMs - sending.atMs;
    sending.atMs = nowMs;
    if (waitingBytes === 0) return;
    sending.waitedMs += elapsedMs;
    if (sending.waitedMs < timeoutMs) return;
    const perSecond = sending.isStream ? streamBytesPerSecondMin : answerBytesPerSecondMin;
    if (takenBytes - sending.takenBytes < (perSecond * sending.waitedMs) / 1000) {
      this.#cut(response, waitingBytes);
      return;
    }
    sending.waitedMs = 0;
    sending.takenBytes = takenBytes;
  }

  #cut(response: ServerResponse, waitingBytes: number): void {
    const { log, metrics } = this.#options;
    metrics
      .counter(
        "skald_http_slow_readers_cut_total",
        "Connections closed because the client did not take its answer in time.",
      )
      .inc();
    log.debug("a client does not take its answer", { waitingBytes });
    response.destroy();
  }
}

/** The system's side of a connection; with TLS it stands behind the one that encrypts. */
interface Handle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
  readonly _parent?: Handle | null;
}

/** What the system took of a connection, and what still waits to be. */
function progressOf(socket: Socket | null): {
  readonly waitingBytes: number;
  readonly takenBytes: number;
} {
  const { _handle: own } = (socket ?? {}) as { _handle?: Handle | null };
  const handle = own?._parent ?? own;
  if (socket === null || handle === undefined || handle === null) {
    return { waitingBytes: 0, takenBytes: 0 };
  }
  // Node counts a write when all of it is done; how far a long one is only the handle knows.
  const takenBytes = handle.bytesWritten - handle.writeQueueSize;
  return { waitingBytes: socket.writableLength, takenBytes };
}

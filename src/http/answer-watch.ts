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
  /** What it took by then: writes that were done, and what stood in the one under way. */
  doneBytes: number;
  queuedBytes: number;
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
    const { doneBytes, queuedBytes } = progressOf(response.socket);
    this.#sending.set(response, { isStream, atMs, waitedMs: 0, doneBytes, queuedBytes });
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
    const { waitingBytes, doneBytes, queuedBytes } = progressOf(response.socket);
    const elapsedMs = nowMs - sending.atMs;
    sending.atMs = nowMs;
    if (waitingBytes === 0) return;
    sending.waitedMs += elapsedMs;
    if (sending.waitedMs < timeoutMs) return;
    const perSecond = sending.isStream ? streamBytesPerSecondMin : answerBytesPerSecondMin;
    const isSameWrite = doneBytes === sending.doneBytes;
    const takenBytes = isSameWrite
      ? sending.queuedBytes - queuedBytes
      : doneBytes - sending.doneBytes;
    if (takenBytes < (perSecond * sending.waitedMs) / 1000) {
      this.#cut(response, waitingBytes);
      return;
    }
    Object.assign(sending, { waitedMs: 0, doneBytes, queuedBytes });
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

/** What a connection has handed to the system, and what it still holds. */
function progressOf(socket: Socket | null): {
  readonly waitingBytes: number;
  readonly doneBytes: number;
  readonly queuedBytes: number;
} {
  if (socket === null) return { waitingBytes: 0, doneBytes: 0, queuedBytes: 0 };
  const waitingBytes = socket.writableLength;
  // A write counts as done when all of it is; within a long one only the handle knows how far it is.
  const { _handle: handle } = socket as { _handle?: { readonly writeQueueSize?: number } | null };
  return {
    waitingBytes,
    doneBytes: socket.bytesWritten - waitingBytes,
    queuedBytes: handle?.writeQueueSize ?? 0,
  };
}

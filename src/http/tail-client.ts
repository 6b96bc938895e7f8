/**
 * Whether the client of a live tail is still there, takes what it is sent and sends nothing but what
 * a listener has to say. One that does not is cut: its connection may look alive for hours.
 */
import type { Socket } from "node:net";
import { KiB, minute, second } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock } from "#world";
import type { WebSocket } from "ws";

const pingEveryMs: number = second;
/** A client that answers no ping for this long is gone, whatever its connection says. */
const pongWithinMs: number = minute;
/** Pongs can be sent without being asked: a frame that does not leave says that nobody reads. */
const frameWithinMs: number = minute;
/** Clients answer pings and close; each frame costs time, also those without content. */
const bytesPerSecondMax: number = 128 * KiB;
/** For the reason to arrive. */
const lingerMs = 500;
/** The websocket's code for a client that is not, or does what is not, allowed. */
export const policyCode = 1008;

export interface TailClientOptions {
  readonly socket: WebSocket;
  /** What the websocket runs over. */
  readonly connection: Socket;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export class TailClient {
  readonly #options: TailClientOptions;
  readonly #cut;
  #heardMs: number;
  /** When the frame on its way was sent; undefined: there is none. */
  #sentMs: number | undefined;
  #receivedBytes = 0;
  #cancel: (() => void) | undefined;

  constructor(options: TailClientOptions) {
    this.#options = options;
    const { clock, metrics } = options;
    this.#heardMs = clock.monotonicMs();
    this.#cut = metrics.counter(
      "skald_tail_clients_cut_total",
      "Live tails cut: no answer to pings, frames not taken, or too much sent by the client.",
      ["reason"],
    );
  }

  /** Watches until the websocket has closed. */
  watch(): void {
    const { socket, connection, clock } = this.#options;
    const receive = (data: Buffer): void => this.#receive(data.length);
    socket.on("error", () => socket.terminate());
    socket.on("pong", () => {
      this.#heardMs = clock.monotonicMs();
    });
    connection.on("data", receive);
    socket.once("close", () => {
      this.#cancel?.();
      connection.off("data", receive);
    });
    this.#ping();
  }

  /** One frame at a time; `done` when it has left. */
  send(frame: string, done: () => void): void {
    const { socket, clock } = this.#options;
    this.#sentMs = clock.monotonicMs();
    socket.send(frame, () => {
      this.#sentMs = undefined;
      done();
    });
  }

  #ping(): void {
    const { socket, clock } = this.#options;
    if (socket.readyState === socket.CLOSED) return;
    const nowMs = clock.monotonicMs();
    this.#receivedBytes = 0;
    if (nowMs - this.#heardMs > pongWithinMs) this.#terminate("silent");
    else if (nowMs - (this.#sentMs ?? nowMs) > frameWithinMs) this.#terminate("not reading");
    else socket.ping();
    this.#cancel = clock.schedule(pingEveryMs, () => this.#ping());
  }

  #receive(bytes: number): void {
    const before = this.#receivedBytes;
    this.#receivedBytes += bytes;
    if (before > bytesPerSecondMax || this.#receivedBytes <= bytesPerSecondMax) return;
    const { socket, connection, clock } = this.#options;
    this.#cut.inc({ reason: "flood" });
    socket.close(policyCode, "a live tail's client has nothing to send");
    connection.pause();
    this.#cancel?.();
    this.#cancel = clock.schedule(lingerMs, () => socket.terminate());
  }

  #terminate(reason: string): void {
    this.#cut.inc({ reason });
    this.#options.socket.terminate();
  }
}

/**
 * Heads of requests that are still arriving. Each may be a mebibyte and take its time; thousands of
 * connections together could fill the memory of the machine before any of them asked for
 * anything. What has arrived of heads is counted over all connections, and beyond the limit the
 * largest are cut.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { MiB } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock } from "#world";

/** Ordinary heads are a kibibyte: a hundred thousand of them at once are far below. */
const headsBytesMax: number = 128 * MiB;
/** Fewer connections cannot hold as much, as one head has at most a mebibyte. */
const connectionsMin = 128;
const lookEveryMs = 200;

/** What had been read of a connection when its last request had its head; undefined: under way. */
interface Connection {
  fromBytes: number | undefined;
}

export class HeadWatch {
  readonly #connections = new Map<Socket, Connection>();
  readonly #clock: Clock;
  readonly #cut;
  #cancel: (() => void) | undefined;

  constructor(options: { readonly clock: Clock; readonly metrics: Metrics }) {
    this.#clock = options.clock;
    this.#cut = options.metrics.counter(
      "skald_http_heads_cut_total",
      "Connections closed because heads of requests that had not ended held too much memory.",
    );
  }

  /** Sees the connections that come from now on, and ends with the server. */
  watch(server: Server, event: "connection" | "secureConnection"): void {
    server.on(event, (socket: Socket) => {
      this.#connections.set(socket, { fromBytes: 0 });
      socket.once("close", () => this.#connections.delete(socket));
      if (this.#connections.size >= connectionsMin) this.#lookLater();
    });
    // From then on it is no HTTP any more.
    server.on("upgrade", ({ socket }) => this.begun(socket));
    server.once("close", () => this.#cancel?.());
  }

  /** A request's head has come whole: what is read now is its body. */
  begun(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.fromBytes = undefined;
  }

  /** It was answered: the next head may come, after what is left of its body. */
  ended(request: IncomingMessage): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    if (request.complete) connection.fromBytes = socket.bytesRead;
    else request.once("end", () => (connection.fromBytes = socket.bytesRead));
  }

  #lookLater(): void {
    this.#cancel ??= this.#clock.schedule(lookEveryMs, () => {
      this.#cancel = undefined;
      this.#look();
      if (this.#connections.size >= connectionsMin) this.#lookLater();
    });
  }

  #look(): void {
    let heldBytes = 0;
    const held: { readonly socket: Socket; readonly bytes: number }[] = [];
    for (const [socket, { fromBytes }] of this.#connections) {
      const bytes = fromBytes === undefined ? 0 : socket.bytesRead - fromBytes;
      if (bytes === 0) continue;
      heldBytes += bytes;
      held.push({ socket, bytes });
    }
    if (heldBytes <= headsBytesMax) return;
    held.sort((a, b) => b.bytes - a.bytes);
    for (const { socket, bytes } of held) {
      if (heldBytes <= headsBytesMax) return;
      heldBytes -= bytes;
      this.#cut.inc();
      socket.destroy();
    }
  }
}

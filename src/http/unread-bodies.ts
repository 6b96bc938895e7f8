/**
 * Answers to requests whose bodies have not been read: too many pushes, too large ones, no right to.
 *
 * The rest of a small body is read and thrown away, and the connection stays: that costs less than a
 * new one. A larger body is not waited for: the answer says `Connection: close`, nothing more is
 * read, and our side is closed. Closing both sides at once would make the system reset the
 * connection, and a client that is still sending could lose its answer to that. So the other side
 * stays open for a moment (RFC 9112, section 9.6). Clients that read while they send leave then.
 * Those that send first are read, all together only so fast, and get their answer when they are
 * through. What is left after that moment is cut.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { KiB, MiB, second } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock } from "#world";

/** Reading so much costs about as much as taking a new connection in. */
export const readOnBytesMax: number = 512 * KiB;
/** How long a connection is kept for its client to read the answer. */
const lingerMsMax: number = 5 * second;
/** Each holds what the system has taken in of its body, some 100 KiB outside of this process. */
const lingeringMax = 512;
/** So often a part of the bodies is read. The first wait is long enough for most clients to leave. */
const tickMs = 50;
/** Of all of them together: a twentieth of what the thread could read. */
const bytesPerTick: number = 2 * MiB;
/** A chunk, as the system hands it out. */
const shareBytesMin: number = 64 * KiB;

interface Lingering {
  readonly socket: Socket;
  untilMs: number;
  /** What may be read of it in this tick. */
  shareBytes: number;
}

export class UnreadBodies {
  readonly #clock: Clock;
  readonly #closed;
  /** In order of `untilMs`. */
  readonly #lingering = new Map<Socket, Lingering>();
  #cancel: (() => void) | undefined;

  constructor({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }) {
    this.#clock = clock;
    this.#closed = metrics.counter(
      "skald_http_unread_bodies_total",
      "Requests answered without waiting for their bodies; their connections are closed.",
    );
    metrics.observe(
      "skald_http_lingering_connections",
      "Connections kept for a moment until their clients have read such an answer.",
      () => this.#lingering.size,
    );
  }

  /** True: the answer is to say that the connection will be closed, and the rest is seen to. */
  isLeft(request: IncomingMessage): boolean {
    if (request.complete || unreadBytes(request) <= readOnBytesMax) return false;
    this.#closed.inc();
    this.#takeOver(request.socket);
    return true;
  }

  /** From now on what comes over the connection is counted and thrown away, and not parsed. */
  #takeOver(socket: Socket): void {
    const one = { socket, untilMs: Number.POSITIVE_INFINITY, shareBytes: 0 };
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      one.shareBytes -= chunk.length;
      if (one.shareBytes <= 0) socket.pause();
    });
    socket.pause();
    // Node calls it once the answer is written; its own would close both sides.
    socket.destroySoon = () => this.#linger(one);
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#cancel?.();
    for (const { socket } of this.#lingering.values()) socket.destroy();
  }

  #linger(one: Lingering): void {
    const { socket } = one;
    if (socket.destroyed) return;
    one.untilMs = this.#clock.monotonicMs() + lingerMsMax;
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#lingering.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.end();
    this.#lingering.set(socket, one);
    if (this.#lingering.size > lingeringMax) {
      const [oldest] = this.#lingering.keys();
      oldest?.destroy();
    }
    this.#cancel ??= this.#clock.schedule(tickMs, () => this.#tick());
  }

  /** Reads a part of each, in order, as far as the bytes go; cuts those whose time is over. */
  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    const share = Math.max(shareBytesMin, bytesPerTick / this.#lingering.size);
    let left = bytesPerTick;
    for (const [socket, one] of this.#lingering) {
      if (nowMs >= one.untilMs) {
        socket.destroy();
      } else if (left > 0) {
        left -= share;
        one.shareBytes = share;
        socket.resume();
      }
    }
    this.#cancel =
      this.#lingering.size === 0 ? undefined : this.#clock.schedule(tickMs, () => this.#tick());
  }
}

/** At most; a body that does not say how long it is may be as long as it likes. */
function unreadBytes({ headers }: IncomingMessage): number {
  if (headers["transfer-encoding"] !== undefined) return Number.POSITIVE_INFINITY;
  // Who asked whether to send it may send none of it, and the next request would be taken for it.
  const length = Number(headers["content-length"] ?? 0);
  return length > 0 && headers.expect !== undefined ? Number.POSITIVE_INFINITY : length;
}

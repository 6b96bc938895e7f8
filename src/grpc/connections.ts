import type { Http2SecureServer, Http2Server, ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { messageOf } from "#base";
import type { Clock } from "#world";
import type { GrpcPorts } from "./ports.ts";

/** Clients keep one or few connections each. */
const connectionsDefault = 4096;
/** For the last frames to arrive; a client that does not hang up then is hung up on. */
const lingerMs = 1000;

export interface ConnectionOptions {
  /** A connection without calls for so long is closed. */
  readonly idleTimeoutMs: number;
  /** Connections at once; 4,096 when not given. */
  readonly connectionsMax?: number;
  readonly isTls: boolean;
}

/** The connections of a server: bounded, and closed for good when they are idle. */
export class Connections {
  readonly #sockets = new Map<ServerHttp2Session, Duplex | undefined>();
  readonly #clock: Clock;

  constructor(
    server: Http2Server | Http2SecureServer,
    { idleTimeoutMs, connectionsMax, isTls }: ConnectionOptions,
    { log, clock }: GrpcPorts,
  ) {
    this.#clock = clock;
    server.maxConnections = connectionsMax ?? connectionsDefault;
    // The session comes right after its socket; of itself it shows only a proxy that cannot close.
    let latest: Duplex | undefined;
    server.prependListener(isTls ? "secureConnection" : "connection", (socket: Duplex) => {
      latest = socket;
    });
    server.on("session", (session) => {
      this.#sockets.set(session, latest);
      latest = undefined;
      session.once("close", () => this.#sockets.delete(session));
      session.setTimeout(idleTimeoutMs, () => this.#end(session));
    });
    server.on("sessionError", (error) => {
      log.debug("gRPC connection failed", { reason: messageOf(error) });
    });
  }

  /** Takes no new call; connections end when their calls have. */
  close(): void {
    for (const session of this.#sockets.keys()) this.#end(session);
  }

  /** Cuts what is left. */
  destroy(): void {
    for (const [session, socket] of this.#sockets) {
      session.destroy();
      socket?.destroy();
    }
  }

  #end(session: ServerHttp2Session): void {
    session.close();
    this.#hangUp(session);
  }

  /** Of a session that has ended Node waits for ever for the other side to close, too. */
  #hangUp(session: ServerHttp2Session): void {
    const socket = this.#sockets.get(session);
    if (socket === undefined) return;
    const isOver = session.destroyed;
    const cancel = this.#clock.schedule(lingerMs, () => {
      socket.off("close", cancel);
      if (isOver) socket.destroy();
      else this.#hangUp(session);
    });
    socket.once("close", cancel);
  }
}

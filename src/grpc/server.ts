import {
  createSecureServer,
  createServer,
  constants,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { once } from "node:events";
import type { ServerTls } from "#access";
import { messageOf } from "#base";
import { create } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { peerValues } from "./caller.ts";
import { compressions } from "./compressions.ts";
import { Health, LogsService, Pusher, ServingStatus } from "./descriptors.ts";
import { observeCalls } from "./observe-calls.ts";
import type { GrpcPorts } from "./ports.ts";
import { takePush } from "./push-service.ts";

export interface GrpcServerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Of one message, as it comes and decompressed. */
  readonly receiveBytesMax: number;
  /** How long a client may send nothing in the middle of a call. */
  readonly readTimeoutMs: number;
  /** A connection without calls for so long is closed. */
  readonly idleTimeoutMs: number;
  /** Connections at once; 4,096 when not given. */
  readonly connectionsMax?: number;
  /** Not given: h2c, without TLS. */
  readonly tls?: Pick<ServerTls, "options" | "attach">;
  /** How long `close` waits for calls under way. */
  readonly closeTimeoutMs: number;
}

export interface GrpcServer {
  readonly address: string;
  readonly port: number;
  /** Takes no new connection or call, lets calls under way finish, then cuts what is left. */
  close(): Promise<void>;
}

/** Calls at once on one connection; what grpc-go and Loki have by default. */
const callsPerConnectionMax = 100;
/** Calls at once in all. Each may hold a message, so this bounds memory. */
const callsMax = 256;
/** Clients keep one or few connections each. */
const connectionsDefault = 4096;
/** Of a call's metadata; more is no client of ours. */
const metadataBytesMax: number = 64 * 1024;
/** A deadline further away than this is taken as this. */
const deadlineMaxMs: number = 10 * 60 * 1000;

/** Speaks gRPC over HTTP/2, with TLS or without (h2c). */
export async function startGrpcServer(
  options: GrpcServerOptions,
  ports: GrpcPorts,
): Promise<GrpcServer> {
  const stopping = new AbortController();
  const handler = connectNodeAdapter({
    routes: (router) => routes(router, ports),
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [...compressions],
    readMaxBytes: options.receiveBytesMax,
    maxTimeoutMs: deadlineMaxMs,
    interceptors: [observeCalls(ports)],
    shutdownSignal: stopping.signal,
    contextValues: (request) => peerValues(request as Http2ServerRequest),
  });
  const calls = new CallGate(options.readTimeoutMs);
  const server = http2Server(options.tls, (request, response) => {
    if (calls.enter(request, response)) handler(request, response);
  });
  const sessions = trackSessions(server, options, ports);
  server.listen(options.port, options.address);
  await once(server, "listening");
  const bound = server.address();
  const port = bound === null || typeof bound === "string" ? options.port : bound.port;
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const ended = once(server, "close");
    server.close();
    for (const session of sessions) session.close();
    const cancel = ports.clock.schedule(options.closeTimeoutMs, () => {
      stopping.abort();
      for (const session of sessions) session.destroy();
    });
    await ended;
    cancel();
  };
  return { address: options.address, port, close: () => (closed ??= close()) };
}

function http2Server(
  tls: GrpcServerOptions["tls"],
  handler: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Http2Server | Http2SecureServer {
  const settings = {
    maxConcurrentStreams: callsPerConnectionMax,
    maxHeaderListSize: metadataBytesMax,
  };
  if (tls === undefined) return createServer({ settings }, handler);
  const server = createSecureServer({ settings, ...tls.options() }, handler);
  tls.attach(server);
  return server;
}

function routes(router: ConnectRouter, ports: GrpcPorts): void {
  router.service(Pusher, {
    push: async (message, context) => {
      await takePush(message, context, { ports, kind: "loki-message" });
      return create(Pusher.method.push.output);
    },
  });
  router.service(LogsService, {
    export: async (message, context) => {
      await takePush(message, context, { ports, kind: "otlp" });
      return create(LogsService.method.export.output);
    },
  });
  router.service(Health, {
    check: () =>
      create(Health.method.check.output, {
        status:
          ports.admin.notReady() === undefined ? ServingStatus.Serving : ServingStatus.NotServing,
      }),
  });
}

/** Bounds the calls under way and cuts those whose client falls silent. */
class CallGate {
  readonly #readTimeoutMs: number;
  #count = 0;

  constructor(readTimeoutMs: number) {
    this.#readTimeoutMs = readTimeoutMs;
  }

  /** False when the call was refused and answered. */
  enter(request: Http2ServerRequest, response: Http2ServerResponse): boolean {
    const { stream } = request;
    if (this.#count >= callsMax) {
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": String(Code.Unavailable),
          "grpc-message": `more than ${callsMax} calls at once`,
        },
        { endStream: true },
      );
      return false;
    }
    this.#count++;
    stream.setTimeout(this.#readTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    response.once("close", () => this.#count--);
    return true;
  }
}

function trackSessions(
  server: Http2Server | Http2SecureServer,
  { idleTimeoutMs, connectionsMax }: GrpcServerOptions,
  { log }: GrpcPorts,
): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.maxConnections = connectionsMax ?? connectionsDefault;
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setTimeout(idleTimeoutMs, () => session.close());
  });
  server.on("sessionError", (error) => {
    log.debug("gRPC connection failed", { reason: messageOf(error) });
  });
  return sessions;
}

import { createSecureServer, createServer, type Http2Server } from "node:http2";
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { once } from "node:events";
import type { ServerTls } from "#access";
import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { CallGate } from "./call-gate.ts";
import { callerValues } from "./caller.ts";
import { compressions } from "./compressions.ts";
import { Connections } from "./connections.ts";
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
  /** A call's message must have come within, and a client may be silent so long after it. */
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
    contextValues: (request) => callerValues(request as Http2ServerRequest),
  });
  const { readTimeoutMs } = options;
  const calls = new CallGate({ readTimeoutMs, ports }, handler);
  const server = http2Server(options.tls, calls.enter);
  const isTls = options.tls !== undefined;
  const connections = new Connections(server, { ...options, isTls }, ports);
  server.listen(options.port, options.address);
  await once(server, "listening");
  const bound = server.address();
  const port = bound === null || typeof bound === "string" ? options.port : bound.port;
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const ended = once(server, "close");
    server.close();
    connections.close();
    const cancel = ports.clock.schedule(options.closeTimeoutMs, () => {
      stopping.abort();
      connections.destroy();
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
